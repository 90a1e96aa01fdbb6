/**
 * The simulated clock. As in the chaos faults (test/chaos/faults/clock.ts) the server's own clock
 * stays, and every time that the product has stored grows older; here those in its JSON documents
 * too, so that a rate over a simulated hour is one over an hour.
 */
import type pg from "pg";
import { shiftStored } from "../support/stored-times.ts";

/**
 * Documents with seconds since 1970 in them: what sensing remembers, the hysteresis, and when a
 * tuned setting was last looked at.
 */
const DOCUMENTS = [
  { table: "healing_leases", key: "id", column: "target" },
  { table: "integrity_measurements", key: "kind", column: "value" },
  { table: "integrity_state", key: "state", column: "hysteresis" },
] as const;

/**
 * Seconds within two days of now are a time, everything else is a figure: no counter of a throwaway
 * server comes near 1.8e9.
 */
const NEAR = 2 * 86_400;

export async function advance(client: pg.Client, seconds: number): Promise<void> {
  await client.query("BEGIN");
  await client.query("UPDATE shapes.clock SET elapsed = elapsed + make_interval(secs => $1)", [
    seconds,
  ]);
  await shiftStored(client, () => -seconds);
  const now = Date.now() / 1000;
  for (const { table, key, column } of DOCUMENTS) {
    const { rows } = await client.query<{ id: number; key: string; value: unknown }>(
      `SELECT collection_id AS id, ${key}::text AS key, ${column} AS value FROM ruvector.${table}`,
    );
    const older = rows.map((row) => ({ ...row, value: shifted(row.value, now, seconds) }));
    await client.query(
      `
      UPDATE ruvector.${table} t SET ${column} = n.value
        FROM jsonb_to_recordset($1::jsonb) n(id int, key text, value jsonb)
       WHERE t.collection_id = n.id AND t.${key}::text = n.key`,
      [JSON.stringify(older)],
    );
  }
  await client.query("COMMIT");
}

function shifted(value: unknown, now: number, seconds: number): unknown {
  if (typeof value === "number") return Math.abs(value - now) < NEAR ? value - seconds : value;
  if (Array.isArray(value)) return value.map((one) => shifted(one, now, seconds));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, shifted(one, now, seconds)]),
  );
}
