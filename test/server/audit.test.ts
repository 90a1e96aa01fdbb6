/**
 * The audit trail with many sessions, roles, dumps, an older installation, and the verifier of
 * docs/audit.md.
 */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { afterAll, describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { superuser } from "../../src/workbench/db/places.ts";
import { providers, findServer } from "../../src/workbench/db/server.ts";
import { chainedEvents, type Verdict, verifiedOutside, verifyAudit } from "../support/audit.ts";
import { asked, type TestDatabase } from "../support/database.ts";
import { databaseUrl, raised, testDatabase } from "./support/database.ts";

const db = await testDatabase();
const insert = (message: string) =>
  `INSERT INTO ruvector.healing_events (kind, message) VALUES ('test_event', '${message}')`;

/** Array.toSpliced, which Node.js 20 has and the types here do not. */
function put<T>(list: readonly T[], at: number, removed: number, ...items: T[]): T[] {
  const copy = [...list];
  copy.splice(at, removed, ...items);
  return copy;
}

describe("twenty sessions at once", () => {
  it("chain every committed event once, none that was rolled back, and none fails", async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => db.connect()));
    const kept: string[] = [];
    const work = async (client: pg.Client, number: number) => {
      for (let turn = 0; turn < 15; turn++) {
        const name = (part: string) => `s${number} t${turn} ${part}`;
        const level = ["READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"][
          (number + turn) % 4
        ]!;
        await client.query(`BEGIN ISOLATION LEVEL ${level}`);
        await client.query(insert(name("a")));
        await client.query(
          `SAVEPOINT s; ${insert(name("b"))}; ROLLBACK TO s; ${insert(name("c"))}`,
        );
        if (turn % 3 === 0) await new Promise((resolve) => setTimeout(resolve, (number * 7) % 20));
        if (turn % 5 === 1) await client.query("SET CONSTRAINTS ALL IMMEDIATE");
        if ((number + turn) % 6 === 0) await client.query("ROLLBACK");
        else {
          await client.query("COMMIT");
          kept.push(name("a"), name("c"));
        }
        if (turn % 7 === 3)
          expect(
            (await asked(client).value<Verdict>("SELECT ruvector_healing_verify_audit()")).broken,
          ).toBeNull();
      }
    };
    const ticking = (async () => {
      for (let turn = 0; turn < 10; turn++) await db.client.query("CALL ruvector_healing_tick()");
    })();
    await Promise.all([...sessions.map(work), ticking]);
    await db.client.query("CALL ruvector_healing_tick()");
    const verdict = await verifyAudit(db);
    expect(verdict, JSON.stringify(verdict)).toMatchObject({ intact: true, unchained: 0 });
    expect(verdict.signed_seq).toBe(verdict.head.seq);
    expect(await verifiedOutside(db)).toBeNull();
    const written = (
      await db.rows<{ message: string }>(
        "SELECT message FROM ruvector.healing_events WHERE kind = 'test_event' AND seq IS NOT NULL",
      )
    ).map(({ message }) => message);
    expect(written.sort()).toEqual(kept.sort());
  });

  it("never wait for one that holds the chain to the end of a long transaction", async () => {
    const long = await db.connect();
    await long.query(`BEGIN; ${insert("long")}; SET CONSTRAINTS ALL IMMEDIATE`);
    const before = (await verifyAudit(db)).head.seq;
    const started = performance.now();
    for (let turn = 0; turn < 20; turn++) await db.client.query(insert("short"));
    // 10 ms each at most; a wait would last until the long one ends.
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await verifyAudit(db)).toMatchObject({
      intact: true,
      unchained: 20,
      head: { seq: before },
    });
    await long.query("COMMIT");
    await db.client.query(insert("last"));
    expect(await verifyAudit(db)).toMatchObject({
      intact: true,
      unchained: 0,
      head: { seq: before + 22 },
    });
  });

  it("commit though somebody has locked the head, or an event that is not chained", async () => {
    const locker = await db.connect();
    await locker.query("BEGIN; SELECT FROM ruvector.healing_audit_head FOR UPDATE");
    await db.client.query(insert("while the head is locked"));
    expect(await verifyAudit(db)).toMatchObject({ intact: true, unchained: 1 });
    await locker.query(
      "ROLLBACK; BEGIN; SELECT FROM ruvector.healing_events WHERE seq IS NULL FOR UPDATE",
    );
    await db.client.query(insert("while an event is locked"));
    expect(await verifyAudit(db)).toMatchObject({ intact: true, unchained: 2 });
    expect(
      await raised(db.client, "BEGIN; SELECT ruvector_healing_audit_rotate_key()"),
    ).toMatchObject({ code: "55P03" });
    await db.client.query("ROLLBACK");
    await locker.query("ROLLBACK");
    await db.client.query("CALL ruvector_healing_tick()");
    expect(await verifyAudit(db)).toMatchObject({ intact: true, unchained: 0 });
  });
});

