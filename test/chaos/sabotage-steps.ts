/**
 * Methods of a strategy that a run can make fail; in the database and outside, so in a file of its
 * own.
 */
export const STEPS = [
  "applicable",
  "plan",
  "executeBatch",
  "undoStep",
  "clearUp",
  "endLease",
  "describeStep",
  "describeProgress",
] as const;
