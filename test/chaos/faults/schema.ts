/** Somebody changes the tables: partitions go, columns and indexes come and go. */
import type pg from "pg";
import { pause } from "../../../src/workbench/load.ts";
import { BUSY, partitionOf, PLAIN } from "../tables.ts";
import type { World } from "../world.ts";
import type { Fault } from "./fault.ts";

/**
 * A change of schema as a careful person makes it: with a short lock_timeout, again until it is
 * through. null: it never was.
 */
export async function change(
  world: World,
  work: (client: pg.Client) => Promise<unknown>,
  tries = 40,
): Promise<true | null> {
  const client = await world.connect("chaos DBA");
  try {
    for (let attempt = 0; attempt < tries; attempt++) {
      try {
        await client.query("BEGIN; SET LOCAL lock_timeout = '300ms'");
        await work(client);
        await client.query("COMMIT");
        return true;
      } catch (error) {
        await client.query("ROLLBACK");
        if (!/^(55P03|40P01|40001)$/.test((error as { code?: string }).code ?? "")) throw error;
        await pause(30);
      }
    }
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The types of columns that are added. */
const ADDED = [
  "int",
  "text DEFAULT 'x' NOT NULL",
  "timestamptz DEFAULT clock_timestamp()",
  "vector(3)",
];

/** Rows find no partition; a statement planned before meets a table that has changed. */
const PARTITION_GONE = ["23514", "42P01", "42809", "55000", "XX000", "40P01"];

/** Detached with its rows, which are there all the time, and attached again. */
export const partitionDetached: Fault = {
  name: "a partition detached",
  weight: 3,
  explains: { users: PARTITION_GONE, ticks: ["40P01"] },
  short: true,
  inject: async (world, choices) => {
    const key = choices.pick(BUSY.keys);
    const table = partitionOf(key);
    world.outside = true;
    if (
      (await change(world, (client) =>
        client.query(`ALTER TABLE ${BUSY.name} DETACH PARTITION ${table}`),
      )) === null
    )
      return null;
    world.detached.push(table);
    await world.whileTicks(choices.int(1, 2), 2);
    if (
      (await change(
        world,
        (client) =>
          client.query(`ALTER TABLE ${BUSY.name} ATTACH PARTITION ${table} FOR VALUES IN (${key})`),
        400,
      )) === null
    )
      throw new Error(`${table} cannot be attached again`);
    world.detached.pop();
    return table;
  },
};

/** Dropped with its rows: the user knows which. Made again, empty, a little later. */
export const partitionDropped: Fault = {
  name: "a partition dropped",
  weight: 2,
  explains: { users: PARTITION_GONE, ticks: ["40P01"] },
  inject: async (world, choices, workload) => {
    const key = choices.pick(BUSY.keys);
    const table = partitionOf(key);
    world.outside = true;
    let gone: number[] = [];
    const done = await change(world, async (client) => {
      await client.query(`LOCK TABLE ${BUSY.name} IN ACCESS EXCLUSIVE MODE`);
      // Rows that readers look for stay: moved away before the drop, as somebody would who keeps
      // what is dear.
      await client.query(
        `UPDATE ${BUSY.name} SET partition_id = $1 WHERE partition_id = $2
          AND payload LIKE 'base-%'`,
        [(key + 1) % BUSY.keys.length, key],
      );
      gone = (await client.query<{ id: number }>(`SELECT id::int FROM ${table}`)).rows.map(
        ({ id }) => id,
      );
      await client.query(`DROP TABLE ${table}`);
    });
    if (!done) return null;
    await world.whileTicks(choices.int(1, 2), 1.5);
    await change(
      world,
      (client) =>
        client.query(`CREATE TABLE ${table} PARTITION OF ${BUSY.name} FOR VALUES IN (${key})`),
      400,
    );
    // Only now: a writer whose statement was under way has its answer, and knows no row that is
    // gone.
    await workload.quiet(60, async () =>
      gone.forEach((id) => workload.ledgers.get(BUSY.name)!.acknowledge(id, null)),
    );
    return `${table} with ${gone.length} rows`;
  },
};

/** Somebody's own invalid index: not ours to drop. */
export const partitionInvalidIndex: Fault = {
  name: "somebody's invalid index",
  weight: 1,
  explains: { ticks: ["40P01"] },
  inject: async (world, choices) => {
    const table = partitionOf(choices.pick(BUSY.keys));
    const name = `chaos_somebodys_${choices.int(1, 1_000_000)}`;
    const client = await world.connect("chaos DBA");
    try {
      // Not unique, so it fails when it is nearly done.
      await client
        .query(`CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ${table} ((id % 2))`)
        .catch(() => undefined);
      await pause(choices.int(200, 1500));
      const { rows } = await client.query<{ there: boolean }>(
        "SELECT to_regclass($1) IS NOT NULL AS there",
        [`chaos.${name}`],
      );
      if (!rows[0]!.there) throw new Error(`the loop dropped ${name}, which is not its own`);
      await client.query(`DROP INDEX CONCURRENTLY chaos.${name}`);
      return name;
    } finally {
      await client.end().catch(() => undefined);
    }
  },
};

export const columnAdded: Fault = {
  name: "a column added or dropped",
  weight: 3,
  explains: { users: ["40P01"], ticks: ["40P01"] },
  short: true,
  inject: async (world, choices) => {
    const table = choices.pick([BUSY.name, BUSY.name, PLAIN.name]);
    const [there] = await world.ask<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass
        AND attname LIKE 'extra%' AND NOT attisdropped`,
      [table],
    );
    const statement = there
      ? `ALTER TABLE ${table} DROP COLUMN ${there.name}`
      : `ALTER TABLE ${table} ADD COLUMN extra_${choices.int(1, 1_000_000)} ` + choices.pick(ADDED);
    return (await change(world, (client) => client.query(statement))) === null ? null : statement;
  },
};

/** An index of the partitioned table; made again afterwards. */
export const indexDropped: Fault = {
  name: "an index dropped",
  weight: 3,
  explains: { users: ["40P01", "XX000"], ticks: ["40P01"] },
  inject: async (world, choices) => {
    if (
      (await change(world, (client) => client.query("DROP INDEX IF EXISTS chaos.busy_payload"))) ===
      null
    )
      return null;
    await pause(choices.int(100, 800));
    if (
      (await change(
        world,
        (client) => client.query(`CREATE INDEX busy_payload ON ${BUSY.name} (payload)`),
        400,
      )) === null
    )
      throw new Error("busy_payload cannot be made again");
    return "busy_payload";
  },
};

/** One that an action may be rebuilding right now, the new one or the old one. */
export const plainIndexDropped: Fault = {
  name: "an index dropped while it is rebuilt",
  weight: 2,
  explains: { users: ["40P01", "XX000"], ticks: ["40P01"] },
  inject: async (world, choices) => {
    const rows = await world.ask<{ name: string; definition: string }>(
      `
      SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i WHERE i.indrelid = $1::regclass AND NOT i.indisprimary ORDER BY 1`,
      [PLAIN.name],
    );
    if (rows.length === 0) return null;
    const { name } = choices.pick(rows);
    if (
      (await change(world, (client) => client.query(`DROP INDEX IF EXISTS ${name}`), 10)) === null
    )
      return null;
    await pause(choices.int(100, 800));
    const makeAgain = [
      ["plain_payload", `CREATE INDEX plain_payload ON ${PLAIN.name} (payload)`],
      [
        "plain_embedding",
        `CREATE INDEX plain_embedding ON ${PLAIN.name} USING ivfflat (embedding ` +
          "vector_l2_ops) WITH (lists = 5)",
      ],
    ] as const;
    for (const [index, statement] of makeAgain) {
      await change(
        world,
        async (client) => {
          const { rows: there } = await client.query<{ there: boolean }>(
            "SELECT to_regclass($1) IS NOT NULL AS there",
            [`chaos.${index}`],
          );
          if (!there[0]!.there) await client.query(statement);
        },
        400,
      );
    }
    return name;
  },
};
