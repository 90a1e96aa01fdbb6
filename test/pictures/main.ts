/**
 * npm run pictures: docs/images anew, of the page as it is, on a throwaway server where the loop
 * heals a hot partition. The hour before is a minute: stored times grow older between the ticks, as
 * in the shapes.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { Browser } from "playwright-core";
import { build } from "../../build/build.ts";
import { root } from "../../build/project.ts";
import { serve } from "../../src/commands/actuator/http.ts";
import { reader } from "../../src/commands/actuator/reader.ts";
import { target } from "../../src/commands/connect.ts";
import { page as statusPage } from "../../src/commands/page/handler.ts";
import { externalUrl } from "../../src/workbench/db/external.ts";
import { startServer } from "../../src/workbench/db/server.ts";
import { advance } from "../shapes/clock.ts";
import { haveChromium, type Look, openPage, startBrowser } from "../support/chromium.ts";

const OUT = join(root, "docs/images");
const LEVEL = [1, 1, 1, 1, 1, 1, 1, 1];
/** As in the README: 13,000 of 20,000 rows in docs_3. */
const HOT = [1000, 1000, 1000, 13_000, 1000, 1000, 1000, 1000];
const HEALTHY = ["articles", "faces", "images", "products", "reviews", "support_tickets"];

async function makeTable(client: pg.Client, table: string, rows: readonly number[]): Promise<void> {
  await client.query(
    `CREATE TABLE ${table} (id bigint, shard int, embedding vector(32), PRIMARY KEY (id, shard))
       PARTITION BY LIST (shard);
     ${rows
       .map((_, key) => `CREATE TABLE ${table}_${key} PARTITION OF ${table} FOR VALUES IN (${key})`)
       .join(";")}`,
  );
  await fill(client, table, rows);
  await client.query(`SELECT ruvector_healing_register($1, '{"movable": true}')`, [table]);
}

async function fill(client: pg.Client, table: string, rows: readonly number[]): Promise<void> {
  await client.query(
    `INSERT INTO ${table}
     SELECT row_number() OVER () + (SELECT count(*) FROM ${table}), key - 1,
            (SELECT array_agg(sin(g * d)) FROM generate_series(1, 32) d)::vector
       FROM unnest($1::int[]) WITH ORDINALITY p(count, key), generate_series(1, p.count) g`,
    [rows],
  );
  await client.query(`ANALYZE ${table}; SELECT pg_stat_force_next_flush()`);
}

/** So many turns of the loop, so many seconds apart. */
async function ticks(client: pg.Client, times: number, seconds: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    if (turn > 0) await advance(client, seconds);
    await client.query("CALL ruvector_healing_tick()");
  }
}

/** Half an hour in which all is well, then a load into one partition, and the loop at work. */
async function story(client: pg.Client): Promise<void> {
  await client.query(
    `SELECT ruvector_healing_configure('{"settle_seconds": 0, "settle_samples": 0,
       "min_sample_interval_seconds": 0, "batch_rows": 250, "slice_seconds": 0.05}')`,
  );
  for (const table of HEALTHY)
    await makeTable(
      client,
      table,
      LEVEL.map(() => 300),
    );
  await makeTable(
    client,
    "docs",
    LEVEL.map(() => 1000),
  );
  await ticks(client, 90, 20);
  await fill(
    client,
    "docs",
    HOT.map((rows) => rows - 1000),
  );
  const part = (): Promise<number> =>
    client
      .query<{ part: number | null }>(
        `SELECT ((progress ->> 'rows')::float8 / (plan ->> 'rows')::float8) AS part
           FROM ruvector.healing_actions WHERE state = 'executing'`,
      )
      .then(({ rows }) => rows[0]?.part ?? 0);
  for (let turn = 0; (await part()) < 0.55; turn++) {
    if (turn === 200) throw new Error("the loop did not come to move half of the rows");
    await ticks(client, 2, 5);
  }
  // Nobody ticks while the pictures are made: the loop is in no hurry.
  await client.query("UPDATE ruvector.healing_ticks SET interval_seconds = 600");
}

interface Picture extends Look {
  readonly name: string;
  readonly path: string;
  /** What has to be there. */
  readonly shows: string;
}

const PICTURES: readonly Picture[] = [
  { name: "status-page", path: "", shows: ".progress", width: 1120, height: 900 },
  { name: "status-page-dark", path: "", shows: ".progress", width: 1120, colorScheme: "dark" },
  { name: "status-page-phone", path: "", shows: ".progress", width: 360, height: 760 },
  {
    name: "status-page-graph",
    path: "#/c/public.docs",
    shows: "svg.graph circle.cut",
    width: 1120,
    height: 1070,
  },
];

async function take(
  browser: Browser,
  url: string,
  { name, path, shows, ...look }: Picture,
): Promise<void> {
  const { page, complaints, close } = await openPage(browser, `${url}/${path}`, look);
  try {
    await page.locator(shows).first().waitFor();
    if (path !== "") await page.getByText("15 min", { exact: true }).click();
    // The chart is asked for anew; a transition is over.
    await page.waitForTimeout(2000);
    await page.screenshot({ path: join(OUT, `${name}.png`) });
    if (complaints.length > 0) throw new Error(`${name}: ${complaints.join("; ")}`);
    console.error(`docs/images/${name}.png`);
  } finally {
    await close();
  }
}

if (externalUrl() !== undefined)
  throw new Error("DATABASE_URL is set: pictures are of a throwaway server only; unset it.");
if (!haveChromium()) throw new Error("There is no Chromium to look with: apt-get install chromium");
await build();
const server = await startServer({
  name: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-pictures`,
  fresh: true,
  log: console.error,
});
const client = new pg.Client({ connectionString: server.url() });
try {
  await client.connect();
  const { rows } = await client.query<{ language: string }>(
    "SELECT extname AS language FROM pg_extension WHERE extname IN ('pljs', 'plv8')",
  );
  const script = join(root, `dist/ruvector_healing.${rows[0]!.language}.sql`);
  await client.query(`BEGIN; ${await readFile(script, "utf8")}; COMMIT;`);
  await client.query(await readFile(join(root, "test/shapes/helpers.sql"), "utf8"));
  await story(client);
  const reads = reader(target(server.url()));
  const serving = await serve({ host: "127.0.0.1", port: 0 }, [statusPage(reads)], console.error);
  const browser = await startBrowser();
  try {
    for (const picture of PICTURES) await take(browser, serving.url, picture);
  } finally {
    await browser.close();
    await serving.close();
    await reads.end();
  }
} finally {
  await client.end();
  await server.destroy();
}