describe("roles", () => {
  it("a viewer verifies, also read-only, without key or tables; an actuator signs", async () => {
    const role = `audit_viewer_${process.pid}`;
    await db.client.query(
      `CREATE ROLE ${role}; SELECT ruvector_healing_grant('${role}', 'viewer')`,
    );
    try {
      const viewer = await db.connect();
      await viewer.query(
        `SET SESSION AUTHORIZATION ${role}; SET default_transaction_read_only = on`,
      );
      expect(await asked(viewer).value("SELECT ruvector_healing_verify_audit()")).toMatchObject({
        intact: true,
      });
      for (const forbidden of [
        "SELECT secret FROM ruvector.healing_audit_secret",
        "SELECT ruvector.healing_audit_private_key()",
        "SELECT * FROM ruvector.healing_audit_keys",
        "SELECT ruvector_healing_audit_rotate_key()",
        "SELECT ruvector_healing_audit_head()",
        "SELECT ruvector_healing_audit_export()",
        "SELECT ruvector.healing_ed25519('', '', '')",
      ]) {
        expect(await raised(viewer, forbidden), forbidden).toMatchObject({ code: "42501" });
      }
      await db.client.query(
        `SELECT ruvector_healing_revoke('${role}');
          SELECT ruvector_healing_grant('${role}', 'actuator')`,
      );
      const actuator = await db.connect();
      await actuator.query(`SET SESSION AUTHORIZATION ${role}`);
      expect(await asked(actuator).value("SELECT ruvector_healing_audit_head()")).toMatchObject({
        held_by: "database",
        due: false,
      });
      expect(await raised(actuator, "SELECT ruvector_healing_audit_rotate_key()")).toMatchObject({
        code: "42501",
      });
      await actuator.end();
      await viewer.end();
    } finally {
      await db.client.query(
        `SELECT ruvector_healing_revoke('${role}'); DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
    }
  });
});

it(
  "a key begins with its own event, though events of others are chained behind it at the same " +
    "moment",
  async () => {
    // Not chained at its commit, and of a higher id than the key's event will have: as from a
    // session that commits while the key is made.
    await db.client.query(
      `BEGIN ISOLATION LEVEL SERIALIZABLE;
      INSERT INTO ruvector.healing_events (id, kind, message)
      VALUES (1000000000, 'test_event', 'behind the key'); COMMIT`,
    );
    await db.client.query("SELECT ruvector_healing_audit_rotate_key()");
    const verdict = await verifyAudit(db);
    expect(verdict, JSON.stringify(verdict)).toMatchObject({ intact: true, unchained: 0 });
    expect(await verifiedOutside(db)).toBeNull();
  },
);

describe("the verifier of docs/audit.md", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ruvector-audit-"));
  afterAll(() => rm(folder, { recursive: true }));
  const page = await readFile(join(root, "docs/audit.md"), "utf8");
  const script = join(folder, "verify-audit.mjs");
  await writeFile(script, /```js\n([^]*?)```/.exec(page)![1]!);
  const lines = async () =>
    (await db.rows<{ line: string }>("SELECT ruvector_healing_audit_export() AS line")).map(
      ({ line }) => line,
    );
  const verified = async (content: readonly string[], ...keys: string[]) => {
    const file = join(folder, "audit.jsonl");
    await writeFile(file, `${content.join("\n")}\n`);
    const { exitCode, stdout, stderr } = await execa("node", [script, file, "1", ...keys], {
      reject: false,
    });
    return { exitCode, said: stdout || stderr };
  };
  const reaches = async (least: string, ...keys: string[]) =>
    (await execa("node", [script, join(folder, "audit.jsonl"), least, ...keys], { reject: false }))
      .exitCode;
  const keys = async () => (await verifyAudit(db)).keys.map(({ public_key }) => public_key);

  it("finds an export by psql intact, and says up to where it is signed", async () => {
    await db.client.query(
      "INSERT INTO ruvector.healing_events (kind, message, details) VALUES ('test_event', " +
        "$1, '{\"n\": 1.50}')",
      ["caf\u00e9 \u{1f600} \u2028\n\"'\\"],
    );
    await db.client.query("SELECT ruvector_healing_audit_rotate_key()");
    await db.client.query("CALL ruvector_healing_tick()");
    const { stdout } = await execa(
      "psql",
      ["-AtqX", "-d", db.url, "-c", "SELECT ruvector_healing_audit_export()"],
      { env: { PGCLIENTENCODING: "UTF8" }, reject: true },
    ).catch((error: { code?: string }) =>
      error.code === "ENOENT"
        ? lines().then((all) => ({ stdout: all.join("\n") }))
        : Promise.reject(error),
    );
    const { head } = await verifyAudit(db);
    expect(await verified(stdout.split("\n"), ...(await keys()))).toEqual({
      exitCode: 0,
      said:
        `${head.seq} events up to seq ${head.seq} are intact; signed by a key you trust up to ` +
        `seq ${head.seq}`,
    });
    expect([
      await reaches(String(head.seq), ...(await keys())),
      await reaches(String(head.seq + 1), ...(await keys())),
    ]).toEqual([0, 1]);
    // Without a place to reach, or with a key in its place, nothing is taken for proven.
    expect([
      await reaches("0", ...(await keys())),
      await reaches(...((await keys()) as [string])),
    ]).toEqual([1, 1]);
  });

  it(
    "finds nothing proven by an export without a trusted head, an empty one, or one that is " +
      "forged whole",
    async () => {
      const unsigned = {
        exitCode: 1,
        said: "signed by a key you trust up to seq 0; it must reach 1",
      };
      expect(await verified(await lines())).toEqual(unsigned);
      expect(await verified([], ...(await keys()))).toMatchObject({ exitCode: 1 });
      expect(
        await verified(['{"base": 0, "hash": "' + "0".repeat(64) + '"}'], ...(await keys())),
      ).toEqual(unsigned);
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const sha = (text: string) => createHash("sha256").update(text).digest("hex");
      const hash = sha(`${"0".repeat(64)} 1 ${sha("[made up]")}`);
      const head = `ruvector_healing audit v1 1 ${hash} 2026-01-01T00:00:00.000000Z`;
      const own = publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
      const key = createHash("sha256").update(own, "hex").digest("hex").slice(0, 16);
      const forged = [
        { base: 0, hash: "0".repeat(64) },
        { key, public_key: own },
        { seq: 1, text: "[made up]", hash },
        { head, key, signature: sign(null, Buffer.from(head), privateKey).toString("hex") },
      ].map((line) => JSON.stringify(line));
      expect(await verified(forged, own)).toMatchObject({ exitCode: 0 });
      expect(await verified(forged, ...(await keys()))).toEqual(unsigned);
    },
  );

  it("finds an event changed, removed, moved, a tail cut, a signature replaced", async () => {
    const [all, trusted] = [await lines(), await keys()];
    const at = all.findIndex((line) => line.includes('"seq" : 7,'));
    const bad = async (content: readonly string[], what: string) =>
      expect(await verified(content, ...trusted)).toEqual({
        exitCode: 1,
        said: expect.stringContaining(what) as string,
      });
    await bad(
      put(all, at, 1, all[at]!.replace("test_event", "best_event")),
      "the event of seq 7 is missing, changed or moved",
    );
    await bad(put(all, at, 1), "seq 7");
    await bad(put(all, at, 2, all[at + 1]!, all[at]!), "seq 7");
    const events = all.filter((line) => line.includes('"text"'));
    await bad(
      all.filter((line) => line !== events.at(-1)),
      "are not here",
    );
    const last = all.at(-1)!;
    await bad(
      put(
        all,
        all.length - 1,
        1,
        last.replace(
          /"signature" : "(..)/,
          (_, byte: string) => `"signature" : "${byte === "00" ? "01" : "00"}`,
        ),
      ),
      "signature of seq",
    );
  });
});

