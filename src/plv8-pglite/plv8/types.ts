/**
 * Values between PostgreSQL and JavaScript, type by type, as plv8 3.2 converts them
 * (README.md has the table).
 */
import { createCatalogue } from "./catalogue.ts";
import { LanguageError } from "./errors.ts";
import { TUPLE_HEADER, TYPE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Realm } from "./realm.ts";
import type { Functions } from "./symbols.ts";
import { createArrays } from "./types/arrays.ts";
import { createScalarValues } from "./types/to-javascript.ts";
import { createScalarDatums } from "./types/to-postgres.ts";
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

function isPlain(type: TypeInfo): boolean {
  const { oid, kind } = type.element ?? type;
  return oid < CATALOGUE_END && kind !== "composite";
}

export function createTypes({ functions, memory, realm, workArea, tuples }: Parts): Types {
  const catalogue = createCatalogue({ functions, memory, workArea });
  const scalarValue = createScalarValues({ functions, memory, realm, catalogue });
  const scalarDatum = createScalarDatums({ functions, memory, catalogue });
  const arrays = createArrays({ functions, memory, realm, workArea, toValue, toDatum });

  function recordValue(datum: number): unknown {
    const header = functions.pg_detoast_datum(datum);
    const type = memory.u32(header + TUPLE_HEADER.type);
    const modifier = memory.i32(header + TUPLE_HEADER.typeModifier);
    const length = memory.u32(header + TUPLE_HEADER.length) >>> 2;
    return tuples().withRowType(type, modifier, (description) =>
      tuples().toObject(tuples().around(header, length), description),
    );
  }

  function recordDatum(value: unknown, { oid }: TypeInfo): number {
    if (oid === TYPE.record)
      throw new LanguageError("0A000", "a value of type record needs to know its columns");
    return tuples().withRowType(oid, -1, (description) => tuples().toDatum(value, description));
  }

  function toValue(datum: number, type: TypeInfo): unknown {
    if (type.kind === "array") return arrays.value(datum, type.element!);
    if (type.kind === "composite") return recordValue(datum);
    return scalarValue(datum, type.oid);
  }

  function toDatum(value: unknown, type: TypeInfo): Datum {
    if (value === null || value === undefined) return null;
    if (type.kind === "array") return arrays.datum(value, type.element!);
    if (type.kind === "composite") return recordDatum(value, type);
    return scalarDatum(value, type.oid);
  }

  return { info: catalogue.info, toValue, toDatum, isPlain };
}
