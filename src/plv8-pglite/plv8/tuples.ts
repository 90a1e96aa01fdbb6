/** Rows: PostgreSQL's tuples and tuple descriptors (TupleDesc) as JavaScript objects and back. */
import { PlainError } from "./errors.ts";
import { DESCRIPTION, TUPLE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Realm } from "./realm.ts";
import type { Functions } from "./symbols.ts";
import type { Column, Description, Tuples, Types } from "./values.ts";

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly types: Types;
}

/** Errors: PlainError where the object lacks it, as in plv8. */
export function propertyOf(object: object, name: string): unknown {
  if (name in object) return (object as Record<string, unknown>)[name];
  throw new PlainError("field name / property name mismatch");
}

/** Tuples read, and tuples made. */
type Reading = Pick<Tuples, "describe" | "withRowType" | "toObjects" | "toObject" | "around">;
type Making = Omit<Tuples, keyof Reading>;

export const createTuples = (parts: Parts): Tuples => ({
  ...createReading(parts),
  ...createMaking(parts),
});

/** A column may be called __proto__. */
function setColumn(row: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") row[name] = value;
  else
    Object.defineProperty(row, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
}

function createReading(parts: Parts): Reading {
  const { functions, memory, types } = parts;

  function describe(address: number): Description {
    const count = memory.i32(address + DESCRIPTION.columnCount);
    const columns: (Column | null)[] = [];
    for (let number = 1; number <= count; number++) {
      const type = functions.SPI_gettypeid(address, number);
      const name = type === 0 ? 0 : functions.SPI_fname(address, number);
      columns.push(
        type === 0 ? null : { name: memory.cString(name)!, type: types.info(type >>> 0) },
      );
      if (name !== 0) functions.pfree(name);
    }
    return { address, columns };
  }

  function withRowType<Value>(
    type: number,
    modifier: number,
    work: (description: Description) => Value,
  ): Value {
    const address = functions.lookup_rowtype_tupdesc(type, modifier);
    const value = work(describe(address));
    // A reference that an error leaves behind is the resource owner's to drop.
    if (memory.i32(address + DESCRIPTION.references) >= 0) functions.DecrTupleDescRefCount(address);
    return value;
  }

  const toObjects = createObjects(parts);

  return {
    describe,
    withRowType,
    toObjects,
    toObject: (tuple, description) => toObjects([tuple], description)[0]!,
    around(header, length) {
      const tuple = functions.palloc0(TUPLE.size);
      memory.setU32(tuple + TUPLE.length, length);
      memory.setU32(tuple + TUPLE.header, header);
      return tuple;
    },
  };
}

const createObjects =
  ({ functions, memory, realm, types }: Parts): Tuples["toObjects"] =>
  (tuples, { address, columns }) => {
    const rows = new realm.Array<Record<string, unknown>>(tuples.length);
    const datums = memory.allocate(5 * columns.length + 4);
    const nulls = datums + 4 * columns.length;
    for (const [place, tuple] of tuples.entries()) {
      functions.heap_deform_tuple(tuple, address, datums, nulls);
      const row = new realm.Object() as Record<string, unknown>;
      for (const [number, column] of columns.entries()) {
        if (!column) continue;
        const value = memory.u8(nulls + number)
          ? null
          : types.toValue(memory.u32(datums + 4 * number), column.type);
        setColumn(row, column.name, value);
      }
      rows[place] = row;
    }
    functions.pfree(datums);
    return rows;
  };

function createMaking({ functions, memory, types }: Parts): Making {
  function formTuple(
    { address, columns }: Description,
    valueOf: (column: Column) => unknown,
  ): number {
    const datums = memory.allocate(5 * columns.length + 4);
    const nulls = datums + 4 * columns.length;
    for (const [number, column] of columns.entries()) {
      const datum = column ? types.toDatum(valueOf(column), column.type) : null;
      memory.setU32(datums + 4 * number, datum ?? 0);
      memory.setU8(nulls + number, datum === null ? 1 : 0);
    }
    const tuple = functions.heap_form_tuple(address, datums, nulls);
    functions.pfree(datums);
    return tuple;
  }

  function toTuple(value: unknown, description: Description): number {
    if (typeof value !== "object" || value === null)
      throw new PlainError("argument must be an object");
    return formTuple(description, ({ name }) => propertyOf(value, name));
  }

  return {
    toTuple,
    scalarTuple: (value, description) => formTuple(description, () => value),
    toDatum: (value, description) =>
      functions.HeapTupleHeaderGetDatum(memory.u32(toTuple(value, description) + TUPLE.header)),
    replaced(tuple, { address, columns }, values) {
      const count = values.size;
      const block = memory.allocate(9 * count + 4);
      let place = 0;
      for (const [number, value] of values) {
        const datum = types.toDatum(value, columns[number]!.type);
        memory.setU32(block + 4 * place, number + 1);
        memory.setU32(block + 4 * (count + place), datum ?? 0);
        memory.setU8(block + 8 * count + place, datum === null ? 1 : 0);
        place++;
      }
      return functions.heap_modify_tuple_by_cols(
        tuple,
        address,
        count,
        block,
        block + 4 * count,
        block + 8 * count,
      );
    },
  };
}
