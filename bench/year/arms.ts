/** The same tables under different care, each with an owner of its own: settings are by role. */
import pg from "pg";
import { copyRows, indexOn, listsFor, type Placed, tableFor, vectorText } from "../data/load.ts";
import type { DataSet } from "../data/sets.ts";
import type { Day } from "./workload.ts";

export const ARMS = ["loop", "none", "nightly", "bloat"] as const;
export type Arm = (typeof ARMS)[number];
export const METHODS = ["hnsw", "ivfflat"] as const;
export type Method = (typeof METHODS)[number];

export interface Table {
  readonly arm: Arm;
  readonly method: Method;
  readonly name: string;
  readonly role: string;
  /** What it has done to the index: rebuilds, and seconds that they took. */
  readonly work: { rebuilds: number; seconds: number };
  /** Of the file that the last build made. */
  bytes_per_row: number;
}

export const roleOf = (arm: Arm): string => `year_${arm}`;

export const indexBytes = async (client: pg.Client, { name }: Table): Promise<number> => {
  const { rows } = await client.query<{ bytes: string }>(
    "SELECT sum(pg_relation_size(i.indexrelid)) AS bytes FROM pg_index i " +
      "WHERE i.indrelid = $1::regclass AND NOT i.indisprimary",
    [name],
  );
  return Number(rows[0]!.bytes);
};

export async function makeTables(
  client: pg.Client,
  set: DataSet,
  first: readonly Placed[],
): Promise<Table[]> {
  const tables: Table[] = [];
  for (const arm of ARMS) {
    const role = roleOf(arm);
    await client.query(`DROP SCHEMA IF EXISTS ${role} CASCADE`);
    await client.query(
      `DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$`,
    );
    await client.query(`ALTER ROLE ${role} IN DATABASE ruvector RESET ALL`);
    // pgvector's advice; with the default, 1, an ivfflat index finds two of three.
    const probes = Math.round(Math.sqrt(listsFor(first.length)));
    await client.query(`ALTER ROLE ${role} IN DATABASE ruvector SET ivfflat.probes = ${probes}`);
    await client.query(`CREATE SCHEMA ${role} AUTHORIZATION ${role}; SET ROLE ${role}`);
    for (const method of METHODS) {
      const name = `${role}.${method}`;
      await client.query(tableFor(name, set));
      await copyRows(client, name, set, first);
      await client.query(
        `CREATE INDEX ${method}_index ON ${name} ${indexOn(set, method, first.length)}`,
      );
      await client.query(`ANALYZE ${name}`);
      const table: Table = {
        arm,
        method,
        name,
        role,
        work: { rebuilds: 0, seconds: 0 },
        bytes_per_row: 0,
      };
      table.bytes_per_row = (await indexBytes(client, table)) / first.length;
      tables.push(table);
    }
    await client.query("RESET ROLE");
  }
  return tables;
}

export async function live(
  client: pg.Client,
  set: DataSet,
  { name }: Table,
  { inserts, updates, deletes }: Day,
): Promise<void> {
  const values = (writes: readonly Placed[]): unknown[] => [
    writes.map(({ id }) => id),
    writes.map(({ row }) => set.topics[row]),
    writes.map(({ row }) => vectorText(set, row)),
  ];
  const rows = "unnest($1::bigint[], $2::int[], $3::text[]) n(id, topic, embedding)";
  await client.query(
    `INSERT INTO ${name} SELECT id, topic, embedding::vector FROM ${rows}`,
    values(inserts),
  );
  for (const writes of updates)
    await client.query(
      `UPDATE ${name} t SET topic = n.topic, embedding = n.embedding::vector FROM ${rows} ` +
        "WHERE t.id = n.id",
      values(writes),
    );
  await client.query(`DELETE FROM ${name} WHERE id = ANY ($1)`, [deletes]);
}

/** pg_auto_reindexer's default; it reads the bloat of B-trees only, so its rule, not the tool. */
const BLOAT = 0.3;

/** What the arm does of a night; the loop has its own turn. */
export async function night(client: pg.Client, table: Table, rows: number): Promise<void> {
  if (table.arm === "loop" || table.arm === "none") return;
  const bloat = 1 - (table.bytes_per_row * rows) / (await indexBytes(client, table));
  if (table.arm === "bloat" && bloat < BLOAT) return;
  const began = performance.now();
  await client.query(`REINDEX INDEX CONCURRENTLY ${table.role}.${table.method}_index`);
  table.work.rebuilds++;
  table.work.seconds += (performance.now() - began) / 1000;
  table.bytes_per_row = (await indexBytes(client, table)) / rows;
}
