/** What an error says, whichever side it is on, and its SQLSTATE as PostgreSQL packs it. */

/** What an error says, in both directions. `sqlState` in its five characters. */
export interface ErrorReport {
  readonly message: string;
  readonly sqlState: string;
  readonly detail?: string | null;
  readonly hint?: string | null;
  readonly context?: string | null;
  readonly schema?: string | null;
  readonly table?: string | null;
  readonly column?: string | null;
  readonly dataType?: string | null;
  readonly constraint?: string | null;
  readonly internalQuery?: string | null;
}

/** SQLSTATE as PostgreSQL packs it: six bits a character (MAKE_SQLSTATE in elog.h). */
export function packSqlState(state: string): number {
  let packed = 0;
  for (let place = 0; place < 5; place++)
    packed |= ((state.charCodeAt(place) - 48) & 0x3f) << (6 * place);
  return packed;
}

export function unpackSqlState(packed: number): string {
  return Array.from({ length: 5 }, (_, place) =>
    String.fromCharCode(((packed >> (6 * place)) & 0x3f) + 48),
  ).join("");
}

export const isSqlState = (text: string): boolean => /^[0-9A-Z]{5}$/.test(text);