/** A database of its own, without anything installed; gone afterwards. */
async function inDatabase(
  suffix: string,
  work: (other: TestDatabase) => Promise<void>,
): Promise<void> {
  const name = `${db.name}_${suffix}`;
  const url = databaseUrl(inject("serverUrl"), name);
  const admin = new pg.Client({ connectionString: inject("serverUrl") });
  await admin.connect();
  await admin.query(`CREATE DATABASE "${name}"`);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work({ ...db, name, url, client, ...asked(client) });
  } finally {
    await client.end();
    await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await admin.end();
  }
}

describe("dump and restore", () => {
  /** The programs that come with the server: those of this machine may be older. */
  async function own(program: string, args: string[]): Promise<string> {
    // Looked up and not started: that connects to pg_cron's database, which other files empty of
    // sessions.
    const server = await findServer(process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test");
    const url = new URL(server.url());
    if (server.kind === "external") return (await execa(program, args)).stdout;
    const command = providers[server.kind].ownPsql(server.name, args);
    const replaced = command.args.map((arg) =>
      /(^|\/)psql$/.test(arg) ? arg.replace(/psql$/, program) : arg,
    );
    const connection = [`PGHOST=${url.hostname}`, `PGPORT=${url.port}`, `PGUSER=${superuser}`];
    const place = replaced.findIndex((arg) => arg.startsWith("HOME="));
    return (
      await execa(command.file, place < 0 ? replaced : put(replaced, place, 0, ...connection), {
        maxBuffer: 1e9,
      })
    ).stdout;
  }

  it(
    "verifies as before, has no private key in the dump, and the next tick goes on with a new " +
      "key",
    async () => {
      const operator = `ruvector_test_${process.pid}_dumped`;
      await db.client.query(
        `CREATE ROLE ${operator}; SELECT ruvector_healing_grant('${operator}', 'operator')`,
      );
      const rights = (of: TestDatabase) =>
        of.rows("SELECT * FROM ruvector_healing_rights() ORDER BY routine, level");
      await db.client.query(insert("before the dump"));
      await db.client.query("CALL ruvector_healing_tick()");
      await db.client.query(
        `BEGIN ISOLATION LEVEL SERIALIZABLE; ${insert("not chained in the dump")}; COMMIT`,
      );
      const before = await verifyAudit(db);
      const secret = await db.value<string>(
        "SELECT encode(secret, 'hex') FROM ruvector.healing_audit_secret",
      );
      const dump = await own("pg_dump", ["-d", db.name]);
      expect(dump).toContain("before the dump");
      expect(dump).not.toContain(secret);
      await inDatabase("restored", async (restored) => {
        // pg_dump writes for psql: COPY and its own commands.
        const file = join(await mkdtemp(join(tmpdir(), "ruvector-dump-")), "dump.sql");
        await writeFile(file, dump.replace(/^\\(un)?restrict .*$/gm, ""));
        await execa("psql", ["-qX", "-v", "ON_ERROR_STOP=1", "-d", restored.url, "-f", file]);
        await rm(file);
        expect(await verifyAudit(restored)).toMatchObject({
          intact: true,
          events: before.events,
          unchained: 1,
          head: before.head,
          signed_seq: before.signed_seq,
        });
        await restored.client.query("CALL ruvector_healing_tick()");
        const after = await verifyAudit(restored);
        expect(after).toMatchObject({ intact: true, unchained: 0 });
        expect(after.signed_seq).toBe(after.head.seq);
        expect(after.keys).toHaveLength(before.keys.length + 1);
        expect(await verifiedOutside(restored)).toBeNull();
        expect(
          await restored.value(
            `SELECT details ->> 'reason' FROM ruvector.healing_events WHERE kind = 'audit_key'
            ORDER BY id DESC LIMIT 1`,
          ),
        ).toContain("a restored dump has none");
        expect(
          await restored.value("SELECT encode(secret, 'hex') FROM ruvector.healing_audit_secret"),
        ).not.toBe(secret);
        // Who may what comes along: levels are grants, and grants are dumped.
        expect(await rights(restored)).toEqual(await rights(db));
        expect(JSON.stringify(await rights(restored))).toContain(operator);
        await restored.client.query(`SET ROLE ${operator}`);
        expect(
          await restored.value(
            "SELECT ruvector_healing_breaker_close('after the restore') ->> 'state'",
          ),
        ).toBe("closed");
        await restored.client.query("RESET ROLE");
      });
      await db.client.query(`DROP OWNED BY ${operator}; DROP ROLE ${operator}`);
    },
  );

  it("its data alone goes into a fresh installation, by what docs/install.md says", async () => {
    const page = await readFile(join(root, "docs/install.md"), "utf8");
    const [, truncate] = /psql -d new -c '(TRUNCATE [^']+)'/.exec(page)!;
    const [, flags] = /pg_dump (-a .*) -f data\.sql old/.exec(page)!;
    await db.client.query(insert("before the dump of its data"));
    await db.client.query("CALL ruvector_healing_tick()");
    const before = await verifyAudit(db);
    const counted = "SELECT * FROM ruvector.healing_counters ORDER BY 1, 2, 3";
    const data = await own("pg_dump", [...flags!.split(" "), "-n", "ruvector", "-d", db.name]);
    await inDatabase("data", async (fresh) => {
      const language = inject("language");
      await fresh.client.query(`CREATE EXTENSION ${language}; CREATE EXTENSION vector;
        ${await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")}`);
      const filled = await fresh.rows<{ name: string; rows: number }>(
        `SELECT c.oid::regclass::text AS name, (xpath('/row/n/text()', query_to_xml(format(
          'SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1]::text::int AS rows
          FROM pg_class c WHERE c.relnamespace = 'ruvector'::regnamespace AND c.relkind = 'r'
         ORDER BY 1`,
      );
      expect(filled.filter(({ rows }) => rows > 0).map(({ name }) => name)).toEqual(
        truncate!.replace("TRUNCATE ", "").split(", "),
      );
      const file = join(await mkdtemp(join(tmpdir(), "ruvector-dump-")), "data.sql");
      await writeFile(file, data.replace(/^\\(un)?restrict .*$/gm, ""));
      const restore = () =>
        execa("psql", ["-qX", "-1", "-v", "ON_ERROR_STOP=1", "-d", fresh.url, "-f", file]);
      await expect(restore()).rejects.toThrow(/duplicate key/);
      await fresh.client.query(truncate!);
      await restore();
      await rm(file);
      expect(await verifyAudit(fresh)).toMatchObject({ intact: true, head: before.head });
      expect(await fresh.rows(counted)).toEqual(await db.rows(counted));
      await fresh.client.query("CALL ruvector_healing_tick()");
      const after = await verifyAudit(fresh);
      expect(after).toMatchObject({ intact: true, unchained: 0 });
      expect(await fresh.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
    });
  });
});

