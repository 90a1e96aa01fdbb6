/** The page where it does more than read, and where much is to be drawn, in a real Chromium. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Serving } from "../../src/commands/actuator/http.ts";
import { reader, type Reader } from "../../src/commands/actuator/reader.ts";
import { target } from "../../src/commands/connect.ts";
import { page as statusPage } from "../../src/commands/page/handler.ts";
import { operations } from "../../src/commands/page/operate.ts";
import { browser, haveChromium } from "./support/browser.ts";
import { configure, HOT, makeTable, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

const LIMIT = 300_000;
const SHOTS = process.env["RUVECTOR_HEALING_SCREENSHOTS"];

const served: { serving: Serving; reads: Reader }[] = [];
const told: string[] = [];
afterAll(async () => {
  for (const { serving, reads } of served) {
    await serving.close();
    await reads.end();
  }
});

async function serveFor(url: string, operate: boolean): Promise<string> {
  const reads = reader(target(url));
  const operates = operate ? operations(reads, (line) => told.push(line)) : null;
  const serving = await serve(
    { host: "127.0.0.1", port: 0 },
    [statusPage(reads, operates)],
    (error) => console.error(error),
    operates === null ? [] : [operates.handler],
  );
  served.push({ serving, reads });
  return serving.url;
}

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/**
 * Labels that leave the picture, lie over one another or over a node, or are there twice; nodes
 * that lie over one another.
 */
