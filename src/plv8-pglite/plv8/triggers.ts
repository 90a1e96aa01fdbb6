/** Trigger functions: NEW, OLD and TG_* as arguments, and what their result means for the row. */
import { isDeepStrictEqual } from "node:util";
import { LanguageError, PlainError } from "./errors.ts";
import type { Convert, Parts } from "./parts.ts";
import { CALL, RELATION, TRIGGER, TRIGGER_DATA, TRIGGER_EVENT } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Routine } from "./routines.ts";
import { propertyOf } from "./tuples.ts";
import type { Description, Tuples } from "./values.ts";

const OPERATIONS = ["INSERT", "DELETE", "UPDATE", "TRUNCATE"] as const;
type Operation = (typeof OPERATIONS)[number];

type Timing = "BEFORE" | "AFTER" | "INSTEAD OF";
const TIMINGS: ReadonlyMap<number, Timing> = new Map([
  [TRIGGER_EVENT.before, "BEFORE"],
  [TRIGGER_EVENT.instead, "INSTEAD OF"],
]);

interface Fired {
  readonly operation: Operation;
  readonly timing: Timing;
  readonly perRow: boolean;
  readonly relation: number;
  /** Addresses of tuples: the row before (or the only one), and the row as it will be. */
  readonly tuple: number;
  readonly newTuple: number;
  readonly trigger: number;
}

function read(memory: Memory, call: number): Fired {
  const data = memory.u32(call + CALL.context);
  if (data === 0)
    throw new LanguageError("0A000", "trigger functions can only be called as triggers");
  const event = memory.u32(data + TRIGGER_DATA.event);
  return {
    operation: OPERATIONS[event & TRIGGER_EVENT.operation]!,
    timing: TIMINGS.get(event & TRIGGER_EVENT.timing) ?? "AFTER",
    perRow: (event & TRIGGER_EVENT.row) !== 0,
    relation: memory.u32(data + TRIGGER_DATA.relation),
    tuple: memory.u32(data + TRIGGER_DATA.tuple),
    newTuple: memory.u32(data + TRIGGER_DATA.newTuple),
    trigger: memory.u32(data + TRIGGER_DATA.trigger),
  };
}

/** The tuple that the operation is about to store, or to delete. */
const subject = ({ operation, tuple, newTuple }: Fired): number =>
  operation === "UPDATE" ? newTuple : tuple;

function rowsOf(
  tuples: Tuples,
  fired: Fired,
  description: Description,
): { NEW: unknown; OLD: unknown } {
  if (!fired.perRow) return { NEW: undefined, OLD: undefined };
  const object = (tuple: number): unknown => tuples.toObject(tuple, description);
  return {
    NEW: fired.operation === "DELETE" ? undefined : object(subject(fired)),
    OLD: fired.operation === "INSERT" ? undefined : object(fired.tuple),
  };
}

/**
 * null skips the row; nothing returned leaves it as it was. Only columns whose value was changed
 * are written: a JavaScript Date has milliseconds where a timestamp has microseconds, and a
 * number cannot hold every numeric.
 */
function resultTuple(
  tuples: Tuples,
  fired: Fired,
  description: Description,
  result: unknown,
): number {
  if (!fired.perRow || result === null) return 0;
  if (fired.timing === "AFTER" || fired.operation === "DELETE" || result === undefined)
    return subject(fired);
  if (typeof result !== "object") throw new PlainError("argument must be an object");
  const before = tuples.toObject(subject(fired), description);
  const changed = new Map<number, unknown>();
  for (const [place, column] of description.columns.entries()) {
    if (!column) continue;
    const value = propertyOf(result, column.name);
    if (!isDeepStrictEqual(value, before[column.name])) changed.set(place, value);
  }
  return changed.size === 0
    ? subject(fired)
    : tuples.replaced(subject(fired), description, changed);
}

export function createTriggers({ symbols, memory, realm, tuples }: Parts): {
  fire(call: number, routine: Routine): Convert;
} {
  const { functions } = symbols;

  function triggerArguments(trigger: number): unknown[] {
    const count = memory.i16(trigger + TRIGGER.argumentCount);
    const first = memory.u32(trigger + TRIGGER.arguments);
    return realm.Array.from({ length: count }, (_, place) =>
      memory.cString(memory.u32(first + 4 * place)),
    );
  }

  function fire(call: number, { code }: Routine): Convert {
    const fired = read(memory, call);
    const description = tuples.describe(memory.u32(fired.relation + RELATION.description));
    const { NEW, OLD } = rowsOf(tuples, fired, description);
    const oid = memory.u32(fired.relation + RELATION.oid);
    const result = code(
      ...[NEW, OLD, memory.cString(memory.u32(fired.trigger + TRIGGER.name))],
      ...[fired.timing, fired.perRow ? "ROW" : "STATEMENT", fired.operation, oid],
      memory.cString(functions.SPI_getrelname(fired.relation)),
      memory.cString(functions.get_namespace_name(functions.get_rel_namespace(oid))),
      triggerArguments(fired.trigger),
    );
    return () => resultTuple(tuples, fired, description, result);
  }

  return { fire };
}
