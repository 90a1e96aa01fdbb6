/**
 * Collections that come and go for one fault: with a foreign partition, dropped in the middle,
 * distributed by Citus, or with documents of any size pushed.
 */
import { MAX_EDGES, MAX_NODES } from "../../../src/sense/report-graph.ts";
import { createServer, type Socket } from "node:net";
import { pause } from "../../../src/workbench/load.ts";
import type { Random } from "../random.ts";
import { idOf, other, served } from "../served.ts";
import { BUSY, PLAIN, vectorOf } from "../tables.ts";
import type { World } from "../world.ts";
import type { Fault } from "./fault.ts";
import { change } from "./schema.ts";

const verdict = (world: World, table: string) =>
  world.value<string>("SELECT verdict || ': ' || sentence FROM ruvector_healing_verdict($1)", [
    table,
  ]);

/** Unregistered as soon as no tick holds it. */
async function unregister(world: World, table: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await world
        .ask(
          `SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions WHERE collection = $1
            AND finished_at IS NULL`,
          [table],
        )
        .catch(() => undefined);
      return void (await world.ask("SELECT ruvector_healing_unregister($1)", [table]));
    } catch (error) {
      if ((error as { code?: string }).code !== "RV008" || attempt === 60) throw error;
      await world.whileTicks(1, 2);
    }
  }
}

/** A third collection, partitioned, with few rows. */
async function third(world: World, name: string): Promise<void> {
  await world.ask(`
    DROP TABLE IF EXISTS ${name};
    CREATE TABLE ${name} (id bigint NOT NULL, part int NOT NULL, embedding vector(8))
      PARTITION BY LIST (part);
    CREATE TABLE ${name}_0 PARTITION OF ${name} FOR VALUES IN (0);
      CREATE TABLE ${name}_1 PARTITION OF ${name} FOR VALUES IN (1);
    INSERT INTO ${name} SELECT g, g % 2, ${vectorOf("g")} FROM generate_series(1, 100) g`);
}

/**
 * A partition on a server that accepts and never answers, then on one that refuses: nothing of the
 * loop's asks it, and all are served.
 */
export const foreignServer: Fault = {
  name: "a foreign server that hangs or fails",
  weight: 2,
  explains: {},
  inject: async (world: World, choices: Random) => {
    if (
      !(await world.value<boolean>(
        "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw')",
      ))
    )
      return null;
    let asked = 0;
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      asked++;
      sockets.push(socket);
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    try {
      await third(world, "chaos.far");
      await world.ask(`
        CREATE EXTENSION IF NOT EXISTS postgres_fdw;
        CREATE SERVER chaos_silent FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1',
          port '${port}', connect_timeout '2', use_remote_estimate 'true');
        CREATE USER MAPPING FOR CURRENT_USER SERVER chaos_silent OPTIONS (user 'postgres',
          password 'x');
        CREATE FOREIGN TABLE chaos.far_2 PARTITION OF chaos.far FOR
          VALUES IN (2) SERVER chaos_silent;
        SELECT ruvector_healing_register('chaos.far')`);
      const call = choices.pick(["ruvector_integrity_sample", "ruvector_healing_trigger"]);
      await world.value(`SELECT ${call}('chaos.far')`);
      await served(world, "chaos.far", 60, "its foreign server hung");
      if (choices.chance(0.5)) {
        await world.ask("ALTER SERVER chaos_silent OPTIONS (SET port '1')");
        await served(world, "chaos.far", 60, "its foreign server refused");
        await world.ask(`ALTER SERVER chaos_silent OPTIONS (SET port '${port}')`);
      }
      await served(world, choices.pick([BUSY.name, PLAIN.name]), 60, "a foreign server hung");
      if (asked > 0) throw new Error(`the loop asked a foreign server ${asked} times`);
      await unregister(world, "chaos.far");
      // And that it would have been heard of.
      const anybody = await world.connect("chaos anybody");
      const answer = anybody.query("SELECT count(*) FROM chaos.far").catch(() => undefined);
      for (const end = Date.now() + 20_000; asked === 0; await pause(20))
        if (Date.now() > end) throw new Error("the foreign server is asked by nobody at all");
      sockets.forEach((socket) => socket.destroy());
      silent.close();
      await answer;
      await anybody.end();
      return "asked nothing";
    } finally {
      await world.ask("SELECT ruvector_healing_unregister('chaos.far')").catch(() => undefined);
      await world.ask("DROP TABLE IF EXISTS chaos.far; DROP SERVER IF EXISTS chaos_silent CASCADE");
      sockets.forEach((socket) => socket.destroy());
      silent.close();
    }
  },
};

/**
 * Dropped with all it has, while it is registered: unknown, with the reason; the others are served.
 */
