/** The actuator's webhooks against a real HTTP server: order, retries, restarts, dead endpoints. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import getPort from "get-port";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type ActuatorProcess, startActuator } from "./support/actuator-process.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

vi.setConfig({ testTimeout: 200_000, hookTimeout: 200_000 });

interface Got {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  readonly raw: string;
}

let db: TestDatabase;
let server: Server;
let base: string;
let folder: string;
let actuator: ActuatorProcess | undefined;
const got: Got[] = [];
/** What the server answers; by default 200. */
let answers: (one: Got, response: ServerResponse) => void;

const SECRET = "T0-do-not-tell";
const of = (path: string): Got[] => got.filter((one) => one.path.startsWith(path));
const messages = (path: string): unknown[] => of(path).map(({ body }) => body["message"]);

/** As the loop tells it; each is one transaction. */
let told = 0;
async function tell(kind = "state_stress", collection: string | null = null): Promise<string> {
  const message = `event ${++told}`;
  await db.client.query(
    "INSERT INTO ruvector.healing_events (kind, collection, message) VALUES ($1, $2, $3)",
    [kind, collection ?? `public.t${told}`, message],
  );
  return message;
}

async function start(webhooks: readonly object[], name = "hooks"): Promise<ActuatorProcess> {
  const file = join(folder, "webhooks.json");
  await writeFile(file, JSON.stringify({ webhooks }), { mode: 0o600 });
  await chmod(file, 0o600);
  actuator = await startActuator({ database: db.url, name, flags: ["--webhooks", file] });
  await actuator.healthy();
  return actuator;
}
const known = (endpoint: string): Promise<number> =>
  db.value<number>(
    `SELECT count(*)::int FROM ruvector.healing_alerts WHERE endpoint = '${endpoint}'`,
  );
const registered = (endpoint: string) => expect.poll(() => known(endpoint)).toBe(1);
const polled = (what: () => unknown) => expect.poll(what);

/** Until then a crash sends the last one again. */
const writtenDown = (endpoint: string) =>
  polled(() =>
    db.value(
      "SELECT position = (SELECT seq FROM ruvector.healing_audit_head) " +
        `FROM ruvector.healing_alerts WHERE endpoint = '${endpoint}'`,
    ),
  ).toBe(true);

