/** What was found, and what to type about it. */
export interface Finding {
  /** well, wrong (it cannot work so), or missing (it works, less well, or is not begun). */
  readonly state: "well" | "wrong" | "missing";
  readonly says: string;
  /** What to type, in this order; lines with # only say. */
  readonly type: readonly string[];
}

export const well = (says: string): Finding => ({ state: "well", says, type: [] });
export const wrong = (says: string, ...type: readonly string[]): Finding => ({
  state: "wrong",
  says,
  type,
});
export const missing = (says: string, ...type: readonly string[]): Finding => ({
  state: "missing",
  says,
  type,
});

export const quoted = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replace(/"/g, '""')}"`;
export const literal = (text: string): string => `'${text.replace(/'/g, "''")}'`;