export const tableDropped: Fault = {
  name: "a registered table dropped",
  weight: 2,
  explains: {},
  inject: async (world: World, choices: Random) => {
    await third(world, "chaos.gone");
    await world.ask("SELECT ruvector_healing_register('chaos.gone', '{\"movable\": true}')");
    const throttled = choices.chance(0.5);
    if (throttled)
      await world
        .value("SELECT ruvector_healing_execute('chaos.gone', 'throttle_ingestion')")
        .catch(() => undefined);
    if ((await change(world, (client) => client.query("DROP TABLE chaos.gone"), 400)) === null)
      throw new Error("chaos.gone cannot be dropped");
    const said = await verdict(world, "chaos.gone");
    if (!said.startsWith("unknown: its table is gone"))
      throw new Error(`a table that is gone reads "${said}"`);
    await served(world, choices.pick([BUSY.name, PLAIN.name]), 60, "another table was gone");
    const open = `SELECT (SELECT count(*) FROM ruvector.healing_actions
      WHERE collection = 'chaos.gone' AND finished_at IS NULL)
      + (SELECT count(*)
        FROM ruvector.healing_leases l JOIN ruvector.healing_actions a ON a.id = l.action_id
        WHERE a.collection = 'chaos.gone' AND l.ended_at IS NULL)`;
    if ((await world.until<string>(open, (count) => count === "0", 30)) !== "0")
      throw new Error("actions or leases of a table that is gone stay open");
    await unregister(world, "chaos.gone");
    return throttled ? "while throttled" : "idle";
  },
};

/** The one table by which Citus is known, for a while. */
export const distributed: Fault = {
  name: "a table distributed by Citus (stand-in)",
  weight: 2,
  explains: { ticks: ["40P01"] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    await world.ask(`
      SET allow_system_table_mods = on;
      CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass PRIMARY KEY,
        partmethod "char" NOT NULL, repmodel "char" NOT NULL DEFAULT 's');
      GRANT SELECT ON pg_catalog.pg_dist_partition TO PUBLIC;
        INSERT INTO pg_catalog.pg_dist_partition VALUES ('${table}', 'h');
      RESET allow_system_table_mods`);
    try {
      const said = await verdict(world, table);
      if (said !== "unknown: distributed: not sensed")
        throw new Error(`a distributed table reads "${said}"`);
      await served(world, other(table), 60, `${table} was distributed`);
      // A sample that had begun before is through by now.
      await world.whileTicks(2, 20);
      const samples =
        "SELECT count(*)::text FROM ruvector.integrity_samples s WHERE s.collection_id = " +
        `${idOf(table)}`;
      const before = await world.value<string>(samples);
      await world.whileTicks(2, 20);
      if ((await world.value<string>(samples)) !== before)
        throw new Error(`${table} is distributed, and was sampled`);
    } finally {
      await world.ask(
        `SET allow_system_table_mods = on; DROP TABLE pg_catalog.pg_dist_partition;
          RESET allow_system_table_mods`,
      );
    }
    await served(world, table, 60, "it was distributed, and is not any more");
    return table;
  },
};

const graph = (nodes: number, edges: number): object => ({
  nodes: Array.from({ length: nodes }, (_, place) => ({ id: `n${place}`, type: "partition" })),
  edges: Array.from({ length: edges }, (_, place) => ({
    from: `n${place % nodes}`,
    to: `n${(place + 1 + Math.floor(place / nodes)) % nodes}`,
    type: "partition_link",
    capacity: 1 - (place % 7) / 10,
  })),
});

/**
 * A large graph stands for a while, and each tick judges by it; larger ones than may be, states
 * and texts are refused where they enter.
 */
export const hugeDocuments: Fault = {
  name: "huge graphs, states and texts pushed",
  weight: 3,
  explains: {},
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    const push = (document: object) =>
      world.value("SELECT ruvector_integrity_report($1, $2)", [table, JSON.stringify(document)]);
    const calls: readonly (() => Promise<unknown>)[] = [
      () => push(graph(MAX_NODES + 1, MAX_NODES + 1)),
      () => push(graph(1000, MAX_EDGES + 1)),
      () => push({ metrics: { fragmented_indexes: ["x".repeat(choices.int(300_000, 900_000))] } }),
      () =>
        world.value(
          `SELECT ruvector_healing_actuator_report('huge', jsonb_build_object('workload', 'w',
            'replicas', 2, 'more', repeat('x', 2000000)))`,
        ),
      () =>
        world.value(
          `SELECT ruvector_healing_actuation_answer(1, true, jsonb_build_object('more',
            repeat('x', 1000000)))`,
        ),
      () => world.value("SELECT ruvector_healing_job_priority(repeat('x', 1000000), 'low')"),
      () =>
        world.value(
          `SELECT ruvector_healing_configure(jsonb_build_object('require_approval',
            jsonb_build_array(repeat('x', 1000000))))`,
        ),
    ];
    for (const call of choices.shuffled(calls).slice(0, 3)) {
      const answer = await call().then(
        () => "taken",
        ({ code }: { code?: string }) => code,
      );
      if (answer !== "RV001")
        throw new Error(
          `a document too large for a tick was answered with ${answer}: ` +
            `${call.toString().slice(0, 200)}`,
        );
    }
    await push(graph(1000, 3000)).catch((error: { code?: string }) => {
      if (!/^(RV008|40001|55P03)$/.test(error.code ?? "")) throw error;
    });
    try {
      await served(world, table, 60, "a large graph stood for it");
      await served(world, other(table), 60, `a large graph stood for ${table}`);
    } finally {
      // It would stand for a minute.
      await world.ask(
        `UPDATE ruvector.integrity_reports SET reported_at = reported_at - interval '1 hour'
          WHERE collection_id = ${idOf(table)}`,
      );
    }
    return table;
  },
};
