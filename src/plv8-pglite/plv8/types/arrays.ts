/** Arrays, element by element. */
import { PlainError } from "../errors.ts";
import type { Memory } from "../memory.ts";
import type { Realm } from "../realm.ts";
import type { Functions } from "../symbols.ts";
import type { TypeInfo, Types } from "../values.ts";

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly workArea: number;
  readonly toValue: Types["toValue"];
  readonly toDatum: Types["toDatum"];
}

export interface Arrays {
  value(datum: number, element: TypeInfo): unknown[];
  datum(value: unknown, element: TypeInfo): number;
}

export function createArrays({
  functions,
  memory,
  realm,
  workArea: out,
  toValue,
  toDatum,
}: Parts): Arrays {
  return {
    value(datum, element) {
      const array = functions.pg_detoast_datum(datum);
      const { oid, length, byValue, alignment } = element;
      functions.deconstruct_array(array, oid, length, byValue, alignment, out, out + 4, out + 8);
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
    },

    datum(value, element) {
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
    },
  };
}
