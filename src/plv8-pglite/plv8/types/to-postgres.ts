/** JavaScript's values as scalar values of PostgreSQL. */
import { types as is } from "node:util";
import type { Catalogue } from "../catalogue.ts";
import { TYPE } from "../layout.ts";
import type { Memory } from "../memory.ts";
import { bitsOf, bytesOf, dayOf, int64Of, jsonText, timeOf } from "../numbers.ts";
import type { Functions } from "../symbols.ts";
import { callWithOne, newFloat8, newInt8 } from "./addresses.ts";

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly catalogue: Catalogue;
}

/** undefined: the type's input function reads the text of such a value. */
type Conversion = (value: unknown) => number | undefined;

const ofNumbers =
  (convert: (value: number) => number): Conversion =>
  (value) =>
    typeof value === "number" ? convert(value) : undefined;

const ofDates =
  (convert: (time: number) => number): Conversion =>
  (value) =>
    is.isDate(value) ? convert(value.getTime()) : undefined;

const ofBooleans: Conversion = (value) => (typeof value === "boolean" ? Number(value) : undefined);

/** What jsonb cannot hold: a bigint becomes its text, a text ends at its first NUL. */
function jsonbPart(_key: string, part: unknown): unknown {
  if (typeof part === "bigint") return String(part);
  return typeof part === "string" ? part.split("\0", 1)[0] : part;
}

function conversions({ functions, memory, catalogue }: Parts): Map<number, Conversion> {
  const numeric = (value: number): number =>
    callWithOne(functions, memory, functions.float8_numeric, newFloat8(memory, value));
  const int8: Conversion = (value) => {
    if (typeof value === "bigint") return newInt8(memory, BigInt.asIntN(64, value));
    return typeof value === "number" ? newInt8(memory, int64Of(value)) : undefined;
  };
  const time = ofDates((at) => newInt8(memory, timeOf(at)));
  const text: Conversion = (value) => memory.newText(String(value));
  const bytea: Conversion = (value) => {
    const bytes = bytesOf(value);
    return bytes ? memory.newVarlena(bytes) : undefined;
  };
  const json: Conversion = (value) =>
    typeof value === "object" ? catalogue.fromText(jsonText(value), TYPE.json) : undefined;
  const jsonb: Conversion = (value) => catalogue.fromText(jsonText(value, jsonbPart), TYPE.jsonb);
  return new Map<number, Conversion>([
    [TYPE.bool, ofBooleans],
    [TYPE.int2, ofNumbers((value) => (value << 16) >> 16)],
    [TYPE.int4, ofNumbers((value) => value | 0)],
    [TYPE.oid, ofNumbers((value) => value >>> 0)],
    [TYPE.int8, int8],
    [TYPE.float4, ofNumbers(bitsOf)],
    [TYPE.float8, ofNumbers((value) => newFloat8(memory, value))],
    [TYPE.numeric, ofNumbers(numeric)],
    [TYPE.date, ofDates(dayOf)],
    [TYPE.timestamp, time],
    [TYPE.timestamptz, time],
    [TYPE.bytea, bytea],
    [TYPE.json, json],
    [TYPE.jsonb, jsonb],
    [TYPE.text, text],
    [TYPE.varchar, text],
    [TYPE.bpchar, text],
  ]);
}

export function createScalarDatums(parts: Parts): (value: unknown, oid: number) => number {
  const byType = conversions(parts);
  return (value, oid) => byType.get(oid)?.(value) ?? parts.catalogue.fromText(String(value), oid);
}
