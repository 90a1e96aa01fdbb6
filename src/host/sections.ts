/**
 * The core of the bundle (build/sections.ts): parses a section, which is a module of src or a
 * package, when something of it is first used.
 */
import type { Engine } from "./engine.ts";

type Exports = Record<string, unknown>;

/** What follows the last section: the comment's end, a line's end. */
const TAIL = 3;

/** A session that was open when the bundle was replaced has an older loader, which passes none. */
const READ = `SELECT pg_catalog.split_part(p.prosrc, '$ruvector_healing' || '_bundle$', 2) AS answer
  FROM pg_catalog.pg_proc p
 WHERE p.oid = 'ruvector.healing_bundle()'::pg_catalog.regprocedure`;

/**
 * @param source of the bundle, core and sections
 * @param lengths of the sections, in their order; the first is the entry
 * @returns what the entry exports
 */
export function entry(engine: Engine, source: string | null, lengths: readonly number[]): Exports {
  const text = source ?? engine.execute(READ)[0]!.answer;
  const begins: number[] = [];
  let begin = text.length - TAIL - lengths.reduce((sum, length) => sum + length, 0);
  for (const length of lengths) {
    begins.push(begin);
    begin += length;
  }
  const modules: Exports[] = [];
  const parsed: boolean[] = [];

  /** What the module exports: of these names, each loads it when it is first read. */
  function require(place: number, names: string): Exports {
    const module = (modules[place] ??= {});
    if (!parsed[place])
      for (const name of names.split(" "))
        if (!Object.prototype.hasOwnProperty.call(module, name)) defer(module, name, place);
    return module;
  }

  function defer(module: Exports, name: string, place: number): void {
    define(module, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        parse(place);
        return module[name];
      },
    });
  }

  function parse(place: number): void {
    const module = (modules[place] ??= {});
    const section = text.substr(begins[place]!, lengths[place]).split("*@/").join("*/");
    const made = new Function("engine", "require", "__toESM", "__publicField", section)(
      engine,
      require,
      (all: Exports) => all,
      field,
    ) as Exports;
    // A plain value from now on: what is read often is read fast.
    for (const [name, exported] of Object.entries(Object.getOwnPropertyDescriptors(made)))
      define(module, name, { ...exported, configurable: true });
    parsed[place] = true;
  }

  parse(0);
  return modules[0]!;
}

/** Where somebody gave all objects a "get" or "value", a descriptor must not inherit it. */
const define = (object: object, name: string, descriptor: PropertyDescriptor): object =>
  Object.defineProperty(object, name, Object.assign(Object.create(null), descriptor));

const field = (object: object, name: string, value: unknown): object =>
  define(object, name, {
    configurable: true,
    enumerable: true,
    writable: true,
    value,
  });
