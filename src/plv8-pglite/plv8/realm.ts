/**
 * Where the functions' code runs: a JavaScript context of its own, with the language and nothing of
 * Node.js (no process, require, timers, TextEncoder, crypto), as in plv8. It keeps code from
 * depending on what a server does not have; it is no security border. All functions of the database
 * share it, whatever role calls them (plv8 has one a role).
 */
import vm from "node:vm";

/** Compiled code with the parameters as they were given. */
export type Code = (...values: unknown[]) => unknown;

export interface Realm {
  readonly global: Record<string, unknown>;
  /**
   * The constructors of that context: values must be of its kind, so that `instanceof` holds there.
   */
  readonly Array: ArrayConstructor;
  readonly Object: ObjectConstructor;
  readonly Date: DateConstructor;
  readonly Error: ErrorConstructor;
  readonly Uint8Array: Uint8ArrayConstructor;
  readonly JSON: JSON;
  /** Compiles a function body. Throws the realm's SyntaxError. */
  compile(name: string, source: string, parameters: readonly string[]): Code;
  /**
   * `name() LINE n: source line`, from the innermost frame of code compiled here; null where there
   * is none.
   */
  whereThrown(error: unknown): string | null;
}

interface Compiled {
  readonly name: string;
  readonly source: string;
}

/** So many functions are remembered for the line in an error's context. */
const REMEMBERED = 1_000;
const FILE = "plv8:";
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

export function createRealm(): Realm {
  // An ordinary global object where Node.js can make one (20.18 and later): without it every use of
  // a global goes through an interceptor.
  const ordinary = (vm.constants as unknown as { DONT_CONTEXTIFY?: symbol } | undefined)
    ?.DONT_CONTEXTIFY;
  const context = vm.createContext((ordinary as unknown as vm.Context) ?? {}, {
    name: "plv8",
    codeGeneration: { strings: true, wasm: false },
  });
  const global = vm.runInContext("globalThis", context) as Record<string, unknown>;
  // V8 gives every context a console, which writes to nowhere here and in plv8.

  const sources = new Map<string, Compiled>();
  let sequence = 0;

  function whereThrown(error: unknown): string | null {
    const stack = (error as { stack?: unknown } | null | undefined)?.stack;
    if (typeof stack !== "string") return null;
    const found = /plv8:(\d+):(\d+)/.exec(stack);
    const compiled = found && sources.get(found[1]!);
    if (!found || !compiled) return null;
    const line = Number(found[2]);
    return (
      `${compiled.name} LINE ${line}: ` +
      `${(compiled.source.split("\n")[line - 1] ?? "").slice(0, 1000)}`
    );
  }

  return {
    global,
    Array: global.Array as ArrayConstructor,
    Object: global.Object as ObjectConstructor,
    Date: global.Date as DateConstructor,
    Error: global.Error as ErrorConstructor,
    Uint8Array: global.Uint8Array as Uint8ArrayConstructor,
    JSON: global.JSON as JSON,
    compile(name, source, parameters) {
      const unusable = parameters.find((parameter) => !IDENTIFIER.test(parameter));
      if (unusable !== undefined) throw new SyntaxError(`Invalid parameter name "${unusable}"`);
      const key = String(++sequence);
      sources.set(key, { name, source });
      if (sources.size > REMEMBERED) sources.delete(sources.keys().next().value!);
      // As plv8 does it, so that a body may end the function and begin another. (vm.compileFunction
      // would not let it, but ends Node.js 20 with a segmentation fault on a parameter that is no
      // identifier.)
      const script = new vm.Script(`(function (${parameters.join(", ")}) {\n${source}\n})`, {
        filename: `${FILE}${key}`,
        lineOffset: -1,
      });
      const code = script.runInContext(context) as unknown;
      // plv8 calls whatever it is, which ends the server.
      if (typeof code !== "function") throw new SyntaxError("the code is no function's body");
      return code as Code;
    },
    whereThrown,
  };
}
