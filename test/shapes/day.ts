/**
 * The equivalent of a day: hour by hour what the application does, some ticks close to each other,
 * what autovacuum does, and the clock goes on.
 */
import type pg from "pg";
import { advance } from "./clock.ts";
import { type Seen, Watch } from "./watch.ts";
import { enter, type Place, type World } from "./world.ts";

export interface DayOptions {
  readonly hours: number;
  readonly ticksPerHour: number;
  readonly log: (line: string) => void;
}

/** Simulated seconds between the ticks within an hour. */
const TICK_SECONDS = 5;

export async function liveOneDay(
  world: World,
  { hours, ticksPerHour, log }: DayOptions,
): Promise<ReadonlyMap<string, Seen>> {
  const watch = new Watch(world);
  for (let hour = 0; hour < hours; hour++) {
    const began = Date.now();
    for (let tick = 0; tick < ticksPerHour; tick++) {
      for (const place of world.places)
        if (place.id !== null) await work(world.client, place, hour, tick === 0, watch);
      await world.client.query("SELECT pg_stat_force_next_flush()");
      const { rows } = await world.client.query<{ began: Date }>(
        "SELECT clock_timestamp() AS began",
      );
      await world.client.query("CALL ruvector_healing_tick()");
      await watch.look(hour, rows[0]!.began);
      await advance(world.client, TICK_SECONDS);
    }
    await vacuumDue(world.client);
    await advance(world.client, 3600 - ticksPerHour * TICK_SECONDS);
    log(
      `${String(hour).padStart(2, "0")}:00 in ${((Date.now() - began) / 1000).toFixed(1)} s; ` +
        `${watch.summary()}`,
    );
  }
  return watch.finish();
}

/**
 * `:hour` is the hour of the day, 0 to 23: a constant, so that a vector made of it is made once a
 * statement.
 */
export const atHour = (statement: string, hour: number): string =>
  statement.replaceAll(/(?<!:):hour\b/g, String(hour));

async function work(
  client: pg.Client,
  place: Place,
  hour: number,
  first: boolean,
  watch: Watch,
): Promise<void> {
  await enter(client, place);
  for (const statement of [
    ...(first ? (place.shape.at[hour] ?? []) : []),
    ...place.shape.everyHour,
  ]) {
    await client
      .query(atHour(statement, hour))
      .catch((error: pg.DatabaseError) =>
        watch.error(place, `${error.code ?? ""} ${error.message}`),
      );
  }
  await client.query("RESET search_path");
}

/**
 * What autovacuum, which looks once a minute of the real clock, would have done within the hour, by
 * its own thresholds.
 */
export async function vacuumDue(client: pg.Client): Promise<void> {
  await client.query("SELECT pg_stat_force_next_flush()");
  const { rows } = await client.query<{ name: string; vacuum: boolean }>(`
    SELECT format('%I.%I', s.schemaname, s.relname) AS name,
           s.n_dead_tup > 50 + 0.2 * greatest(c.reltuples, 0)
             OR s.n_ins_since_vacuum > 1000 + 0.2 * greatest(c.reltuples, 0) AS vacuum
      FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
     WHERE c.relkind IN ('r', 'm') AND s.schemaname <> 'ruvector'
       AND NOT coalesce('autovacuum_enabled=off' = ANY (c.reloptions), false)
       AND (s.n_dead_tup > 50 + 0.2 * greatest(c.reltuples, 0)
         OR s.n_ins_since_vacuum > 1000 + 0.2 * greatest(c.reltuples, 0)
            OR s.n_mod_since_analyze > 50 + 0.1 * greatest(c.reltuples, 0))`);
  for (const { name, vacuum } of rows)
    await client.query(vacuum ? `VACUUM (ANALYZE) ${name}` : `ANALYZE ${name}`);
}
