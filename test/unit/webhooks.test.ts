/** The file of --webhooks, quiet hours, what is alike, and the words; nothing is sent here. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readWebhooks, TOLD, type Webhook } from "../../src/commands/actuator/webhooks/config.ts";
import { bodyOf } from "../../src/commands/actuator/webhooks/post.ts";
import { isQuiet, sentNow, sort } from "../../src/commands/actuator/webhooks/quiet.ts";
import type { Alert } from "../../src/commands/actuator/webhooks/template.ts";

const SECRET = "https://hooks.example.com/services/T0/B0/do-not-tell";
let folder: string;
const file = (): string => join(folder, "webhooks.json");

async function read(webhook: object, env: Record<string, string> = {}): Promise<Webhook> {
  await writeFile(file(), JSON.stringify({ webhooks: [{ name: "ops", url: SECRET, ...webhook }] }));
  return readWebhooks(file(), env)[0]!;
}

const alert = (seq: number, more: Partial<Alert> = {}): Alert => ({
  seq,
  at: new Date(Date.UTC(2026, 0, 5, 12, 0, seq)).toISOString(),
  kind: "state_stress",
  collection: "public.docs",
  action_id: null,
  message: `normal -> stress ${seq}`,
  ...more,
});

const NOON = new Date(Date.UTC(2026, 0, 5, 12, 1));
const NIGHT = new Date(Date.UTC(2026, 0, 5, 23, 30));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "webhooks-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the file", () => {
  it.each([
    [{ url: "hooks.example.com/do-not-tell" }, /url \(or url_env\) is an http/],
    [{ url: "https://me:do-not-tell@example.com/" }, /headers\.authorization/],
    [{ url: undefined, url_env: "OPS_URL" }, /variable OPS_URL is not set/],
    [{ name: "two words" }, /name is 1 to 63/],
    [{ name: undefined }, /webhook 1: name/],
    [{ format: "teams" }, /format is slack or generic/],
    [{ format: "slack", body: {} }, /body is of format generic/],
    [{ template: "{lambda}" }, /template is a text with \{database\}/],
    [{ kinds: [] }, /kinds is a list/],
    [{ kinds: ["State!"] }, /kinds: nothing is "State!"\. They are as docs\/monitoring\.md/],
    [{ kinds: ["state_critcal"] }, /nothing is "state_critcal".*state_critical/],
    [{ kinds: ["critical*"] }, /nothing is "critical\*"/],
    [
      { quiet_hours: { from: "22:00", to: "07:00", except: ["critical"] } },
      /nothing is "critical"/,
    ],
    [{ collections: ["docs"] }, /write "docs" with its schema.*"public\.docs"/],
    [{ headers: { "x-a": "b\r\nx-c: d" } }, /on one line/],
    [{ dedup_seconds: -1 }, /number of seconds/],
    [{ give_up_seconds: "1 day" }, /number of seconds/],
    [{ quiet_hours: { from: "22", to: "07:00" } }, /"from": "22:00"/],
    [{ quiet_hours: { from: "07:00", to: "07:00" } }, /"from": "22:00"/],
    [{ quiet_hours: { from: "22:00", to: "07:00", time_zone: "Mars/Base" } }, /Mars\/Base/],
    [{ retries: 3 }, /no key "retries"; it takes name, url/],
  ])("%o is refused, and the address not told", async (webhook, says) => {
    const error = await read(webhook).catch((one: unknown) => one as Error);
    expect(error).toMatchObject({ name: "KeyProblem", message: expect.stringMatching(says) });
    expect(String(error)).not.toContain("do-not-tell");
  });

  it("knows every kind that is told", async () => {
    const [, table] = /## NOTIFY\n(.*?)\nDelivered when/s.exec(
      await readFile("docs/monitoring.md", "utf8"),
    )!;
    const kinds = [...table!.matchAll(/^\| (`.*) \|.*\|$/gm)].flatMap(([, cell]) =>
      cell!.match(/(?<=`)\w+(?=`)/g),
    );
    expect(new Set(kinds)).toEqual(new Set(TOLD));
    expect((await read({ kinds: ["*", "state_*"] })).kinds).toHaveLength(2);
  });

  it("takes a header in place of ours, whatever its capitals", async () => {
    const { headers } = await read({
      headers: { "Content-Type": "text/plain", "X-Team": "Größe" },
    });
    expect(headers).toEqual({ "content-type": "text/plain", "x-team": "Größe" });
    await expect(read({ headers: { "x-team": "€" } })).rejects.toThrow("headers are names");
  });

  it("takes addresses and secrets from the environment; two of a name are refused", async () => {
    const one = await read(
      { url: undefined, url_env: "OPS_URL", secret_env: "KEY" },
      { OPS_URL: SECRET, KEY: "k" },
    );
    expect([one.url.href, one.secret]).toEqual([SECRET, "k"]);
    const twice = { name: "ops", url: SECRET };
    await writeFile(file(), JSON.stringify({ webhooks: [twice, twice] }));
    expect(() => readWebhooks(file())).toThrow(/two webhooks are called "ops"/);
    await writeFile(file(), `{"webhooks": [{"url": "${SECRET}`);
    expect(() => readWebhooks(file())).toThrow(/this is no JSON/);
    expect(() => readWebhooks(join(folder, "nowhere"))).toThrow(/ENOENT/);
  });
});

describe("what is sent, and what is not", () => {
  it("keeps to kinds and collections; * at the end are all that begin so", async () => {
    const webhook = await read({ kinds: ["action_*"], collections: ["public.docs"] });
    const { send, ignore } = sort(
      webhook,
      [
        alert(1),
        alert(2, { kind: "action_failed", action_id: 1 }),
        alert(3, { kind: "action_failed", action_id: 2, collection: "public.other" }),
        alert(4, { kind: "action_planned", action_id: 3, collection: null }),
      ],
      new Map(),
      NOON,
    );
    expect(send.map(({ alert: { seq } }) => seq)).toEqual([2, 4]);
    expect(ignore).toEqual([1, 3]);
  });

  it("says once what is said again and again within dedup_seconds, and how often", async () => {
    const webhook = await read({ dedup_seconds: 60 });
    const sent = new Map<string, number>();
    const first = sort(webhook, [alert(1), alert(2), alert(3)], sent, NOON);
    expect(first.send).toMatchObject([{ covers: [1, 2, 3] }]);
    sentNow(sent, alert(1));
    expect(sort(webhook, [alert(30)], sent, NOON)).toMatchObject({ send: [], ignore: [30] });
    expect(sort(webhook, [alert(61)], sent, NOON).send).toHaveLength(1);
    expect(sort(webhook, [alert(31, { collection: "public.b" })], sent, NOON).send).toHaveLength(1);
    // Far apart in one reading, they are two.
    expect(sort(webhook, [alert(100), alert(200)], new Map(), NOON).send).toHaveLength(2);
    expect(
      sort(await read({ dedup_seconds: 0 }), [alert(1), alert(2)], sent, NOON).send,
    ).toHaveLength(2);
  });

  it("says at the end of dedup_seconds what is so again after another was said", async () => {
    const webhook = await read({ dedup_seconds: 60 });
    const critical = (seq: number): Alert => alert(seq, { kind: "state_critical" });
    const normal = (seq: number): Alert => alert(seq, { kind: "state_normal" });
    const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 5, 12, 0, seconds));
    // In one reading: the last word is not that it is normal.
    const flapped = [critical(1), normal(10), critical(20)];
    const first = sort(webhook, flapped, new Map(), at(30));
    expect(first).toMatchObject({
      send: [{ covers: [1] }, { covers: [10] }],
      ignore: [],
      held: [],
    });
    const sent = new Map<string, number>();
    for (const one of first.send) sentNow(sent, one.alert);
    // It waits, and goes when it is well meanwhile.
    expect(sort(webhook, [critical(20)], sent, at(59))).toMatchObject({ send: [], ignore: [] });
    expect(sort(webhook, [critical(20), normal(40)], sent, at(59))).toMatchObject({
      send: [],
      ignore: [20, 40],
    });
    const then = sort(webhook, [critical(20)], sent, at(61));
    expect(then.send).toMatchObject([{ alert: { kind: "state_critical" }, covers: [20] }]);
    // Who hears of critical ones alone was told already.
    const pager = await read({ dedup_seconds: 60, kinds: ["state_critical"] });
    expect(sort(pager, flapped, new Map(), at(30))).toMatchObject({
      send: [{ covers: [1, 20] }],
      ignore: [10],
    });
  });

  it("holds in quiet hours what wakes nobody, and says it together afterwards", async () => {
    const webhook = await read({ quiet_hours: { from: "22:00", to: "07:00" } });
    const night = [
      alert(1, { at: NIGHT.toISOString() }),
      alert(2, { at: NIGHT.toISOString(), kind: "state_normal" }),
      alert(3, { at: NIGHT.toISOString(), kind: "state_critical" }),
    ];
    const held = sort(webhook, night, new Map(), NIGHT);
    expect(held.send.map(({ alert: { seq } }) => seq)).toEqual([3]);
    expect(held.held.map(({ seq }) => seq)).toEqual([1, 2]);
    const morning = new Date(NIGHT.getTime() + 8 * 3600_000);
    const { send } = sort(webhook, night.slice(0, 2), new Map(), morning);
    expect(send).toMatchObject([{ covers: [1, 2], alert: { kind: "quiet_hours" } }]);
    expect(send[0]!.alert.message).toContain(
      "2 transitions in quiet hours: state stress of public",
    );
  });

  it.each([
    ["22:00", "07:00", "UTC", "21:59", false],
    ["22:00", "07:00", "UTC", "22:00", true],
    ["22:00", "07:00", "UTC", "06:59", true],
    ["22:00", "07:00", "UTC", "07:00", false],
    ["12:00", "13:00", "UTC", "12:30", true],
    ["12:00", "13:00", "UTC", "13:30", false],
    ["22:00", "07:00", "Asia/Tokyo", "13:30", true],
    ["22:00", "07:00", "Asia/Tokyo", "23:00", false],
  ])("from %s to %s in %s: at %s UTC quiet is %s", async (from, to, zone, at, quiet) => {
    const hours = (await read({ quiet_hours: { from, to, time_zone: zone } })).quiet!;
    expect(isQuiet(hours, new Date(`2026-01-05T${at}:00Z`))).toBe(quiet);
  });
});

describe("the words", () => {
  const said = {
    ...alert(7, { collection: 'public."<!channel> & co"', message: "lambda < 0.3" }),
    database: "app",
    more: 2,
  };

  it("for Slack nobody is called by the name of a table", async () => {
    const webhook = await read({ format: "slack", template: "{collection}: {message}" });
    expect(JSON.parse(bodyOf(webhook, said))).toEqual({
      text: 'public."&lt;!channel&gt; &amp; co": lambda &lt; 0.3 (and 2 more like it)',
    });
  });

  it("for others a document, or one of theirs that is filled in", async () => {
    expect(JSON.parse(bodyOf(await read({}), said))).toMatchObject({
      id: "app/7",
      kind: "state_stress",
      more: 2,
      text: expect.stringContaining("[app] public"),
    });
    const body = {
      content: "{kind} at {at}",
      embeds: [{ title: "{action_id}{collection}" }],
      n: 1,
    };
    expect(JSON.parse(bodyOf(await read({ body }), said))).toEqual({
      content: `state stress at ${said.at}`,
      embeds: [{ title: said.collection }],
      n: 1,
    });
  });
});
