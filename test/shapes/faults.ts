/**
 * A true fault for each shape, so that the healthy day is not healthy only because nothing is
 * sensed: each must be called what it is.
 */
import pg from "pg";
import { pause } from "../../src/workbench/load.ts";
import { advance } from "./clock.ts";
import { atHour } from "./day.ts";
import { measurements } from "./watch.ts";
import { enter, failed, type Place, type World } from "./world.ts";

export interface FaultSeen {
  readonly class: string | null;
  readonly lambda: number | null;
  readonly why: string;
  readonly named: boolean;
}

/**
 * Measurements that are remembered are taken anew after it: recall every 300 s, fragmentation every
 * 600 s.
 */
const REMEMBERED_SECONDS = 700;
/**
 * Writers that wait for a lock, and real seconds that they do: 4 of them for 6 s are 24 s a minute,
 * stress begins at 10.
 */
const WRITERS = 4;
const WAIT_SECONDS = 6;
/** More maintenance at once would be a queue by itself. */
const AT_ONCE = 3;
/** Of those whose indexes are bloated, where not all are tried. */
const SOME_BLOATED = 6;
/** Seconds that the replica falls behind. */
const LAG_SECONDS = 16;
/** Samples in a row that make stress. */
const SAMPLES = 3;

type Faulty = Place & { readonly name: string; readonly id: number };

export async function causeFaults(
  world: World,
  which: "all" | "some",
  log: (line: string) => void,
): Promise<Map<string, FaultSeen>> {
  const { client } = world;
  // It is to say what it sees, and to do nothing.
  await client.query(`SELECT ruvector_healing_configure('{"mode": "observe"}')`);
  const faulty = (kind: (problem: string) => boolean): Faulty[] =>
    world.places.filter(
      (place): place is Faulty =>
        place.id !== null && place.shape.fault !== null && kind(place.shape.fault.class),
    );
  const seen = new Map<string, FaultSeen>();
  const blocked = faulty((problem) => problem === "maintenance_contention");
  const rounds = Array.from({ length: Math.ceil(blocked.length / AT_ONCE) }, (_, round) =>
    blocked.slice(round * AT_ONCE, (round + 1) * AT_ONCE),
  );
  for (const round of which === "all" ? rounds : rounds.slice(0, 1))
    await holdUp(world, round, seen);
  log(`blocked writers: ${seen.size}`);
  for (const place of faulty((problem) => problem === "memory_pressure"))
    await shortenMemory(world, place, seen);
  for (const place of faulty((problem) => problem === "replication_lag"))
    await holdReplica(world, place, seen);
  const bloated = faulty((problem) => problem === "index_fragmentation");
  const lasting = [
    ...faulty((problem) => ["centroid_skew", "hotspot_congestion"].includes(problem)),
    ...(which === "all" ? bloated : bloated.slice(0, SOME_BLOATED)),
  ];
  for (const place of lasting) await cause(client, place);
  await advance(client, REMEMBERED_SECONDS);
  for (const place of lasting) seen.set(place.shape.name, await sampled(client, place));
  log(`bloat, drift and hot partitions: ${lasting.length}`);
  return seen;
}

async function cause(client: pg.Client, place: Faulty): Promise<void> {
  await enter(client, place);
  for (const statement of place.shape.fault!.statements) {
    await client.query(statement).catch((error: unknown) => failed(place.shape, statement, error));
    // As between the statements of an application, which are more than a second apart: a DELETE
    // that reports after the VACUUM behind it counts as changes since then.
    await client.query("SELECT pg_stat_force_next_flush()");
  }
  await client.query("RESET search_path");
}

