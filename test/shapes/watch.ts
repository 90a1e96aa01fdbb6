/**
 * What the loop made of each shape: lowest lambda and why, verdicts, actions, and whether the
 * application noticed.
 */
import type { Metrics } from "../../src/model/problem.ts";
import type { Place, World } from "./world.ts";

export interface Seen {
  lowest: number | null;
  /** Hour and measurements of the lowest lambda, where it is below 1. */
  why: string | null;
  readonly verdicts: Set<string>;
  /** Strategy and how it stands. */
  actions: string[];
  readonly refusals: Set<string>;
  readonly unmeasured: Set<string>;
  /** SQLSTATE and message of what the application was refused. */
  readonly errors: Set<string>;
}

interface Row {
  readonly id: number;
  readonly lambda: number | null;
  readonly verdict: string;
  /** Sampled by this tick, which took so long that its first samples are old when it ends. */
  readonly late: boolean;
  readonly metrics: Metrics;
  readonly unmeasured: readonly { readonly what: string }[];
}

export class Watch {
  readonly #world: World;
  readonly #seen = new Map<string, Seen>();

  constructor(world: World) {
    this.#world = world;
    for (const { shape } of world.places) {
      this.#seen.set(shape.name, {
        lowest: null,
        why: null,
        verdicts: new Set(),
        actions: [],
        refusals: new Set(),
        unmeasured: new Set(),
        errors: new Set(),
      });
    }
  }

  error({ shape }: Place, message: string): void {
    this.#seen.get(shape.name)!.errors.add(message);
  }

  /** `began`: when the tick did, by the server's clock. */
  async look(hour: number, began: Date): Promise<void> {
    for (const row of await this.#read(began)) {
      const place = this.#world.places.find(({ id }) => id === row.id);
      if (!place) continue;
      const seen = this.#seen.get(place.shape.name)!;
      // A sample of more than a minute ago is called unknown. A tick of 58 collections takes that
      // long on a machine with ten times the work that it can do: no finding about a shape.
      if (!(row.late && row.verdict === "unknown")) seen.verdicts.add(row.verdict);
      for (const { what } of row.unmeasured) seen.unmeasured.add(what);
      // Not measured counts as worse than anything measured.
      if (row.lambda === null || seen.lowest === null || row.lambda < seen.lowest) {
        seen.lowest = row.lambda;
        seen.why =
          row.lambda !== null && row.lambda > 0.999
            ? null
            : `at ${String(hour).padStart(2, "0")}:00: ${measurements(row.metrics)}`;
      }
    }
  }

  async #read(began: Date): Promise<Row[]> {
    return (
      await this.#world.client.query<Row>(
        `
      SELECT s.collection_id AS id, s.lambda, m.metrics, m.unmeasured, v.verdict,
          s.sampled_at BETWEEN $1 AND clock_timestamp() - interval '60 seconds' AS late
        FROM ruvector.integrity_state s JOIN ruvector.integrity_samples m ON m.id = s.sample_id
        JOIN ruvector.collections c ON c.collection_id = s.collection_id
        JOIN ruvector_healing_verdict() v ON v.collection_name = format('%I.%I', c.schema_name,
          c.table_name)`,
        [began],
      )
    ).rows;
  }

  summary(): string {
    const low = [...this.#seen].filter(([, { lowest }]) => lowest !== null && lowest < 0.9);
    return low.length === 0
      ? "none below 0.9"
      : `below 0.9: ${low.map(([name, { lowest }]) => `${name} ${lowest!.toFixed(2)}`).join(", ")}`;
  }

  async finish(): Promise<ReadonlyMap<string, Seen>> {
    const { client, places } = this.#world;
    const { rows } = await client.query<{ collection: string; text: string; acted: boolean }>(`
      SELECT d.collection, d.decision <> 'refused' AS acted, coalesce(h.strategy || ' ' || h.state,
        d.reason || ' (' || d.problem_class || ')') AS text
        FROM ruvector_healing_decisions(now() - interval '40 days', 10000) d
        LEFT JOIN ruvector_healing_history(now() - interval '40 days', 10000) h USING (action_id)
          ORDER BY d.at`);
    for (const { shape, name } of places) {
      const seen = this.#seen.get(shape.name)!;
      const own = rows.filter(({ collection }) => collection === name);
      seen.actions = own.filter(({ acted }) => acted).map(({ text }) => text);
      for (const { text } of own.filter(({ acted }) => !acted)) seen.refusals.add(text);
    }
    return this.#seen;
  }
}

/** What is out of the ordinary in a sample, in few words. */
export function measurements(metrics: Metrics): string {
  const found: string[] = [];
  const hot = [...metrics.partitions].sort((a, b) => b.load_ratio - a.load_ratio)[0];
  if (hot && metrics.partitions.length > 1 && hot.load_ratio > 1.3)
    found.push(`${hot.label} has ${hot.load_ratio.toFixed(1)} x the mean ${hot.hottest ?? "rows"}`);
  const [worst] = metrics.index_fragmentation ?? [];
  if (worst)
    found.push(
      `${worst.index} ${worst.fragmentation_pct} % fragmented (${worst.source}, ` +
        `${worst.bytes} bytes, ${worst.expected_bytes} expected)`,
    );
  if ((metrics.memory_usage_pct ?? 0) > 50)
    found.push(`memory ${metrics.memory_usage_pct!.toFixed(0)} %`);
  if ((metrics.maintenance_queue_depth ?? 0) > 0)
    found.push(`queue depth ${metrics.maintenance_queue_depth}`);
  if (metrics.maintenance) {
    const { blocked_writer_seconds, autovacuum_delay } = metrics.maintenance;
    const said = { blocked: blocked_writer_seconds.total, autovacuum_delay };
    found.push(`maintenance ${JSON.stringify(said)}`);
  }
  for (const [key, value] of Object.entries(metrics)) {
    if (/recall|centroid/.test(key) && value !== null && JSON.stringify(value).length > 2)
      found.push(`${key} ${JSON.stringify(value).slice(0, 250)}`);
  }
  return found.join("; ") || "nothing stands out";
}
