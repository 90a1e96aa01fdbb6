/** What the loop did since it was looked at last: what it sensed, refused, acted on and said. */
import type { TestDatabase } from "../../support/database.ts";
import { lambda, lines } from "./text.ts";

interface Action {
  readonly id: number;
  readonly collection: string;
  readonly strategy: string;
  readonly state: string;
  readonly message: string | null;
  readonly problem_class: string;
  readonly problem: { readonly summary: string };
  readonly rows: number;
  readonly predicted_lambda: number | null;
  readonly failure: string | null;
}

interface Refusal {
  readonly id: string;
  readonly collection: string;
  readonly reason: string;
  readonly message: string;
  readonly flips_at: string;
  readonly count: string;
}

/** Told by an action's own line, of what the script itself did, or of no decision. */
const NOT_SAID = /^(action_|audit_|configured|registered|job_|state_)/;

export class Happened {
  readonly #db: TestDatabase;
  readonly #actions = new Map<number, string>();
  readonly #refusals = new Map<string, string>();
  #event = 0;

  private constructor(db: TestDatabase) {
    this.#db = db;
  }

  /** What was there before is not told. */
  static async from(db: TestDatabase): Promise<Happened> {
    const happened = new Happened(db);
    await happened.lines();
    return happened;
  }

  async lines(): Promise<string[]> {
    const changed = [...(await this.#changedRefusals()), ...(await this.#changedActions([]))];
    return [...changed, ...(await this.#said())].flatMap(lines);
  }

  /** What else is new beside an answer that tells of its refusal and of an action itself. */
  async beside(actionId: number | null): Promise<string[]> {
    await this.#changedRefusals();
    const actions = await this.#changedActions(actionId === null ? [] : [actionId]);
    return [...actions, ...(await this.#said())].flatMap(lines);
  }

  async sensed(): Promise<string[]> {
    const rows = await this.#db.rows<{ name: string; lambda: number | null; verdict: string }>(
      `SELECT collection_name AS name, lambda, verdict FROM ruvector_healing_verdict()
        ORDER BY collection_name`,
    );
    return rows.map(
      ({ name, lambda: value, verdict }) => `${own(name)}lambda ${lambda(value)}, ${verdict}`,
    );
  }

  async #changedActions(told: readonly number[]): Promise<string[]> {
    const actions = await this.#db.rows<Action>(`
      SELECT id::int, collection, strategy_name AS strategy, state, message, problem,
        problem_class, (plan ->> 'rows')::int AS rows, predicted_lambda, failure
        FROM ruvector.healing_actions ORDER BY id`);
    return actions.flatMap((action) => {
      const now = `${action.state}: ${action.message}`;
      const before = this.#actions.get(action.id);
      this.#actions.set(action.id, now);
      if (now === before || told.includes(action.id)) return [];
      const failure = action.failure === null ? "" : ` (${action.failure})`;
      const message = action.message === null ? "" : `: ${action.message}`;
      const line =
        `action ${action.id} ${own(action.collection)}${action.strategy}: ` +
        `${action.state}${failure}${message}`;
      return before === undefined
        ? [
            `class ${action.problem_class}: ${action.problem.summary}`,
            `${line}; ${action.rows} rows, lambda foreseen ${lambda(action.predicted_lambda)}`,
          ]
        : [line];
    });
  }

  async #changedRefusals(): Promise<string[]> {
    const refusals = await this.#db.rows<Refusal>(`
      SELECT id::text, collection, reason, message, flips_at, count::text
        FROM ruvector.healing_refusals ORDER BY id`);
    return refusals.flatMap(({ id, collection, reason, message, flips_at, count }) => {
      const before = this.#refusals.get(id);
      this.#refusals.set(id, count);
      if (before === count) return [];
      return [
        `refused ${own(collection)}${reason}: ${message}`,
        `  would change with: ${flips_at}`,
      ];
    });
  }

  async #said(): Promise<string[]> {
    const events = await this.#db.rows<{ id: number; kind: string; message: string }>(
      `SELECT id::int, kind, message FROM ruvector.healing_events WHERE id > $1 ORDER BY id`,
      [this.#event],
    );
    this.#event = events.at(-1)?.id ?? this.#event;
    return events
      .filter(({ kind }) => !NOT_SAID.test(kind))
      .map(({ kind, message }) => `said ${kind}: ${message}`);
  }
}

/** The usual collection is not named. */
const own = (name: string): string => (name === "public.docs" ? "" : `${name} `);
