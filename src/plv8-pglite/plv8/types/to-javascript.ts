/** Scalar values of PostgreSQL as JavaScript has them. */
import type { Catalogue } from "../catalogue.ts";
import { TYPE } from "../layout.ts";
import type { Memory } from "../memory.ts";
import { floatOf, millisecondsOf, millisecondsOfDay } from "../numbers.ts";
import type { Realm } from "../realm.ts";
import type { Functions } from "../symbols.ts";
import { callWithOne, contentOf } from "./addresses.ts";

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly catalogue: Catalogue;
}

export function createScalarValues({
  functions,
  memory,
  realm,
  catalogue,
}: Parts): (datum: number, oid: number) => unknown {
  const textIn = (datum: number): string => contentOf(functions, memory, datum, memory.text);

  return (datum, oid) => {
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
      case TYPE.numeric:
        return memory.f64(callWithOne(functions, memory, functions.numeric_float8, datum));
      case TYPE.date:
        return new realm.Date(millisecondsOfDay(datum | 0));
      case TYPE.timestamp:
      case TYPE.timestamptz:
        return new realm.Date(millisecondsOf(memory.i64(datum)));
      case TYPE.text:
      case TYPE.varchar:
      case TYPE.bpchar:
      case TYPE.xml:
        return textIn(datum);
      case TYPE.json:
        return realm.JSON.parse(textIn(datum));
      case TYPE.jsonb:
        return realm.JSON.parse(catalogue.textOf(datum, oid));
      case TYPE.bytea: {
        const bytes = contentOf(functions, memory, datum, memory.bytes);
        return new realm.Uint8Array(bytes);
      }
      default:
        return catalogue.textOf(datum, oid);
    }
  };
}
