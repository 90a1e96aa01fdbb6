/**
 * The WebAssembly side module that PostgreSQL loads as `plv8.so`: about 300 bytes, put together by
 * hand.
 *
 * It holds no code. It imports functions and exports them again under the names that PostgreSQL
 * looks up in a shared library: the three handlers, which are JavaScript, and for each a
 * `pg_finfo_*` function. Those, and the magic block that says which server the library was built
 * for, are borrowed from plpgsql.so (loaded just before), which has been built for exactly this
 * server. Format: WebAssembly core 1.0, binary format, and the dylink.0 section of its tool
 * conventions.
 */

export const HANDLERS = ["call_handler", "inline_handler", "validator"] as const;
export type Handler = (typeof HANDLERS)[number];

/** Name under which the host must offer a handler among the imports. */
export const importName = (handler: Handler): string => `javascript_plv8_${handler}`;

type Bytes = readonly number[];

const SECTION = { custom: 0, type: 1, import: 2, export: 7 } as const;
const I32 = 0x7f;
const FUNCTION_TYPE = 0x60;
const KIND_FUNCTION = 0;
/**
 * Sub-section of dylink.0: size and alignment of memory and table that the module wants; this one
 * wants none.
 */
const DYLINK_MEMORY_INFO: Bytes = [1, 4, 0, 0, 0, 0];

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}

const vector = (items: readonly Bytes[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: Bytes): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
];

/** Types of the functions, by their place in the type section. */
const NO_ARGUMENT = 0;
const ONE_ARGUMENT = 1;

interface Passed {
  readonly imported: string;
  readonly exported: string;
  readonly type: number;
}

export function sideModule(): Uint8Array {
  const functions: Passed[] = [
    { imported: "Pg_magic_func", exported: "Pg_magic_func", type: NO_ARGUMENT },
  ];
  for (const handler of HANDLERS) {
    functions.push({
      imported: "pg_finfo_plpgsql_call_handler",
      exported: `pg_finfo_plv8_${handler}`,
      type: NO_ARGUMENT,
    });
    functions.push({
      imported: importName(handler),
      exported: `plv8_${handler}`,
      type: ONE_ARGUMENT,
    });
  }
  const types = [
    [FUNCTION_TYPE, 0, 1, I32],
    [FUNCTION_TYPE, 1, I32, 1, I32],
  ];
  const imports = functions.map(({ imported, type }) => [
    ...text("env"),
    ...text(imported),
    KIND_FUNCTION,
    ...unsigned(type),
  ]);
  const exports = functions.map(({ exported }, place) => [
    ...text(exported),
    KIND_FUNCTION,
    ...unsigned(place),
  ]);
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(SECTION.custom, [...text("dylink.0"), ...DYLINK_MEMORY_INFO]),
    ...section(SECTION.type, vector(types)),
    ...section(SECTION.import, vector(imports)),
    ...section(SECTION.export, vector(exports)),
  ]);
}
