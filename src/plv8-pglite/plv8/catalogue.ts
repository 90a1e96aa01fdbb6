/** What PostgreSQL's catalogue says of types, remembered; and values as text, by its functions. */
import { types as is } from "node:util";
import { TYPE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Functions } from "./symbols.ts";
import type { TypeInfo } from "./values.ts";

const CATEGORY = { array: "A".charCodeAt(0), composite: "C".charCodeAt(0) } as const;
const DOMAIN = "d".charCodeAt(0);
/** Types are remembered; a session that makes new ones without end must not fill the memory. */
const REMEMBERED = 10_000;

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  /** 16 bytes of PostgreSQL's memory that stay. */
  readonly workArea: number;
}

export interface Catalogue {
  info(oid: number): TypeInfo;
  textOf(datum: number, oid: number): string;
  fromText(text: string, oid: number): number;
}

/** What `read` gives for the type, looked up once. */
function remember<Value>(map: Map<number, Value>, oid: number, read: () => Value): Value {
  let found = map.get(oid);
  if (found === undefined) {
    if (map.size > REMEMBERED) map.clear();
    found = read();
    map.set(oid, found);
  }
  return found;
}

export const createCatalogue = (parts: Parts): Catalogue => ({
  info: createInfo(parts),
  ...createTexts(parts),
});

// The type functions of PostgreSQL answer through pointers: into the work area.

function createInfo({ functions, memory, workArea: out }: Parts): Catalogue["info"] {
  const known = new Map<number, TypeInfo>();
  const info = (oid: number): TypeInfo => remember(known, oid, () => lookUp(oid));

  function lookUp(oid: number): TypeInfo {
    functions.get_typlenbyvalalign(oid, out, out + 4, out + 5);
    const storage = {
      length: memory.i16(out),
      byValue: memory.u8(out + 4),
      alignment: memory.u8(out + 5),
    };
    const scalar: TypeInfo = { oid, kind: "scalar", element: null, ...storage };
    if (oid === TYPE.record) return { ...scalar, kind: "composite" };
    if (oid === TYPE.recordArray) return { ...scalar, kind: "array", element: info(TYPE.record) };
    // A domain goes through its input function, which is what checks it.
    if (functions.get_typtype(oid) === DOMAIN) return scalar;
    functions.get_type_category_preferred(oid, out, out + 1);
    const category = memory.u8(out);
    if (category === CATEGORY.composite) return { ...scalar, kind: "composite" };
    const element = category === CATEGORY.array ? functions.get_base_element_type(oid) : 0;
    return element === 0 ? scalar : { ...scalar, kind: "array", element: info(element) };
  }

  return info;
}

function createTexts({
  functions,
  memory,
  workArea: out,
}: Parts): Pick<Catalogue, "textOf" | "fromText"> {
  const inputs = new Map<number, { function: number; parameter: number }>();
  const outputs = new Map<number, number>();
  return {
    textOf(datum, oid) {
      const output = remember(
        outputs,
        oid,
        () => (functions.getTypeOutputInfo(oid, out, out + 4), memory.u32(out)),
      );
      const address = functions.OidOutputFunctionCall(output, datum);
      const text = memory.cString(address)!;
      functions.pfree(address);
      return text;
    },
    fromText(text, oid) {
      const input = remember(inputs, oid, () => {
        functions.getTypeInputInfo(oid, out, out + 4);
        return { function: memory.u32(out), parameter: memory.u32(out + 4) };
      });
      const address = memory.newCString(text);
      const datum = functions.OidInputFunctionCall(input.function, address, input.parameter, -1);
      functions.pfree(address);
      return datum;
    },
  };
}

/** The type of a parameter where the parser cannot be asked, as older plv8 versions chose it. */
export function typeByValue(value: unknown): number {
  switch (typeof value) {
    case "boolean":
      return TYPE.bool;
    case "bigint":
      return TYPE.int8;
    case "number":
      if (!Number.isInteger(value)) return TYPE.float8;
      return Math.abs(value) < 2 ** 31 ? TYPE.int4 : TYPE.int8;
    case "object":
      if (value === null) return TYPE.text;
      if (is.isDate(value)) return TYPE.timestamptz;
      return ArrayBuffer.isView(value) ? TYPE.bytea : TYPE.jsonb;
    default:
      return TYPE.text;
  }
}
