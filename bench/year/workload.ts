/**
 * What a table lives through, the same for every arm: rows of ever other topics come, rows are
 * replaced, the oldest go, and once a month half of all is replaced, over and over, within a day.
 */
import { type Random, random } from "../../test/chaos/random.ts";
import type { Placed } from "../data/load.ts";
import type { DataSet } from "../data/sets.ts";

export interface Day {
  readonly inserts: readonly Placed[];
  /** One after another: a row may be replaced more than once. */
  readonly updates: readonly (readonly Placed[])[];
  readonly deletes: readonly number[];
}

export interface Pace {
  readonly start: number;
  /** Rows that come each day; as many are replaced, half as many go. */
  readonly daily: number;
  readonly seed: number;
}

const CAMPAIGN_EVERY = 30;
const CAMPAIGN_SHARE = 0.5;
/** A model is tried, and tried again: rows are replaced so often within the day. */
const CAMPAIGN_ROUNDS = 5;
/** Of the ids, the newest: what is new is what is edited. */
const EDITED_SHARE = 0.2;

export class Workload {
  /** What is in the table: id to the set's row. */
  readonly live = new Map<number, number>();
  readonly #sequence: readonly number[];
  readonly #random: Random;
  readonly #pace: Pace;
  #next = 0;
  #id = 0;

  constructor(set: DataSet, pace: Pace) {
    this.#pace = pace;
    this.#random = random(pace.seed, "year");
    const topics = this.#random.shuffled([...new Set(set.topics)]);
    const place = new Map(topics.map((topic, i) => [topic, i]));
    // Topic by topic, and within one as the set has them: neighbours come together.
    this.#sequence = Array.from({ length: set.rows }, (_, row) => row).sort(
      (a, b) => place.get(set.topics[a]!)! - place.get(set.topics[b]!)! || a - b,
    );
  }

  /** No row of the set is in the table twice: what was replaced may come again in later years. */
  #content(): number {
    const used = new Set(this.live.values());
    for (;;) {
      const row = this.#sequence[this.#next++ % this.#sequence.length]!;
      if (this.#next <= this.#sequence.length || !used.has(row)) return row;
    }
  }

  #insert(count: number): Placed[] {
    return Array.from({ length: count }, () => {
      const write = { id: ++this.#id, row: this.#content() };
      this.live.set(write.id, write.row);
      return write;
    });
  }

  #replace(ids: readonly number[]): Placed[] {
    return ids.map((id) => {
      const write = { id, row: this.#content() };
      this.live.set(id, write.row);
      return write;
    });
  }

  first = (): Placed[] => this.#insert(this.#pace.start);

  day(number: number): Day {
    const { daily } = this.#pace;
    const inserts = this.#insert(daily);
    const ids = [...this.live.keys()];
    const newest = ids.slice(Math.floor(ids.length * (1 - EDITED_SHARE)));
    const updates = [this.#replace(this.#random.shuffled(newest).slice(0, daily))];
    if (number % CAMPAIGN_EVERY === 0) {
      const all = this.#random.shuffled(ids).slice(0, Math.floor(ids.length * CAMPAIGN_SHARE));
      for (let round = 0; round < CAMPAIGN_ROUNDS; round++) updates.push(this.#replace(all));
    }
    const deletes = ids.slice(0, Math.floor(daily / 2));
    for (const id of deletes) this.live.delete(id);
    return { inserts, updates, deletes };
  }
}