beforeAll(async () => {
  db = await testDatabase();
  folder = await mkdtemp(join(tmpdir(), "webhooks-"));
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const raw = Buffer.concat(parts).toString();
      const one = {
        path: request.url!,
        headers: request.headers,
        body: JSON.parse(raw) as Record<string, unknown>,
        raw,
      };
      got.push(one);
      answers(one, response);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  got.length = 0;
  answers = (_, response) => void response.writeHead(200).end("ok");
});
afterAll(async () => {
  actuator?.kill("SIGKILL");
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

it("sends in order what happens from now on, for Slack and as a signed document", async () => {
  await tell();
  const { stop } = await start([
    { name: "slack", format: "slack", url: `${base}/slack/${SECRET}`, template: "{message}!" },
    { name: "signed", url: `${base}/signed`, secret: "k", kinds: ["*"] },
  ]);
  await registered("slack");
  await registered("signed");
  const said = [await tell(), await tell("action_planned"), await tell()];
  await polled(() => messages("/signed")).toEqual(said);
  // action_planned is not among what people are told by default.
  await polled(() => of("/slack").map(({ body }) => body)).toEqual([
    { text: `${said[0]}!` },
    { text: `${said[2]}!` },
  ]);
  const [first] = of("/signed") as [Got];
  expect(first.headers["x-ruvector-healing-signature"]).toBe(
    `sha256=${createHmac("sha256", "k").update(first.raw).digest("hex")}`,
  );
  expect(first.headers["idempotency-key"]).toBe(first.body["id"]);
  expect(await stop()).toBe(0);
});

it("a restart sends nothing twice and loses nothing; what is told meanwhile comes", async () => {
  const hook = [{ name: "restart", url: `${base}/restart`, kinds: ["*"] }];
  const first = await start(hook);
  await registered("restart");
  const said = [await tell(), await tell()];
  await polled(() => messages("/restart")).toEqual(said);
  await writtenDown("restart");
  first.kill("SIGKILL");
  await first.ended;
  said.push(await tell(), await tell());
  const second = await start(hook);
  await polled(() => messages("/restart")).toEqual(said);
  await second.stop();
  const third = await start(hook);
  said.push(await tell());
  await polled(() => messages("/restart")).toEqual(said);
  await third.stop();
});

it("tries again what failed, in order, after Retry-After; leaves out what is refused", async () => {
  let failures = 3;
  answers = ({ path, body }, response) => {
    if (path === "/moved")
      return void response.writeHead(302, { location: `${base}/caught` }).end();
    if (path === "/refuses" && body["message"] === `event ${told - 1}`)
      return void response.writeHead(404).end(SECRET);
    if (path === "/flaky" && failures-- > 0)
      return void response.writeHead([503, 429, 500][failures]!, { "retry-after": "1" }).end();
    response.writeHead(204).end();
  };
  const process = await start([
    { name: "flaky", url: `${base}/flaky` },
    { name: "refuses", url: `${base}/refuses` },
    { name: "moved", url: `${base}/moved` },
  ]);
  for (const name of ["flaky", "refuses", "moved"]) await registered(name);
  const said = [await tell(), await tell()];
  await polled(() => messages("/flaky")).toEqual([said[0], said[0], said[0], ...said]);
  await polled(() => messages("/refuses")).toEqual(said);
  await polled(() => messages("/moved")).toEqual(said);
  expect(of("/caught")).toEqual([]);
  await process.says(/did not take an event, which is left out: status 404 webhook=refuses/);
  const { text } = await process.get("/metrics");
  expect(text).toMatch(/webhook_posts_total\{webhook="flaky",outcome="failed"\} 3/);
  expect(text).toMatch(/webhook_posts_total\{webhook="refuses",outcome="refused"\} 1/);
  await process.stop();
});

it("a dead endpoint, and one that never answers, hold up nobody, and stay secret", async () => {
  answers = ({ path }, response) => {
    if (!path.startsWith("/hangs")) response.writeHead(200).end();
  };
  const process = await start([
    { name: "dead", url: `http://127.0.0.1:${await getPort()}/${SECRET}` },
    { name: "hangs", url: `${base}/hangs/${SECRET}` },
    { name: "lives", url: `${base}/lives`, headers: { authorization: `Bearer ${SECRET}` } },
  ]);
  for (const name of ["dead", "hangs", "lives"]) await registered(name);
  const said = [await tell(), await tell()];
  await polled(() => messages("/lives")).toEqual(said);
  await process.says(/cannot be sent to: ECONNREFUSED webhook=dead/);
  await process.says(/cannot be sent to: no answer in time webhook=hangs/, 60);
  const health = await process.get("/healthz");
  expect(health.status).toBe(200);
  expect(JSON.parse(health.text)).toMatchObject({
    webhooks: [
      { name: "dead", sent: 0, problem: "ECONNREFUSED" },
      { name: "hangs", sent: 0, problem: "no answer in time" },
      { name: "lives", sent: 2, problem: null },
    ],
  });
  expect(
    [...process.lines, health.text, (await process.get("/metrics")).text].join("\n"),
  ).not.toContain(SECRET);
  // Told to end while one hangs, it ends.
  expect(await process.stop()).toBe(0);
  expect(process.lines.join("\n")).not.toContain(SECRET);
});

it("of two actuators one sends; the other goes on where that one is gone", async () => {
  const hook = [{ name: "shared", url: `${base}/shared` }];
  const one = await start(hook, "hooks-one");
  await registered("shared");
  const two = await start(hook, "hooks-two");
  const said = [await tell(), await tell()];
  await polled(() => messages("/shared")).toEqual(said);
  await writtenDown("shared");
  one.kill("SIGKILL");
  await one.ended;
  said.push(await tell());
  // As if the minute were over.
  await db.client.query(
    "UPDATE ruvector.healing_alerts SET asked_at = asked_at - interval '1 hour' " +
      "WHERE endpoint = 'shared'",
  );
  await polled(() => messages("/shared")).toEqual(said);
  expect(
    await db.value("SELECT actuator FROM ruvector.healing_alerts WHERE endpoint = 'shared'"),
  ).toBe("hooks-two");
  await two.stop();
});

it("sends what comes in a database with another DateStyle", async () => {
  await db.client.query(`ALTER DATABASE "${db.name}" SET datestyle = 'German'`);
  try {
    const { stop } = await start([{ name: "german", url: `${base}/german` }], "german");
    await registered("german");
    const before = Date.now();
    const message = await tell();
    await polled(() => messages("/german")).toEqual([message]);
    const at = Date.parse(String(of("/german")[0]!.body["at"]));
    expect(Math.abs(at - before)).toBeLessThan(600_000);
    await stop();
  } finally {
    await db.client.query(`ALTER DATABASE "${db.name}" RESET datestyle`);
  }
});

it("waits where Retry-After is 0, and says again what nobody took", async () => {
  const { stop } = await start(
    [
      { name: "zero", url: `${base}/zero` },
      { name: "refusing", url: `${base}/refusing` },
    ],
    "zero",
  );
  await registered("zero");
  await registered("refusing");
  let taken = 404;
  answers = ({ path }, response) =>
    path === "/zero"
      ? response.writeHead(503, { "retry-after": "0" }).end()
      : response.writeHead(taken).end();
  await tell("state_critical", "public.same");
  await polled(() => of("/refusing").length).toBe(1);
  await writtenDown("refusing");
  taken = 200;
  const second = await tell("state_critical", "public.same");
  await polled(() => messages("/refusing").slice(1)).toEqual([second]);
  await db.value("SELECT pg_sleep(1)::text");
  // There were hundreds.
  expect(of("/zero").length).toBeLessThan(20);
  await stop();
});
