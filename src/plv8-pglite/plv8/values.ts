/**
 * What the conversions are to the rest: of single values (types.ts) and of rows (tuples.ts), which
 * need each other for composite types.
 */

export interface TypeInfo {
  readonly oid: number;
  readonly kind: "scalar" | "array" | "composite";
  readonly length: number;
  readonly byValue: number;
  readonly alignment: number;
  /** Of an array. */
  readonly element: TypeInfo | null;
}

/** A Datum, or null for SQL NULL. */
export type Datum = number | null;

export interface Types {
  info(oid: number): TypeInfo;
  toValue(datum: number, type: TypeInfo): unknown;
  toDatum(value: unknown, type: TypeInfo): Datum;
  /**
   * True where the conversion runs no code but this file's and PostgreSQL's own: no domain's check,
   * no function of somebody.
   */
  isPlain(type: TypeInfo): boolean;
}

export interface Column {
  readonly name: string;
  readonly type: TypeInfo;
}

/** A tuple descriptor, read. A dropped column is null, and keeps its place. */
export interface Description {
  readonly address: number;
  readonly columns: readonly (Column | null)[];
}

export interface Tuples {
  describe(address: number): Description;
  /**
   * Reads the descriptor of a row type and gives it back after the work. `modifier` tells record
   * types apart; -1 for named ones.
   */
  withRowType<Value>(
    type: number,
    modifier: number,
    work: (description: Description) => Value,
  ): Value;
  /** A tuple of several, read with the same work area. */
  toObjects(tuples: readonly number[], description: Description): Record<string, unknown>[];
  toObject(tuple: number, description: Description): Record<string, unknown>;
  /** A HeapTuple around the header of a composite value. */
  around(header: number, length: number): number;
  /** A HeapTuple. Errors: PlainError where the value is no object, or lacks a column. */
  toTuple(value: unknown, description: Description): number;
  /** A HeapTuple of one column. */
  scalarTuple(value: unknown, description: Description): number;
  /** A composite Datum. */
  toDatum(value: unknown, description: Description): number;
  /** The tuple with some columns (by place, from 0) replaced. */
  replaced(tuple: number, description: Description, values: ReadonlyMap<number, unknown>): number;
}