const crowded = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const svg = document.querySelector(".graph");
    const frame = svg.getBoundingClientRect();
    const box = (one) => one.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text.label")];
    const nodes = [...svg.querySelectorAll(".node circle, .node rect")];
    const bad = [];
    const over = (a, b) =>
      a.left < b.right - 0.5 && b.left < a.right - 0.5 &&
      a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
    labels.forEach((one, place) => {
      const a = box(one);
      if (a.left < frame.left - 0.5 || a.right > frame.right + 0.5 ||
          a.top < frame.top - 0.5 || a.bottom > frame.bottom + 0.5)
        bad.push(one.textContent + " leaves the picture");
      for (const other of [...labels.slice(0, place), ...nodes])
        if (over(a, box(other)))
          bad.push(one.textContent + " over " + (other.textContent || "a node"));
    });
    labels.forEach((one, place) => {
      if (labels.slice(0, place).some((other) => other.textContent === one.textContent))
        bad.push(one.textContent + " is there twice");
    });
    nodes.forEach((one, place) => {
      const [a, b] = [box(one), nodes.slice(0, place).map(box)];
      const apart = (other) =>
        Math.hypot(a.left + a.right - other.left - other.right,
          a.top + a.bottom - other.top - other.bottom) / 2;
      if (b.some((other) => apart(other) < (a.width + other.width) / 2))
        bad.push(one.parentNode.textContent + " over another node");
    });
    return bad;
  })()`);

describe.skipIf(!haveChromium())("the page", () => {
  const { open } = browser();
  let db: TestDatabase;
  const roles = { operator: `page_op_${process.pid}`, viewer: `page_see_${process.pid}` };
  const urls = { operator: "", viewer: "", reading: "" };
  let readingUrl: string;

  beforeAll(async () => {
    db = await testDatabase();
    await configure(db, {
      ...QUICK,
      require_approval: ["hotspot_congestion"],
      stabilize_seconds: 60,
    });
    for (const [level, role] of Object.entries(roles)) {
      await db.client.query(`CREATE ROLE ${role} LOGIN`);
      await db.value("SELECT ruvector_healing_grant($1, $2)", [role, level]);
    }
    const address = (role: string): string => {
      const url = new URL(db.url);
      url.username = role;
      return url.href;
    };
    urls.operator = await serveFor(address(roles.operator), true);
    urls.viewer = await serveFor(address(roles.viewer), true);
    readingUrl = address(roles.operator);
    urls.reading = await serveFor(readingUrl, false);
    for (const table of ["articles", "images"])
      await makeTable(db, { table, rows: [150, 150, 150, 150] });
    await makeTable(db, { rows: HOT });
    await tick();
  }, LIMIT);
  afterAll(async () => {
    for (const role of Object.values(roles))
      await db.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => undefined);
  });

  const tick = async (): Promise<void> => {
    await db.client.query("CALL ruvector_healing_tick()");
    await db.client.query("UPDATE ruvector.healing_ticks SET interval_seconds = 600");
  };
  const state = (): Promise<string> =>
    db.value("SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1");

  it(
    "only reads unless it was started otherwise, and only lets operators",
    { timeout: LIMIT },
    async () => {
      const { page } = await open(urls.reading);
      await page.getByText("waits for approval").first().waitFor();
      await page.getByText("Read-only.").waitFor();
      expect(await page.locator(".decisions").count()).toBe(0);
      expect((await fetch(`${urls.reading}/api/approve`, { method: "POST" })).status).toBe(405);
      const viewer = await open(urls.viewer);
      await viewer.page.getByText("is no operator").first().waitFor();
      expect(await viewer.page.getByRole("button", { name: "Approve" }).count()).toBe(0);
      expect(viewer.complaints).toEqual([]);
    },
  );

  it("takes nothing of other sites, nor without its token", { timeout: LIMIT }, async () => {
    const { operating } = (await (await fetch(`${urls.operator}/api/status`)).json()) as {
      operating: { token: string };
    };
    const id = Number(await db.value("SELECT max(id) FROM ruvector.healing_actions"));
    const post = (headers: Record<string, string>, body: unknown = { action: id }) =>
      fetch(`${urls.operator}/api/approve`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    const own = { origin: urls.operator, "x-page-token": operating.token };
    for (const headers of [
      {},
      { origin: urls.operator },
      { "x-page-token": operating.token },
      { ...own, origin: "https://evil.example" },
      { ...own, origin: "null" },
      { ...own, "x-page-token": "a".repeat(operating.token.length) },
      { ...own, "content-type": "text/plain" },
    ])
      expect((await post(headers)).status, JSON.stringify(headers)).toBe(403);
    expect(await state()).toBe("awaiting_approval");
    for (const body of [{}, { action: "1; DROP" }, { action: -1 }, [], "x", { action: 1.5 }])
      expect((await post(own, body)).status, JSON.stringify(body)).toBe(400);
    expect((await post(own, { action: id, x: "y".repeat(5000) })).status).toBe(400);
    expect((await post(own, { action: 999_999 })).status).toBe(409);
    expect((await fetch(`${urls.operator}/api/approve`)).status).toBe(404);
    expect((await fetch(`${urls.operator}/api/status`, { method: "PUT" })).status).toBe(405);
  });

  it(
    "rejects with a reason, approves, aborts: each asked twice, and audited",
    { timeout: LIMIT },
    async () => {
      const { page, complaints } = await open(urls.operator);
      await page.getByRole("button", { name: "Reject" }).click();
      await page.getByRole("button", { name: "No", exact: true }).click();
      await page.getByRole("button", { name: "Reject" }).click();
      await page.getByPlaceholder("Why (for those").fill("not during the <sale>");
      await shot(page, "reject");
      await page.getByRole("button", { name: "Yes, reject it" }).click();
      await page.getByText("rejected: not during the <sale>").first().waitFor();
      expect(await state()).toBe("aborted");
      await configure(db, { rejection_seconds: 1 });
      await expect.poll(async () => (await tick(), state())).toBe("awaiting_approval");
      const second = await db.value<string>("SELECT max(id) FROM ruvector.healing_actions");
      await page.getByText(`ruvector_healing_approve(${second});`).waitFor();
      await page.getByRole("button", { name: "Approve" }).click();
      await page.getByRole("button", { name: "Yes, let it begin" }).click();
      await expect.poll(state).toBe("planned");
      await tick();
      await page.getByRole("button", { name: "Abort and undo" }).click();
      const aborted = await db.value<string>("SELECT max(id) FROM ruvector.healing_actions");
      await page.getByRole("button", { name: "Yes, stop and undo it" }).click();
      const ended = (): Promise<string> =>
        db.value(`SELECT state FROM ruvector.healing_actions WHERE id = ${aborted}`);
      await expect.poll(async () => (await tick(), ended())).toBe("aborted");
      expect(
        await db.rows(
          "SELECT DISTINCT actor FROM ruvector.healing_events WHERE message LIKE '%sale%'",
        ),
      ).toEqual([{ actor: roles.operator }]);
      expect(told.join("\n")).toMatch(/reject \d+ by 127\.0\.0\.1: done\n.*approve \d+ by/);
      expect(complaints).toEqual([]);
    },
  );

  it("finds collections and actions by words; runbooks open", { timeout: LIMIT }, async () => {
    const { page, complaints } = await open(urls.reading);
    const names = () => page.locator(".rows .name, .tiles .name").allInnerTexts();
    await page.locator(".rows .name").first().waitFor();
    expect((await names()).length).toBe(3);
    await page.getByRole("searchbox").fill("IMAG");
    await expect.poll(names).toEqual(["public.images"]);
    await page.getByText("1 of 3 collections").waitFor();
    await page.getByRole("searchbox").fill("rebalance");
    await expect.poll(names).toEqual([]);
    expect(await page.locator(".outcomes li").count()).toBeGreaterThan(0);
    await page.getByRole("searchbox").fill("");
    await page.getByRole("button", { name: "Healthy", exact: true }).click();
    await expect.poll(async () => (await names()).includes("public.embeddings")).toBe(false);
    await page.getByRole("button", { name: "All", exact: true }).click();
    await shot(page, "overview");
    const [runbook] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: "rebalance partitions", exact: true }).last().click(),
    ]);
    await runbook.waitForLoadState();
    expect(await runbook.locator("body").innerText()).toMatch(/^# rebalance_partitions/);
    for (const path of ["/docs/../package.json", "/docs/%2e%2e/package.json", "/docs/none.md"])
      expect((await fetch(urls.reading + path)).status, path).toBe(404);
    expect(complaints).toEqual([]);
  });

  it(
    "measures recall by depth when an operator asks, and marks the present point",
    { timeout: LIMIT },
    async () => {
      await db.client.query(`
      CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(8));
      INSERT INTO items (embedding) SELECT (SELECT array_agg(sin(i * d))
        FROM generate_series(1, 8) d)::vector FROM generate_series(1, 3000) i;
      CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);
      SELECT ruvector_healing_register('items')`);
      await tick();
      const reading = await open(`${urls.reading}/#/c/public.items`);
      await reading.page.getByText("ruvector_healing_recall_curve('public.items')").waitFor();
      const { page, complaints } = await open(`${urls.operator}/#/c/public.items`);
      await page.getByRole("button", { name: "Measure it now" }).click();
      await page.locator(".chart.recall, .recall .message").first().waitFor();
      expect(await page.locator(".recall .message").allTextContents()).toEqual([]);
      expect(await page.locator(".chart.recall circle").count()).toBeGreaterThanOrEqual(5);
      expect(await page.locator(".chart.recall .now title").textContent()).toMatch(
        /^hnsw\.ef_search 40: recall (0|1)\.\d+/,
      );
      await page.getByText(/now 40: recall/).waitFor();
      expect(complaints).toEqual([]);
    },
  );

  it(
    "names the zone of its times, units and axes, and what lambda is",
    { timeout: LIMIT },
    async () => {
      const { page } = await open(`${urls.reading}/#/c/public.embeddings`);
      await page.locator(".chart .unit").first().waitFor();
      expect(await page.locator(".chart .unit").first().textContent()).toMatch(/^UTC/);
      await page.getByText("lambda is how much is left of the weakest way").waitFor();
      expect(await page.locator("footer").innerText()).toMatch(/this browser's clock, UTC/);
      await page.goto(`${urls.reading}/#/report`);
      await page.getByRole("heading", { name: "What was sensed" }).waitFor();
      await shot(page, "report");
    },
  );

  it(
    "draws 64 partitions, 30 lists and 5 replicas with no label over another",
    { timeout: LIMIT },
    async () => {
      await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}')");
      const partitions = Array.from(
        { length: 64 },
        (_, place) => `partition:public.embeddings_shard_${place}`,
      );
      const lists = Array.from(
        { length: 30 },
        (_, place) => `centroid:embeddings_embedding_idx/${place}`,
      );
      const replicas = Array.from(
        { length: 5 },
        (_, place) => `replica:reader-${place}.example.internal`,
      );
      const nodes = [
        { id: "shard:local", type: "shard", label: "this server" },
        ...partitions.map((id) => ({ id, type: "partition", label: id.slice(10) })),
        ...lists.map((id) => ({ id, type: "centroid", label: id.slice(9) })),
        ...replicas.map((id) => ({ id, type: "replication_target", label: id.slice(8) })),
      ];
      const weak = new Set([...partitions.slice(0, 12), ...lists.slice(3, 9), replicas[1]]);
      const link = (from: string, to: string, type: string) => ({
        from,
        to,
        type,
        nominal: 1,
        capacity: weak.has(from) || weak.has(to) ? 0.2 : 1,
      });
      const edges = [
        ...partitions.map((id, place) => link(id, partitions[(place + 1) % 64]!, "partition_link")),
        ...lists.map((id, place) => link(id, lists[(place + 1) % 30]!, "routing_link")),
        ...[...partitions, ...lists].map((id) => link("shard:local", id, "routing_link")),
        ...replicas.map((id) => link("shard:local", id, "replication")),
      ];
      // The graph as the function answers it, of a table that has all of that.
      await db.client.query(
        `CREATE OR REPLACE FUNCTION ruvector.ruvector_contracted_graph(
           collection text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$ SELECT '${JSON.stringify({
             nodes: nodes.map((one) => ({ ...one, mass: 1, measured: true })),
             edges: edges.map((one) => ({ ...one, health: one.capacity })),
           })}'::jsonb $$`,
      );
      // What an older answer was kept for is over on a server of its own.
      const fresh = await serveFor(readingUrl, false);
      for (const [width, height] of [
        [1180, 900],
        [1500, 1000],
        [700, 900],
        [360, 800],
      ] as const) {
        const { page, complaints } = await open(`${fresh}/#/c/public.embeddings`, {
          width,
          height,
        });
        await page.locator(".graph text.label").first().waitFor();
        await shot(page, `graph-${width}`);
        expect(await crowded(page), `${width} pixels`).toEqual([]);
        expect(await page.locator(".graph text.label").count()).toBeGreaterThanOrEqual(5);
        expect(await page.evaluate("document.documentElement.scrollWidth > innerWidth")).toBe(
          false,
        );
        expect(complaints).toEqual([]);
      }
    },
  );
});
