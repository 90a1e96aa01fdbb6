/**
 * Values between PostgreSQL and JavaScript, type by type, as plv8 3.2 converts them
 * (README.md has the table).
 */
import { types as is } from "node:util";
import { createCatalogue } from "./catalogue.ts";
import { LanguageError, PlainError } from "./errors.ts";
import { ARGUMENT, CALL, TUPLE_HEADER, TYPE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import {
  bitsOf,
  bytesOf,
  dayOf,
  floatOf,
  int64Of,
  jsonText,
  millisecondsOf,
  millisecondsOfDay,
  timeOf,
} from "./numbers.ts";
import type { Realm } from "./realm.ts";
import type { Functions } from "./symbols.ts";
import type { Datum, Tuples, TypeInfo, Types } from "./values.ts";

/** FirstNormalObjectId in transam.h: below it are the types that PostgreSQL brings. */
const CATALOGUE_END = 16_384;

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  /** 16 bytes of PostgreSQL's memory that stay. */
  readonly workArea: number;
  tuples(): Tuples;
}

export function createTypes({ functions, memory, realm, workArea, tuples }: Parts): Types {
  const { info, textOf, fromText } = createCatalogue({ functions, memory, workArea });
  // The type functions of PostgreSQL answer through pointers.
  const out = workArea;

  /** Content of a varlena, decompressed where it was compressed. */
  function content<Value>(datum: number, read: (start: number, length: number) => Value): Value {
    const plain = functions.pg_detoast_datum_packed(datum);
    const { start, length } = memory.varlena(plain);
    const value = read(start, length);
    if (plain !== datum) functions.pfree(plain);
    return value;
  }

  /**
   * Calls a function of PostgreSQL that takes one argument and answers with one value, never NULL.
   */
  function callWithOne(of: (call: number) => number, argument: number): number {
    const call = functions.palloc0(CALL.arguments + ARGUMENT.size);
    memory.setU8(call + CALL.argumentCount, 1);
    memory.setU32(call + CALL.arguments, argument);
    const result = of(call);
    functions.pfree(call);
    return result;
  }

  const newInt8 = (value: bigint): number => {
    const address = memory.allocate(8);
    memory.setI64(address, value);
    return address;
  };
  const newFloat8 = (value: number): number => {
    const address = memory.allocate(8);
    memory.setF64(address, value);
    return address;
  };

  function scalarValue(datum: number, oid: number): unknown {
    switch (oid) {
      case TYPE.bool:
        return (datum & 0xff) !== 0;
      case TYPE.int2:
        return (datum << 16) >> 16;
      case TYPE.int4:
        return datum | 0;
      // Of more than 31 bits plv8 makes a negative number; back it is the same OID.
      case TYPE.oid:
        return datum | 0;
      case TYPE.int8:
        return memory.i64(datum);
      case TYPE.float4:
        return floatOf(datum);
      case TYPE.float8:
        return memory.f64(datum);
      case TYPE.numeric: {
        const result = callWithOne(functions.numeric_float8, datum);
        return memory.f64(result);
      }
      case TYPE.date:
        return new realm.Date(millisecondsOfDay(datum | 0));
      case TYPE.timestamp:
      case TYPE.timestamptz:
        return new realm.Date(millisecondsOf(memory.i64(datum)));
      case TYPE.text:
      case TYPE.varchar:
      case TYPE.bpchar:
      case TYPE.xml:
        return content(datum, memory.text);
      case TYPE.json:
        return realm.JSON.parse(content(datum, memory.text));
      case TYPE.jsonb:
        return realm.JSON.parse(textOf(datum, oid));
      case TYPE.bytea:
        return content(datum, (start, length) => new realm.Uint8Array(memory.bytes(start, length)));
      default:
        return textOf(datum, oid);
    }
  }

  function arrayValue(datum: number, element: TypeInfo): unknown[] {
    const array = functions.pg_detoast_datum(datum);
    functions.deconstruct_array(
      array,
      element.oid,
      element.length,
      element.byValue,
      element.alignment,
      out,
      out + 4,
      out + 8,
    );
    const [datums, nulls, count] = [memory.u32(out), memory.u32(out + 4), memory.i32(out + 8)];
    // Converting an element uses `out` again. More than one dimension comes flat, as in plv8.
    const values = new realm.Array<unknown>(count);
    for (let place = 0; place < count; place++) {
      values[place] = memory.u8(nulls + place)
        ? null
        : toValue(memory.u32(datums + 4 * place), element);
    }
    functions.pfree(datums);
    functions.pfree(nulls);
    if (array !== datum) functions.pfree(array);
    return values;
  }

  function recordValue(datum: number): unknown {
    const header = functions.pg_detoast_datum(datum);
    const type = memory.u32(header + TUPLE_HEADER.type);
    const modifier = memory.i32(header + TUPLE_HEADER.typeModifier);
    const length = memory.u32(header + TUPLE_HEADER.length) >>> 2;
    return tuples().withRowType(type, modifier, (description) =>
      tuples().toObject(tuples().around(header, length), description),
    );
  }

  function toValue(datum: number, type: TypeInfo): unknown {
    if (type.kind === "array") return arrayValue(datum, type.element!);
    if (type.kind === "composite") return recordValue(datum);
    return scalarValue(datum, type.oid);
  }

  function scalarDatum(value: unknown, oid: number): number {
    const isNumber = typeof value === "number";
    switch (oid) {
      case TYPE.bool:
        if (typeof value === "boolean") return value ? 1 : 0;
        break;
      case TYPE.int2:
        if (isNumber) return (value << 16) >> 16;
        break;
      case TYPE.int4:
        if (isNumber) return value | 0;
        break;
      case TYPE.oid:
        if (isNumber) return value >>> 0;
        break;
      case TYPE.int8:
        if (typeof value === "bigint") return newInt8(BigInt.asIntN(64, value));
        if (isNumber) return newInt8(int64Of(value));
        break;
      case TYPE.float4:
        if (isNumber) return bitsOf(value);
        break;
      case TYPE.float8:
        if (isNumber) return newFloat8(value);
        break;
      case TYPE.numeric:
        if (isNumber) return callWithOne(functions.float8_numeric, newFloat8(value));
        break;
      case TYPE.date:
        if (is.isDate(value)) return dayOf(value.getTime());
        break;
      case TYPE.timestamp:
      case TYPE.timestamptz:
        if (is.isDate(value)) return newInt8(timeOf(value.getTime()));
        break;
      case TYPE.bytea: {
        const bytes = bytesOf(value);
        if (bytes) return memory.newVarlena(bytes);
        break;
      }
      case TYPE.json:
        if (typeof value === "object") return fromText(jsonText(value), oid);
        break;
      case TYPE.jsonb:
        return fromText(
          jsonText(value, (_, part: unknown) =>
            typeof part === "bigint"
              ? String(part)
              : typeof part === "string"
                ? part.split("\0", 1)[0]
                : part,
          ),
          oid,
        );
      case TYPE.text:
      case TYPE.varchar:
      case TYPE.bpchar:
        return memory.newText(String(value));
    }
    return fromText(String(value), oid);
  }

  function arrayDatum(value: unknown, element: TypeInfo): number {
    if (!Array.isArray(value)) throw new PlainError("value is not an Array");
    const count = value.length;
    const [datums, nulls] = [memory.allocate(4 * count + 4), memory.allocate(count + 1)];
    for (let place = 0; place < count; place++) {
      const datum = toDatum(value[place], element);
      memory.setU32(datums + 4 * place, datum ?? 0);
      memory.setU8(nulls + place, datum === null ? 1 : 0);
    }
    const bounds = memory.allocate(8);
    memory.setU32(bounds, count);
    memory.setU32(bounds + 4, 1);
    return functions.construct_md_array(
      ...[datums, nulls, count === 0 ? 0 : 1, bounds, bounds + 4],
      ...[element.oid, element.length, element.byValue, element.alignment],
    );
  }

  function toDatum(value: unknown, type: TypeInfo): Datum {
    if (value === null || value === undefined) return null;
    if (type.kind === "array") return arrayDatum(value, type.element!);
    if (type.kind === "composite") {
      if (type.oid === TYPE.record)
        throw new LanguageError("0A000", "a value of type record needs to know its columns");
      return tuples().withRowType(type.oid, -1, (description) =>
        tuples().toDatum(value, description),
      );
    }
    return scalarDatum(value, type.oid);
  }

  return {
    info,
    toValue,
    toDatum,
    isPlain(type) {
      const { oid, kind } = type.element ?? type;
      return oid < CATALOGUE_END && kind !== "composite";
    },
  };
}
