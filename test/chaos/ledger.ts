/**
 * What writers know of their rows: every acknowledged state of every row, and what a lost
 * acknowledgement leaves open.
 */

/** A row's payload; null: there is no such row. */
export type Payload = string | null;

export interface Difference {
  readonly id: number;
  readonly expected: readonly Payload[];
  readonly found: readonly string[];
}

export class Ledger {
  readonly #rows = new Map<number, Payload>();
  /**
   * Outcomes that a statement without an answer may have had, beside the row's last known state.
   */
  readonly #doubts = new Map<number, Payload>();

  acknowledge(id: number, payload: Payload): void {
    if (payload === null) this.#rows.delete(id);
    else this.#rows.set(id, payload);
  }

  doubt(id: number, payload: Payload): void {
    this.#doubts.set(id, payload);
  }

  /** Rows in doubt are left alone until somebody has looked. */
  isDoubtful(id: number): boolean {
    return this.#doubts.has(id);
  }

  has(id: number): boolean {
    return this.#rows.has(id);
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Compares with what is there, payloads by id, and takes what is found for what was in doubt. */
  compare(found: ReadonlyMap<number, readonly string[]>): Difference[] {
    const differences: Difference[] = [];
    for (const id of new Set([...this.#rows.keys(), ...this.#doubts.keys(), ...found.keys()])) {
      const known = this.#rows.get(id) ?? null;
      const expected = this.#doubts.has(id) ? [known, this.#doubts.get(id)!] : [known];
      const there = found.get(id) ?? [];
      const payload = there[0] ?? null;
      if (there.length > 1 || !expected.includes(payload))
        differences.push({ id, expected, found: there });
      else if (this.#doubts.has(id)) this.acknowledge(id, payload);
    }
    this.#doubts.clear();
    return differences;
  }
}