it("takes over the events of an installation that had no hashes", async () => {
  await inDatabase("older", async (older) => {
    const { client } = older;
    await client.query(`
      CREATE EXTENSION ${inject("language")}; CREATE EXTENSION vector; CREATE SCHEMA ruvector;
      CREATE TABLE ruvector.healing_events (
        id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
          at timestamptz NOT NULL DEFAULT clock_timestamp(), collection_id integer, collection text,
          action_id bigint,
        kind text NOT NULL, message text NOT NULL, details jsonb NOT NULL DEFAULT '{}',
          actor text NOT NULL DEFAULT session_user);
      INSERT INTO ruvector.healing_events (kind, message, at)
        SELECT 'older', 'event ' || g, now() - g * interval '1 minute'
        FROM generate_series(1, 2500) g`);
    const script = await readFile(
      join(root, `dist/ruvector_healing.${inject("language")}.sql`),
      "utf8",
    );
    await client.query(`BEGIN; ${script}; COMMIT;`);
    expect(await verifyAudit(older)).toMatchObject({ intact: true, events: 0, unchained: 2500 });
    // Somebody's own commit chains a part; the tick does the rest.
    await client.query("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 3}')");
    expect(await verifyAudit(older)).toMatchObject({ intact: true, events: 1001, unchained: 1501 });
    await client.query("CALL ruvector_healing_tick()");
    expect(await verifyAudit(older)).toMatchObject({
      intact: true,
      events: 2503,
      unchained: 0,
      signed_seq: 2503,
    });
    expect(await verifiedOutside(older)).toBeNull();
    const [first, second] = await chainedEvents(older);
    expect(first!.text).toContain("2500 older events follow as they were found");
    expect(first!.text).toContain('"earlier_events": 2500');
    expect(second!.text).toContain("event 1");
  });
});
