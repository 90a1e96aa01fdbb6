/**
 * Tables whose vectors lie in clusters, for tests of IVF indexes: what k-means can find, and what
 * drift can spoil.
 */
import type { TestDatabase } from "./database.ts";

/**
 * Inserts rows around clusters. Cluster c has its centre where a hash of c says, `spread` is the
 * clusters' width beside distances of about 4 between centres.
 */
export async function insertClusters(
  db: Pick<TestDatabase, "client">,
  table: string,
  {
    rows,
    clusters,
    first = 0,
    at = 0,
    spread = 0.1,
    dimensions = 8,
    columns = "",
    values = "",
  }: {
    readonly rows: number;
    readonly clusters: number;
    /** Number of the first cluster. */
    readonly first?: number;
    /** Where in space: drift moves everything far away. */
    readonly at?: number;
    readonly spread?: number;
    readonly dimensions?: number;
    readonly columns?: string;
    readonly values?: string;
  },
): Promise<void> {
  await db.client.query(`
    INSERT INTO ${table} (${columns}embedding)
    SELECT ${values}(SELECT array_agg(${at}
      + 10 * (abs(hashint4((${first} + g % ${clusters}) * 64 + d)) % 1000) / 1000.0
      + ${spread} * (random() - 0.5) ORDER BY d)
                       FROM generate_series(1, ${dimensions}) d WHERE g > 0)::vector
      FROM generate_series(1, ${rows}) g`);
}

/**
 * A table with an ivfflat index built on early data; everything that comes afterwards falls into
 * few of its lists.
 */
export async function makeDrifted(
  db: TestDatabase,
  table: string,
  { early = 1000, late = 9000, lists = 20, index = `${table}_embedding_idx`, register = true } = {},
): Promise<void> {
  await db.client.query(`CREATE TABLE ${table} (id bigserial PRIMARY KEY, embedding vector(8))`);
  await insertClusters(db, table, { rows: early, clusters: lists });
  await db.client.query(
    `CREATE INDEX ${index} ON ${table} USING ivfflat (embedding vector_l2_ops)
      WITH (lists = ${lists})`,
  );
  await insertClusters(db, table, { rows: late, clusters: 10, first: 1000, at: 50 });
  await db.client.query(`ANALYZE ${table}`);
  if (register) await db.client.query("SELECT ruvector_healing_register($1)", [table]);
}
