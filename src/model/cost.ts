/** What an action writes, and how much of it may be: its blast radius. */

export interface Cost {
  readonly rows: number;
  readonly bytes: number;
  readonly wal_bytes: number;
}

export const COST_KEYS = ["rows", "bytes", "wal_bytes"] as const satisfies readonly (keyof Cost)[];

export const NO_COST: Cost = { rows: 0, bytes: 0, wal_bytes: 0 };

export const plus = (a: Cost, b: Cost): Cost => ({
  rows: a.rows + b.rows,
  bytes: a.bytes + b.bytes,
  wal_bytes: a.wal_bytes + b.wal_bytes,
});

/** What a plan may cost at most; Infinity: no limit, a person named the strategy. */
export type Radius = Cost & { readonly relation_locks: number };

export const NO_RADIUS: Radius = {
  rows: Infinity,
  bytes: Infinity,
  wal_bytes: Infinity,
  relation_locks: Infinity,
};

/**
 * What an action may write in all, as it was when its slice began, and which setting ends it first.
 */
export interface Allowance {
  readonly slice: number;
  readonly limits: Cost;
  readonly settings: Readonly<Record<keyof Cost, string>>;
}
