/** The status page in a real Chromium, on a real server, read by a role of level viewer. */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { serve, type Serving } from "../../src/commands/actuator/http.ts";
import { reader, type Reader } from "../../src/commands/actuator/reader.ts";
import { target } from "../../src/commands/connect.ts";
import { page as statusPage } from "../../src/commands/page/handler.ts";
import { browser, haveChromium, type Opened } from "./support/browser.ts";
import { configure, HOT, makeTable, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

const LIMIT = 300_000;
/** RUVECTOR_HEALING_SCREENSHOTS=folder keeps what was seen. */
const SHOTS = process.env["RUVECTOR_HEALING_SCREENSHOTS"];
const axe = await readFile(
  createRequire(join(root, "package.json")).resolve("axe-core/axe.min.js"),
  "utf8",
);

const served: { serving: Serving; reads: Reader }[] = [];
afterAll(async () => {
  for (const { serving, reads } of served) {
    await serving.close();
    await reads.end();
  }
});

async function serveFor(
  url: string,
): Promise<{ readonly url: string; readonly serving: Serving; readonly reads: Reader }> {
  const reads = reader(target(url));
  const serving = await serve({ host: "127.0.0.1", port: 0 }, [statusPage(reads)], (error) =>
    console.error(error),
  );
  served.push({ serving, reads });
  return { url: serving.url, serving, reads };
}

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/** Rules that speak of WCAG 2 A and AA. */
async function accessibility(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(({ " +
      "violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) " +
      "=> ({ html })) })))",
  );
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
  );
}

/**
 * One turn, by a loop that is said to be in no hurry: on a busy machine a test takes longer than
 * the loop may be silent.
 */
const ticked = (db: TestDatabase) =>
  db.client
    .query("CALL ruvector_healing_tick()")
    .then(() => db.client.query("UPDATE ruvector.healing_ticks SET interval_seconds = 600"));

const headline = (page: Page): Promise<string> => page.locator(".headline").innerText();
const overflows = (page: Page): Promise<boolean> =>
  page.evaluate("document.documentElement.scrollWidth > innerWidth");

describe.skipIf(!haveChromium())("the status page", () => {
  const { open } = browser();
  let db: TestDatabase;
  let viewer: string;
  let url: string;

  beforeAll(async () => {
    db = await testDatabase();
    // Small steps, so that an action can be looked at while it works; learned nothing, and no
    // waiting.
    await configure(db, { ...QUICK, stabilize_seconds: 60, batch_rows: 60, slice_seconds: 0.01 });
    const role = `page_${process.pid}`;
    await db.client.query(`CREATE ROLE ${role} LOGIN`);
    await db.value("SELECT ruvector_healing_grant($1, 'viewer')", [role]);
    const address = new URL(db.url);
    address.username = role;
    viewer = address.href;
    url = (await serveFor(viewer)).url;
  }, LIMIT);

  afterAll(async () => {
    const role = `page_${process.pid}`;
    await db.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => undefined);
  });

  const tick = () => ticked(db);

  it("says that nothing is registered, and how to begin", { timeout: LIMIT }, async () => {
    const { page, complaints } = await open(url);
    await page.getByText("Nothing is registered yet").waitFor();
    expect(complaints).toEqual([]);
  });

  it(
    "shows a healing at work: one sentence, progress, the explanation on a click",
    { timeout: LIMIT },
    async () => {
      for (const table of ["articles", "images"])
        await makeTable(db, { table, rows: [150, 150, 150, 150] });
      await makeTable(db, { rows: HOT });
      for (let times = 0; times < 5; times++) await tick();
      const { page, complaints } = await open(url);
      await page.getByText("1 collection is healing").waitFor();
      const [planned, done] = await db.rows<{ value: string }>(
        `SELECT unnest(ARRAY[plan ->> 'rows', progress ->> 'rows']) AS value
          FROM ruvector.healing_actions WHERE state = 'executing'`,
      );
      expect(await page.locator(".progress .figure").innerText()).toBe(
        `${done!.value} of ${planned!.value} rows`,
      );
      expect(Number(await page.getByRole("progressbar").getAttribute("aria-valuenow"))).toBe(
        Math.round((100 * Number(done!.value)) / Number(planned!.value)),
      );
      expect(await page.locator(".stages [aria-current=step]").innerText()).toBe("at work");
      // The worst first.
      expect(await page.locator(".rows .name").allInnerTexts()).toEqual([
        "public.embeddings",
        "public.articles",
        "public.images",
      ]);
      expect(await overflows(page)).toBe(false);
      await shot(page, "healing");
      expect(await accessibility(page)).toEqual([]);

      await tick();
      await page.getByText("rebalance partitions").first().click();
      await page.getByText("Which strategies were weighed").waitFor();
      expect(await page.locator(".explanation .lead").innerText()).toMatch(
        /^Action \d+ on public\.embeddings: rebalance_partitions for hotspot_congestion, executing/,
      );
      expect(await page.locator(".explanation .sql").allInnerTexts()).toEqual([
        expect.stringMatching(/^SELECT ruvector_healing_abort\(\d+\);/),
      ]);
      await shot(page, "explanation");
      expect(await accessibility(page)).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  it("shows what is recommended, with the statement that does it", { timeout: LIMIT }, async () => {
    await makeTable(db, { table: "advised", rows: HOT });
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"mode\": \"recommend\"}', 'advised')",
    );
    await tick();
    const { page, complaints } = await open(url);
    const card = page.locator(".card", { hasText: "public.advised" });
    await card.waitFor();
    expect(await card.locator(".sql").innerText()).toMatch(
      /^SELECT ruvector_healing_execute\('public\.advised', '\w+'/,
    );
    expect(await card.innerText()).toMatch(/lambda [\d.]+ foreseen/);
    await shot(page, "recommended");
    expect(await accessibility(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await db.client.query("SELECT ruvector_healing_unregister('advised')");
  });

  it(
    "draws the graph with the cut around the hot partition, and names it",
    { timeout: LIMIT },
    async () => {
      await makeTable(db, { table: "hot", rows: HOT });
      await db.client.query(`SELECT ruvector_healing_configure('{"enabled": false}', 'hot')`);
      await tick();
      const { page, complaints } = await open(`${url}/#/c/public.hot`);
      await page.locator("svg.graph").waitFor();
      expect(await page.locator("svg.graph circle.cut").count()).toBe(1);
      const named = await page.locator("svg.graph .hot").allTextContents();
      expect(named).toEqual([expect.stringMatching(/^hot_p3.*4\.8 × the mean rows$/)]);
      // Seven links to the others and one to the server.
      expect(await page.locator("svg.graph .edge.crossing").count()).toBe(8);
      // The hot node lies within the circle, no other does.
      const inside = await page.evaluate<number>(`(() => {
      const cut = document.querySelector("circle.cut");
      const at = (node, name) => Number(node.getAttribute(name));
      const from = (node, name) => at(node, name) - at(cut, name);
      return [...document.querySelectorAll(".node circle")]
        .filter((node) => Math.hypot(from(node, "cx"), from(node, "cy")) < at(cut, "r")).length;
    })()`);
      expect(inside).toBe(1);
      expect(await page.locator("svg.chart").getAttribute("aria-label")).toMatch(/lowest 0\.32/);
      await page.getByText(/A state is left once lambda (has stayed|is) more than 0/).waitFor();
      await page.getByText("Explain why it is not healed").click();
      await page.getByText("Nothing happens because of disabled").waitFor();
      await shot(page, "graph");
      expect(await accessibility(page)).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  it.each([
    ["dark", { colorScheme: "dark" as const }],
    ["phone", { width: 360, height: 740 }],
    ["phone-dark", { width: 360, height: 740, colorScheme: "dark" as const }],
  ] as const)("is readable: %s", { timeout: LIMIT }, async (name, look) => {
    const { page, complaints } = await open(url, look);
    await page.getByText("What stands in the way").waitFor();
    expect(await overflows(page)).toBe(false);
    await shot(page, name);
    expect(await accessibility(page)).toEqual([]);
    await page.goto(`${url}/#/c/public.hot`);
    await page.locator("svg.graph").waitFor();
    expect(await overflows(page)).toBe(false);
    await shot(page, `${name}-graph`);
    expect(await accessibility(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("can be used by keyboard alone", { timeout: LIMIT }, async () => {
    const { page } = await open(url);
    await page.locator(".rows a, .tiles a").first().waitFor();
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement === document.body ? '' : document.activeElement.textContent",
      );
    for (let presses = 0; presses < 20 && !(await focused()).includes("public.hot"); presses++)
      await page.keyboard.press("Tab");
    expect(await focused()).toContain("public.hot");
    // A refresh in between does not take the focus away.
    await page.waitForTimeout(3500);
    expect(await focused()).toContain("public.hot");
    await page.keyboard.press("Enter");
    await page.locator("svg.graph, .view.collection .subject").first().waitFor();
    expect(await page.locator("h1").innerText()).toContain("public.hot");
  });

  it("shows names as they are, whatever they are", { timeout: LIMIT }, async () => {
    const table = `"<img src=x onerror=complain('run')>'&quot;</a>"`;
    await makeTable(db, { table, rows: HOT });
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": false}', $1)", [table]);
    await tick();
    const { page, complaints } = await open(url);
    const name = `public.${table}`;
    await page.getByText(name, { exact: true }).first().click();
    await page.locator("svg.graph").waitFor();
    expect(await page.locator("h1").innerText()).toBe(name);
    await page.goto(`${page.url()}/why`);
    await page.locator(".explanation .lead").waitFor();
    expect(await page.locator("img, .explanation a").count()).toBe(0);
    await shot(page, "hostile");
    // Its sign in the address cannot break out either.
    await page.goto(`${url}/#/c/%3Cimg%20src%3Dx%20onerror%3Dcomplain('run')%3E`);
    await page.getByText("There is no such collection").waitFor();
    expect(await page.locator("img").count()).toBe(0);
    expect(complaints).toEqual([]);
    await db.client.query("SELECT ruvector_healing_unregister($1)", [table]);
  });

  it(
    "says that the loop does not run, and does not say that all is well",
    { timeout: LIMIT },
    async () => {
      await db.client.query(
        `UPDATE ruvector.healing_ticks SET started_at = clock_timestamp() - interval '10 minutes',
          interval_seconds = 5`,
      );
      const { page, complaints } = await open(url);
      await page.getByText("The loop is not running").waitFor();
      expect(await page.locator(".more").innerText()).toMatch(/its last tick was at \d\d:\d\d UTC/);
      await shot(page, "stopped");
      expect(complaints).toEqual([]);
      await tick();
    },
  );

  it(
    "says that its server has gone, with the age of what it shows, and comes back by itself",
    { timeout: LIMIT },
    async () => {
      const own = await serveFor(viewer);
      const { page } = await open(own.url);
      await page.locator(".rows").first().waitFor();
      const port = Number(new URL(own.url).port);
      await own.serving.close();
      await page.getByText("This is not current").waitFor();
      await page.getByText(/The server of this page has not answered for \d+ s/).waitFor();
      expect(await page.locator(".fresh").innerText()).toMatch(/data is \d+ s old/);
      await shot(page, "server-gone");
      const again = await serve(
        { host: "127.0.0.1", port },
        [statusPage(own.reads)],
        () => undefined,
      );
      await page.locator(".fresh", { hasText: "live" }).waitFor();
      expect(await headline(page)).not.toBe("This is not current");
      await again.close();
    },
  );

  it("says that the database does not answer, with its message", { timeout: LIMIT }, async () => {
    let down = false;
    const reads = (await serveFor(viewer)).reads;
    const unless =
      (asks: Reader["query"]): Reader["query"] =>
      (...asked) =>
        down ? Promise.reject(new Error("connect ECONNREFUSED")) : asks(...asked);
    const serving = await serve(
      { host: "127.0.0.1", port: 0 },
      [statusPage({ query: unless(reads.query), once: unless(reads.once) })],
      () => undefined,
    );
    const { page } = await open(serving.url);
    await page.locator(".rows").first().waitFor();
    down = true;
    await page.getByText("The database does not answer: connect ECONNREFUSED").waitFor();
    expect(await headline(page)).toBe("This is not current");
    await shot(page, "database-gone");
    await serving.close();
  });

  it(
    "sends its policy with everything, and nothing is there that is not asked for",
    { timeout: LIMIT },
    async () => {
      for (const path of ["/", "/page.js", "/page.css"]) {
        const response = await fetch(`${url}${path}`);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      }
      expect(await (await fetch(url)).text()).not.toMatch(
        /<script>|style=|onload=|https?:\/\/(?!www\.w3\.org)/,
      );
      expect((await fetch(`${url}/api/collection?name=nope`)).status).toBe(404);
      expect((await fetch(`${url}/api/explain?action=1;DROP`)).status).toBe(404);
      expect((await fetch(`${url}/api/status`, { method: "POST" })).status).toBe(405);
      expect((await fetch(`${url}/../etc/passwd`)).status).toBe(404);
      const status = (await (await fetch(`${url}/api/status`)).json()) as { missing: unknown[] };
      expect(status.missing).toEqual([]);
    },
  );

  it("names what its role may not read, and shows the rest", { timeout: LIMIT }, async () => {
    const role = `page_${process.pid}`;
    await db.client.query(
      `REVOKE EXECUTE ON FUNCTION ruvector_healing_effectiveness() FROM ${role}`,
    );
    const { page, complaints } = await open((await serveFor(viewer)).url);
    await page
      .getByText(/Not shown: this role may not call ruvector_healing_effectiveness\(\)/)
      .waitFor();
    expect(await page.locator(".rows .name").count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
    await db.client.query(`GRANT EXECUTE ON FUNCTION ruvector_healing_effectiveness() TO ${role}`);
  });
});

describe.skipIf(!haveChromium())("fifty collections", () => {
  const { open } = browser();

  it("are a list with the worst first that fits a phone", { timeout: 600_000 }, async () => {
    const db = await testDatabase();
    await configure(db, QUICK);
    for (let place = 0; place < 50; place++)
      await makeTable(db, { table: `collection_${place}`, rows: [8, 8] });
    // Two of them are reported sick from outside; nothing is to be done about them.
    for (const [table, lambda] of [
      ["collection_7", 0.2],
      ["collection_31", 0.6],
    ] as const) {
      await db.client.query(
        'SELECT ruvector_healing_configure(\'{"enabled": false, "report_ttl_seconds": 3600}\', $1)',
        [table],
      );
      await db.client.query("SELECT ruvector_integrity_report($1, $2)", [
        table,
        JSON.stringify({ lambda }),
      ]);
    }
    await ticked(db);
    const { url } = await serveFor(db.url);
    for (const look of [{}, { width: 360, height: 740 }]) {
      const { page, complaints }: Opened = await open(url, look);
      await page.getByText("2 collections need attention").waitFor();
      expect(await page.locator(".rows .name").allInnerTexts()).toEqual([
        "public.collection_7",
        "public.collection_31",
      ]);
      expect(await page.locator(".tiles > li").count()).toBe(48);
      expect(await overflows(page)).toBe(false);
      await shot(page, look.width === undefined ? "fifty" : "fifty-phone");
      expect(await accessibility(page)).toEqual([]);
      expect(complaints).toEqual([]);
    }
  });
});