/** As a tick of the loop would for this collection, until it is sure. */
async function sampled(
  client: pg.Client,
  { shape, id, name }: Faulty,
  between: () => Promise<unknown> = () => advance(client, 5),
): Promise<FaultSeen> {
  for (let sample = 0; sample < SAMPLES; sample++) {
    await between();
    await client.query("SELECT ruvector.healing_tick_collection($1, 'observe', 0)", [id]);
  }
  const {
    rows: [state],
  } = await client.query<{ lambda: number | null; metrics: Parameters<typeof measurements>[0] }>(
    `SELECT s.lambda, m.metrics
      FROM ruvector.integrity_state s JOIN ruvector.integrity_samples m ON m.id = s.sample_id
      WHERE s.collection_id = $1`,
    [id],
  );
  const {
    rows: [decided],
  } = await client.query<{ class: string }>(
    `SELECT problem_class AS class
      FROM ruvector_healing_decisions(now() - interval '1 minute', 10000) WHERE collection = $1
      AND open ORDER BY at DESC LIMIT 1`,
    [name],
  );
  return {
    class: decided?.class ?? null,
    lambda: state!.lambda,
    why: measurements(state!.metrics),
    named: decided?.class === shape.fault!.class,
  };
}

/** Maintenance locks the table, and the application's own statements wait for it. */
async function holdUp(
  world: World,
  places: readonly Faulty[],
  seen: Map<string, FaultSeen>,
): Promise<void> {
  const held: { end: () => Promise<unknown> }[] = [];
  for (const place of places) {
    const maintenance = await session(world, place);
    const building = maintenance.query(place.shape.fault!.statements[0]!).catch(() => undefined);
    await pause(200);
    const writers = await Promise.all(Array.from({ length: WRITERS }, () => session(world, place)));
    const waiting = writers.map(async (writer) => {
      for (const statement of place.shape.everyHour)
        await writer.query(atHour(statement, 23)).catch(() => undefined);
    });
    held.push({
      end: async () => {
        const other = await world.connect();
        for (const one of [maintenance, ...writers])
          await other.query("SELECT pg_terminate_backend($1)", [
            (one as unknown as { processID: number }).processID,
          ]);
        await other.end();
        await Promise.allSettled([building, ...waiting]);
        await Promise.allSettled([maintenance, ...writers].map((one) => one.end()));
      },
    });
  }
  await pause(WAIT_SECONDS * 1000);
  for (const place of places)
    seen.set(place.shape.name, await sampled(world.client, place, () => pause(1100)));
  for (const one of held) await one.end();
}

async function session(world: World, place: Place): Promise<pg.Client> {
  const client = await world.connect();
  await enter(client, place);
  return client;
}

/** The server is said to have a tenth less memory than what is read again and again. */
async function shortenMemory(
  world: World,
  place: Faulty,
  seen: Map<string, FaultSeen>,
): Promise<void> {
  const { client } = world;
  const read = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await cause(client, place);
    await advance(client, 20);
  };
  await read();
  await read();
  const {
    rows: [set],
  } = await client.query<{ kb: number }>(
    `SELECT ((ruvector_integrity_sample($1) #>> '{metrics,memory,working_set_bytes}')::float8 /
      1024)::int AS kb`,
    [place.name],
  );
  await client.query(`SET effective_cache_size = '${Math.round(set!.kb * 0.9)}kB'`);
  seen.set(place.shape.name, await sampled(client, place, read));
  await client.query("RESET effective_cache_size");
}

/** The replica replays no more; without one there is nothing to be late. */
async function holdReplica(
  world: World,
  place: Faulty,
  seen: Map<string, FaultSeen>,
): Promise<void> {
  const [replica] = world.server.replicas;
  if (!replica) return;
  const standby = new pg.Client({ connectionString: replica.url() });
  await standby.connect();
  await standby.query("SELECT pg_wal_replay_pause()");
  // Stress begins at 10 s.
  for (let second = 0; second < LAG_SECONDS; second++) {
    await cause(world.client, place);
    await pause(1000);
  }
  seen.set(place.shape.name, await sampled(world.client, place, () => pause(1100)));
  await standby.query("SELECT pg_wal_replay_resume()");
  await standby.end();
}
