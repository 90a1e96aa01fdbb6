/**
 * JavaScript of a role's session has one global scope, whoever's functions run there: a library
 * that one of them loaded may have changed what every object inherits. Our code, and that of the
 * packages it uses, would fail halfway, or answer what nobody asked for.
 */
import { HealingError } from "../base/errors.ts";

/** Inherited, these change what Object.defineProperty does, or what JSON.stringify writes. */
const MEANT_FOR_SOME = ["get", "set", "value", "writable", "enumerable", "configurable"];
const PROTOTYPES = { Object, Array, String, Number, Boolean } as const;

/** What our code would stumble over, such as "Object.prototype.extra"; the first of it. */
function strange(): string | null {
  // On purpose all that is inherited, which is what is looked for.
  for (const name in {}) return `Object.prototype.${name}`;
  const own = Object.getOwnPropertyNames(Object.prototype);
  const found = MEANT_FOR_SOME.find((name) => own.indexOf(name) >= 0);
  if (found !== undefined) return `Object.prototype.${found}`;
  for (const name of Object.keys(PROTOTYPES))
    if ("toJSON" in PROTOTYPES[name as keyof typeof PROTOTYPES].prototype)
      return `${name}.prototype.toJSON`;
  return null;
}

/** The answer instead of one of ours, written without JSON.stringify; null: nothing is changed. */
export function changedGlobals(): string | null {
  const what = strange();
  if (what === null) return null;
  const { sqlstate, message, detail, hint } = new HealingError(
    "globals_changed",
    "a function of somebody changed what all JavaScript of this session inherits; nothing was done",
    {
      detail: `There is ${what.replace(/[^\w$.]/g, "?").slice(0, 100)}.`,
      hint:
        "Call it on a new connection (DISCARD ALL does not undo it). Functions in JavaScript " +
        "should keep what they need in variables, not in prototypes.",
    },
  ).document;
  // Nothing in it is to be escaped.
  return (
    `{"error":{"sqlstate":"${sqlstate}","message":"${message}",` +
    `"detail":"${detail}","hint":"${hint}"}}`
  );
}
