/**
 * The audit trail: what it is, checked by node:crypto; and everything that may be done to it, found
 * and named.
 */
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { chainedEvents, type Verdict, verifiedOutside, verifyAudit } from "../support/audit.ts";
import { configure, ticks } from "../support/collection.ts";
import { raised, testDatabase } from "../support/database.ts";

const db = await testDatabase();

/** Texts that a careless canonical form would confuse. */
const AWKWARD = [
  "plain",
  'quotes " and \\ backslash',
  "comma, [null]",
  "line\nend\ttab",
  "caf\u00e9 \u{1f600} \u2028",
  "",
];

const write = (count: number) =>
  db.client.query(
    `INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind, message,
      details, at)
   SELECT nullif(g % 3, 0), CASE g % 4 WHEN 0 THEN NULL WHEN 1 THEN 'null'
     ELSE 'public.t' || g END, nullif(g % 5, 0), 'test_event', ($2::text[])[1 + g % 6],
          jsonb_build_object('b', g, 'a', jsonb_build_array(1.50, 1e20, null, true,
            ($2::text[])[1 + (g + 1) % 6])),
            '2026-01-01 00:00:00+00'::timestamptz + g * interval '1.000100 s'
     FROM generate_series(1, $1::int) g`,
    [count, AWKWARD],
  );

/** What a tamperer does, taken back afterwards. */
async function tampered(statement: string): Promise<Verdict> {
  await db.client.query("BEGIN");
  try {
    await db.client.query(statement);
    return await verifyAudit(db);
  } finally {
    await db.client.query("ROLLBACK");
  }
}

/** A chain made anew with the product's own functions, by somebody who knows them. */
const REHASH = `
  DO $$ DECLARE e ruvector.healing_events; n bigint := 0;
    h bytea := decode(repeat('00', 32), 'hex'); BEGIN
    FOR e IN SELECT * FROM ruvector.healing_events WHERE seq IS NOT NULL ORDER BY seq LOOP
      n := n + 1;
      h := ruvector.healing_audit_link(h, n, ruvector.healing_event_hash(e));
      UPDATE ruvector.healing_events SET seq = n, content_hash = ruvector.healing_event_hash(e),
        hash = h WHERE id = e.id;
    END LOOP;
    UPDATE ruvector.healing_audit_head SET seq = n, hash = h;
  END $$`;

const idAt = async (seq: number) =>
  Number(await db.value("SELECT id FROM ruvector.healing_events WHERE seq = $1", [seq]));

beforeAll(async () => {
  await configure(db, { max_attempts_per_hour: 3 });
  await write(12);
  await ticks(db, 1);
  await write(6);
  await ticks(db, 1);
});

describe("an untouched chain", () => {
  it("is intact and signed, by the product and by node:crypto", async () => {
    expect(await verifiedOutside(db)).toBeNull();
    const verdict = await verifyAudit(db);
    expect(verdict).toMatchObject({
      intact: true,
      broken: null,
      findings: [],
      first_seq: 1,
      unchained: 0,
      unchained_since: null,
      signatures: 2,
      signatures_checked: 2,
    });
    expect(verdict.events).toBe(verdict.last_seq);
    expect(verdict.signed_seq).toBe(verdict.last_seq);
    expect(verdict.message).toBe(
      `${verdict.events} events, seq 1 to ${verdict.events}, are intact; all are signed.`,
    );
    expect(verdict.keys).toMatchObject([{ held_by: "database", last_seq: null }]);
  });

  it("does not depend on the settings of a session", async () => {
    await db.client.query(
      `SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'; SET bytea_output = 'escape';
        SET extra_float_digits = -15; SET IntervalStyle = 'sql_standard'; SET search_path = ''`,
    );
    try {
      expect(await db.value("SELECT public.ruvector_healing_verify_audit() ->> 'intact'")).toBe(
        "true",
      );
      await db.client.query(
        "INSERT INTO ruvector.healing_events (kind, message, details) VALUES ('test_event', " +
          "'elsewhere', '{\"a\": 0.1}')",
      );
    } finally {
      await db.client.query("RESET ALL");
    }
    expect(await verifyAudit(db)).toMatchObject({ intact: true });
    expect(await verifiedOutside(db)).toBeNull();
  });

  it("is verified in part", async () => {
    expect(await db.value("SELECT ruvector_healing_verify_audit(3, 7)")).toMatchObject({
      intact: true,
      events: 5,
      first_seq: 3,
      last_seq: 7,
    });
    expect(
      await db.value("SELECT ruvector_healing_verify_audit(to_ := 4, signatures := 'none')"),
    ).toMatchObject({ intact: true, events: 4, signatures_checked: 0 });
    expect(await db.value("SELECT ruvector_healing_verify_audit(1000)")).toMatchObject({
      intact: true,
      events: 0,
    });
  });

  it("is not intact in a part whose events are gone, up to its end", async () => {
    for (const [gone, range, missing] of [
      ["true", "1", 1],
      ["seq >= 5", "3", 5],
      ["seq BETWEEN 5 AND 9", "5, 8", 5],
      ["seq BETWEEN 5 AND 9", "3, 8", 5],
    ] as const) {
      await db.client.query("BEGIN");
      try {
        await db.client.query(`DELETE FROM ruvector.healing_events WHERE ${gone}`);
        expect(
          await db.value(`SELECT ruvector_healing_verify_audit(${range}, signatures := 'none')`),
          `${gone}: ${range}`,
        ).toMatchObject({ intact: false, broken: { problem: "missing", seq: missing } });
      } finally {
        await db.client.query("ROLLBACK");
      }
    }
  });

  it.each([["0"], ["5, 4"], ["1, -1"], ["NULL, NULL, 'some'"], ["NULL, NULL, NULL"]])(
    "refuses the range %s",
    async (range) => {
      expect(
        await raised(db.client, `SELECT ruvector_healing_verify_audit(${range})`),
      ).toMatchObject({
        code: "RV001",
        hint: expect.stringContaining("ruvector_healing_verify_audit()"),
      });
    },
  );

  it("is not signed again by a tick without events", async () => {
    await ticks(db, 1);
    const before = await db.value("SELECT count(*)::int FROM ruvector.healing_audit_signatures");
    await ticks(db, 1);
    expect(await db.value("SELECT count(*)::int FROM ruvector.healing_audit_signatures")).toBe(
      before,
    );
  });
});

describe("found and named", () => {
  // Every column there is, so that one that is added later must be covered by the hash.
  it("an UPDATE of any column", async () => {
    const columns = await db.rows<{ name: string; type: string }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = 'ruvector.healing_events'::regclass AND attnum > 0 AND NOT attisdropped`,
    );
    const other: Record<string, string> = {
      bigint: "coalesce(NAME, 0) + 1000",
      integer: "coalesce(NAME, 0) + 1",
      text: "coalesce(NAME, '') || 'x'",
      jsonb: "NAME || '{\"x\": 1}'",
      "timestamp with time zone": "NAME + interval '1 microsecond'",
      bytea: "sha256(NAME)",
    };
    const id = await idAt(5);
    expect(columns.length).toBeGreaterThanOrEqual(12);
    for (const { name, type } of columns) {
      const verdict = await tampered(
        `UPDATE ruvector.healing_events SET ${name} = ` +
          `${other[type]!.replaceAll("NAME", name)} WHERE seq = 5`,
      );
      expect(verdict.broken, name).toMatchObject(
        name === "seq"
          ? { problem: "missing", seq: 5 }
          : { problem: "changed", seq: 5, event_id: name === "id" ? id + 1000 : id },
      );
    }
  });

  it("values alike as text: NULL and 'null', a moved comma, a changed scale", async () => {
    for (const change of [
      "collection = 'null' WHERE seq = (SELECT min(seq) FROM ruvector.healing_events WHERE " +
        "collection IS NULL AND kind = 'test_event')",
      "kind = kind || ', x', message = '' WHERE seq = 6",
      "details = replace(details::text, '1.50', '1.5')::jsonb WHERE seq = 6",
      "at = 'infinity' WHERE seq = 6",
    ]) {
      expect(
        (await tampered(`UPDATE ruvector.healing_events SET ${change}`)).broken,
        change,
      ).toMatchObject({ problem: "changed" });
    }
  });

  it("an UPDATE with the content's hash made anew", async () => {
    const verdict = await tampered(
      "UPDATE ruvector.healing_events e SET message = 'other' WHERE seq = 6; UPDATE " +
        "ruvector.healing_events e SET content_hash = ruvector.healing_event_hash(e) WHERE seq " +
        "= 6",
    );
    expect(verdict.broken).toMatchObject({ problem: "changed", seq: 6, event_id: await idAt(6) });
  });

  it("the same at the very end", async () => {
    const last = Number(await db.value("SELECT max(seq) FROM ruvector.healing_events"));
    for (const change of [
      "message = 'other'",
      "hash = sha256(hash)",
      "content_hash = sha256(content_hash)",
    ]) {
      expect(
        (await tampered(`UPDATE ruvector.healing_events SET ${change} WHERE seq = ${last}`)).broken,
        change,
      ).toMatchObject({ problem: "changed", seq: last });
    }
  });

  it("a DELETE in the middle, of one and of several", async () => {
    expect(
      (await tampered("DELETE FROM ruvector.healing_events WHERE seq = 4")).broken,
    ).toMatchObject({
      problem: "missing",
      seq: 4,
      event_id: null,
      message: expect.stringContaining("the event of seq 4 is missing"),
    });
    expect(
      (await tampered("DELETE FROM ruvector.healing_events WHERE seq BETWEEN 4 AND 6")).broken,
    ).toMatchObject({ problem: "missing", seq: 4, message: expect.stringContaining("seq 4 to 6") });
    expect(
      (await tampered("DELETE FROM ruvector.healing_events WHERE seq = 1")).broken,
    ).toMatchObject({ problem: "missing", seq: 1 });
  });

  it("a DELETE with the gap closed", async () => {
    const verdict = await tampered(
      "DELETE FROM ruvector.healing_events WHERE seq = 4; UPDATE ruvector.healing_events SET " +
        "seq = -seq WHERE seq > 4; UPDATE ruvector.healing_events SET seq = -seq - 1 WHERE seq " +
        "< 0",
    );
    expect(verdict.broken).toMatchObject({ problem: "out_of_order", seq: 4 });
  });

  it.each([
    [4, 5],
    [4, 9],
  ])("two events that change places: %i and %i", async (one, two) => {
    const verdict = await tampered(
      `UPDATE ruvector.healing_events SET seq = -seq WHERE seq IN (${one}, ${two}); UPDATE ` +
        `ruvector.healing_events SET seq = ${one + two} + seq WHERE seq < 0`,
    );
    expect(verdict.broken).toMatchObject({
      problem: "out_of_order",
      seq: one,
      event_id: await idAt(two),
    });
  });

  it("an event put into the middle with a hash of its own making", async () => {
    for (const hash of [
      "sha256('x')",
      "ruvector.healing_audit_link((SELECT hash FROM ruvector.healing_events WHERE seq = 4), " +
        "5, sha256('x'))",
    ]) {
      const verdict = await tampered(`
        UPDATE ruvector.healing_events SET seq = -seq WHERE seq > 4;
          UPDATE ruvector.healing_events SET seq = -seq + 1 WHERE seq < 0;
        INSERT INTO ruvector.healing_events (id, kind, message, seq, hash)
          VALUES (77777, 'forged', 'forged', 5, ${hash});
        UPDATE ruvector.healing_audit_head SET seq = seq + 1`);
      expect(verdict.broken, hash).toMatchObject({ problem: "inserted", seq: 5, event_id: 77777 });
    }
  });

  it("an event put behind the head", async () => {
    const verdict = await tampered(`
      INSERT INTO ruvector.healing_events (id, kind, message, seq)
        SELECT 88888, 'forged', 'forged', seq + 1 FROM ruvector.healing_audit_head;
      UPDATE ruvector.healing_events e SET hash = ruvector.healing_audit_link(h.hash, e.seq,
        e.content_hash) FROM ruvector.healing_audit_head h WHERE e.id = 88888`);
    expect(verdict.broken).toMatchObject({ problem: "inserted", event_id: 88888 });
  });

  it("the tail cut off: by the head, and with the head set back by the signature", async () => {
    const head = (await verifyAudit(db)).head.seq;
    const cut = `DELETE FROM ruvector.healing_events WHERE seq > ${head - 2}`;
    expect((await tampered(cut)).broken).toMatchObject({
      problem: "tail_truncated",
      seq: head - 1,
    });
    const verdict = await tampered(
      `${cut}; UPDATE ruvector.healing_audit_head h SET seq = e.seq, hash = e.hash FROM ` +
        `ruvector.healing_events e WHERE e.seq = ${head - 2}`,
    );
    expect(verdict.broken).toMatchObject({
      problem: "tail_truncated",
      seq: head - 1,
      message: expect.stringContaining("signed seq"),
    });
    expect((await tampered("TRUNCATE ruvector.healing_events")).broken).toMatchObject({
      problem: "tail_truncated",
      seq: 1,
    });
    expect(
      (await tampered("TRUNCATE ruvector.healing_events; DELETE FROM ruvector.healing_audit_head"))
        .broken,
    ).toMatchObject({ problem: "tail_truncated", seq: 1 });
  });

  it("a change with every hash after it made anew, by the signature", async () => {
    const verdict = await tampered(
      `UPDATE ruvector.healing_events SET message = 'other' WHERE seq = 4; ${REHASH}`,
    );
    expect(verdict.broken).toMatchObject({ problem: "rewritten" });
    expect(verdict.broken!.seq).toBeGreaterThanOrEqual(4);
    // REHASH itself changes nothing where nothing was changed.
    expect((await tampered(REHASH)).intact).toBe(true);
  });

  it("a replaced signature, head text, key", async () => {
    const seq = Number(await db.value("SELECT min(seq) FROM ruvector.healing_audit_signatures"));
    const change = async (set: string) =>
      (await tampered(`UPDATE ruvector.healing_audit_signatures SET ${set} WHERE seq = ${seq}`))
        .broken;
    expect(
      await change("signature = set_byte(signature, 7, get_byte(signature, 7) # 1)"),
    ).toMatchObject({ problem: "signature_wrong", seq });
    expect(await change("signature = '\\x00'")).toMatchObject({ problem: "signature_wrong", seq });
    expect(
      await change(
        "signature = (SELECT signature FROM ruvector.healing_audit_signatures ORDER BY seq " +
          "DESC LIMIT 1)",
      ),
    ).toMatchObject({ problem: "signature_wrong", seq });
    expect(await change("head = replace(head, 'Z', '1Z')")).toMatchObject({
      problem: "signature_wrong",
      seq,
    });
    expect(await change("head = 'caf\u00e9'")).toMatchObject({ problem: "signature_wrong", seq });
    expect(await change("key_id = 'nobody'")).toMatchObject({ problem: "key_unknown", seq });
    expect(
      (await tampered("UPDATE ruvector.healing_audit_keys SET public_key = sha256(public_key)"))
        .broken,
    ).toMatchObject({ problem: "key_unknown" });
    const other = sign(null, Buffer.from("x"), generateKeyPairSync("ed25519").privateKey).toString(
      "hex",
    );
    expect(await change(`signature = decode('${other}', 'hex')`)).toMatchObject({
      problem: "signature_wrong",
      seq,
    });
  });

  it("a made-up signature of a later place, which does not stop the signing", async () => {
    await db.client.query(
      `INSERT INTO ruvector.healing_audit_signatures SELECT 1000000, key_id, 'made up', signature
        FROM ruvector.healing_audit_signatures ORDER BY seq DESC LIMIT 1`,
    );
    await write(1);
    await ticks(db, 1);
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_audit_signatures WHERE seq = (SELECT seq
          FROM ruvector.healing_audit_head)`,
      ),
    ).toBe(1);
    expect((await verifyAudit(db)).findings.map(({ problem }) => problem)).toContain(
      "tail_truncated",
    );
    await db.client.query("DELETE FROM ruvector.healing_audit_signatures WHERE seq = 1000000");
    const after = await verifyAudit(db);
    expect(after).toMatchObject({ intact: true, signed_seq: after.head.seq });
  });

  it("an edited head or beginning", async () => {
    expect(
      (await tampered("UPDATE ruvector.healing_audit_head SET hash = sha256(hash)")).broken,
    ).toMatchObject({ problem: "head_changed" });
    const verdict = await tampered(`
      UPDATE ruvector.healing_audit_head h SET base_seq = e.seq, base_hash = e.hash
        FROM ruvector.healing_events e WHERE e.seq = 3; DELETE FROM ruvector.healing_events
        WHERE seq <= 3`);
    expect(verdict.broken).toMatchObject({ problem: "checkpoint_wrong", seq: 3 });
  });
});

it("a day without events leaves one that says the loop runs, once", async () => {
  const alive = () =>
    db.value("SELECT count(*)::int FROM ruvector.healing_events WHERE kind = 'audit_alive'");
  await db.client.query(
    "INSERT INTO ruvector.healing_events (kind, message) VALUES ('test_event', 'now')",
  );
  const before = await alive();
  await ticks(db, 1);
  expect(await alive()).toBe(before);
  await db.client.query("BEGIN");
  await db.client.query("SET LOCAL session_replication_role = replica");
  await db.client.query(
    "UPDATE ruvector.healing_events SET at = clock_timestamp() - interval '25 hours'",
  );
  await db.client.query("SELECT ruvector.healing_audit_tick()");
  await db.client.query("SELECT ruvector.healing_audit_tick()");
  expect(await alive()).toBe(Number(before) + 1);
  await db.client.query("ROLLBACK");
});

describe("every change", () => {
  const newest = () =>
    db.value(
      `SELECT jsonb_build_object('kind', kind, 'message', message) FROM ruvector.healing_events
        ORDER BY id DESC LIMIT 1`,
    );

  it("of a job's priority is an event", async () => {
    await db.client.query("SELECT ruvector_healing_job_priority('nightly', 'low')");
    expect(await newest()).toEqual({
      kind: "job_priority",
      message: "The priority of job nightly is low.",
    });
    await db.client.query("SELECT ruvector_healing_job_priority('nightly', NULL)");
    expect(await newest()).toEqual({
      kind: "job_priority",
      message: "The priority of job nightly is normal.",
    });
    const count = await db.value("SELECT count(*) FROM ruvector.healing_events");
    await db.client.query("SELECT ruvector_healing_job_priority('nightly', NULL)");
    expect(await db.value("SELECT count(*) FROM ruvector.healing_events")).toBe(count);
  });

  it("of what the breaker counts is an event, also while it is closed", async () => {
    await db.client.query("SELECT ruvector_healing_breaker_close('the disk was full')");
    expect(await newest()).toEqual({
      kind: "breaker_closed",
      message: expect.stringMatching(
        /^the circuit breaker, which was closed, begins to count anew, by \S+: the disk was full$/,
      ),
    });
  });
});

it.each(["REPEATABLE READ", "SERIALIZABLE"])(
  "a key is not rotated in a %s transaction; the hint, typed, lets it",
  async (isolation) => {
    const rotate = "SELECT ruvector_healing_audit_rotate_key()";
    await db.client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    const error = await raised(db.client, rotate);
    expect(error).toMatchObject({
      code: "RV043",
      message: "an audit key is rotated in a READ COMMITTED transaction only",
      detail: expect.stringContaining(`This one is ${isolation}: `),
    });
    for (const statement of error.hint!.match(/[A-Z][^;]*;/g)!) await db.client.query(statement);
    expect(await db.value(rotate)).toMatchObject({ held_by: "database" });
    await db.client.query("ROLLBACK");
  },
);

describe("an event that is not chained yet", () => {
  it("is counted, found when it was changed, chained by the next commit with events", async () => {
    await db.client.query(
      `BEGIN ISOLATION LEVEL SERIALIZABLE;
        INSERT INTO ruvector.healing_events (kind, message) VALUES ('test_event', 'serializable');
        COMMIT`,
    );
    expect(await verifyAudit(db)).toMatchObject({
      intact: true,
      unchained: 1,
      unchained_since: expect.any(String),
    });
    const verdict = await tampered(
      "UPDATE ruvector.healing_events SET message = 'other' WHERE seq IS NULL",
    );
    expect(verdict.broken).toMatchObject({
      problem: "changed",
      seq: null,
      message: expect.stringContaining("not in the chain yet"),
    });
    await write(1);
    expect(await verifyAudit(db)).toMatchObject({ intact: true, unchained: 0 });
    expect(await verifiedOutside(db)).toBeNull();
  });

  it("stays a change when it is chained after it was changed", async () => {
    const name = "audit_window";
    await db.client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ;
        INSERT INTO ruvector.healing_events (kind, message) VALUES ($$audit_window$$, 'before');
        COMMIT`,
    );
    await db.client.query("BEGIN");
    await db.client.query("UPDATE ruvector.healing_events SET message = 'after' WHERE kind = $1", [
      name,
    ]);
    await db.client.query("SELECT ruvector.healing_audit_chain()");
    expect((await verifyAudit(db)).broken).toMatchObject({
      problem: "changed",
      seq: expect.any(Number),
    });
    await db.client.query("ROLLBACK");
    await ticks(db, 1);
    expect(await verifyAudit(db)).toMatchObject({ intact: true, unchained: 0 });
  });

  it("is named in the message: nothing is proven of it", async () => {
    await db.client.query(
      `BEGIN ISOLATION LEVEL SERIALIZABLE;
        INSERT INTO ruvector.healing_events (kind, message) VALUES ('test_event', 'serializable');
        COMMIT`,
    );
    expect((await verifyAudit(db)).message).toMatch(
      /1 event is not in the chain yet, the oldest since \S+: nothing is proven of it\.$/,
    );
    await ticks(db, 1);
    expect((await verifyAudit(db)).message).toMatch(/are intact; all are signed\.$/);
  });

  it(
    "is chained by the tick of a role whose default isolation is another, and the session " +
      "keeps its own",
    async () => {
      for (const isolation of ["repeatable read", "serializable"]) {
        await db.client.query(`SET default_transaction_isolation = '${isolation}'`);
        try {
          await db.client.query(
            "INSERT INTO ruvector.healing_events (kind, message) VALUES ('test_event', $1)",
            [isolation],
          );
          expect(await verifyAudit(db)).toMatchObject({ unchained: 1 });
          await db.client.query("CALL ruvector_healing_tick()");
          expect(await verifyAudit(db)).toMatchObject({
            intact: true,
            unchained: 0,
            message: expect.stringMatching(/all are signed\.$/),
          });
          expect(await db.value("SELECT current_setting('default_transaction_isolation')")).toBe(
            isolation,
          );
        } finally {
          await db.client.query("RESET default_transaction_isolation");
        }
      }
    },
  );

  it("leaves no trace when its transaction is rolled back", async () => {
    const before = await verifyAudit(db);
    await db.client.query(
      `BEGIN; INSERT INTO ruvector.healing_events (kind, message)
        VALUES ('test_event', 'gone'); SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK`,
    );
    expect((await verifyAudit(db)).head).toEqual(before.head);
  });
});

describe("keys", () => {
  it("rotates: the event is signed by both, and everything still verifies", async () => {
    await ticks(db, 1);
    const rotated = await db.value<{
      key_id: string;
      public_key: string;
      held_by: string;
      from_seq: number;
      replaces: string;
    }>("SELECT ruvector_healing_audit_rotate_key()");
    expect(rotated).toMatchObject({ held_by: "database" });
    const signers = await db.rows<{ key_id: string }>(
      "SELECT key_id FROM ruvector.healing_audit_signatures WHERE seq = $1 ORDER BY signed_at",
      [rotated.from_seq],
    );
    expect(signers.map(({ key_id }) => key_id)).toEqual([rotated.replaces, rotated.key_id]);
    await write(2);
    await ticks(db, 1);
    const verdict = await verifyAudit(db);
    expect(verdict).toMatchObject({ intact: true });
    expect(verdict.signed_seq).toBe(verdict.head.seq);
    expect(verdict.keys.at(-2)).toMatchObject({
      key_id: rotated.replaces,
      last_seq: rotated.from_seq,
    });
    expect(verdict.keys.at(-1)).toMatchObject({
      key_id: rotated.key_id,
      public_key: rotated.public_key,
      last_seq: null,
    });
    expect(await verifiedOutside(db)).toBeNull();
    // The old key signs no more.
    expect(
      (
        await tampered(
          `UPDATE ruvector.healing_audit_signatures SET key_id = '${rotated.replaces}' WHERE ` +
            `key_id = '${rotated.key_id}'AND seq > ${rotated.from_seq}`,
        )
      ).broken,
    ).toMatchObject({ problem: "signature_wrong" });
  });

  it("makes a new one when the private key is not here, as after a restored dump", async () => {
    await db.client.query("REFRESH MATERIALIZED VIEW ruvector.healing_audit_secret WITH NO DATA");
    await write(1);
    await ticks(db, 1);
    const event = await db.value<{ signed_by_old: boolean; reason: string }>(
      `SELECT details FROM ruvector.healing_events WHERE kind = 'audit_key'
        ORDER BY id DESC LIMIT 1`,
    );
    expect(event).toMatchObject({
      signed_by_old: false,
      reason: expect.stringContaining("not in this database"),
    });
    expect(await verifyAudit(db)).toMatchObject({ intact: true });
    expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
  });

  it("is readable by the owner alone", async () => {
    expect(
      await db.value(
        `SELECT relacl IS NULL OR NOT EXISTS (SELECT FROM aclexplode(relacl) a
          WHERE a.grantee <> relowner) FROM pg_class
          WHERE oid = 'ruvector.healing_audit_secret'::regclass`,
      ),
    ).toBe(true);
  });

  it("gives no two installations the same key", async () => {
    const secrets = new Set<string>();
    for (let time = 0; time < 5; time++) {
      await db.client.query("REFRESH MATERIALIZED VIEW ruvector.healing_audit_secret");
      secrets.add(
        await db.value("SELECT encode(secret, 'hex') FROM ruvector.healing_audit_secret"),
      );
    }
    expect(secrets.size).toBe(5);
    expect([...secrets].every((secret) => secret.length === 64)).toBe(true);
  });
});

describe("an external key", () => {
  const keys = generateKeyPairSync("ed25519");
  const pem = keys.publicKey.export({ format: "pem", type: "spki" }) as string;
  const signed = (head: string, key = keys.privateKey) => sign(null, Buffer.from(head), key);
  const head = () =>
    db.value<{
      due: boolean;
      head: string;
      seq: number;
      hash: string;
      key_id: string;
      held_by: string;
      signed_seq: number | null;
    }>("SELECT ruvector_healing_audit_head()");
  let keyId = "";

  it("is registered, and the database holds no private key any more", async () => {
    const answer = await db.value<{ key_id: string; public_key: string }>(
      "SELECT ruvector_healing_audit_rotate_key($1)",
      [pem],
    );
    expect(answer).toMatchObject({
      held_by: "external",
      public_key: (keys.publicKey.export({ format: "der", type: "spki" }) as Buffer)
        .subarray(12)
        .toString("hex"),
    });
    keyId = answer.key_id;
    expect(
      await db.value(
        "SELECT relispopulated FROM pg_class WHERE oid = 'ruvector.healing_audit_secret'::regclass",
      ),
    ).toBe(false);
    await write(1);
    await ticks(db, 1);
    // The tick leaves the head to the signer.
    expect(await head()).toMatchObject({
      due: true,
      key_id: keyId,
      held_by: "external",
      signed_seq: null,
    });
    expect(await verifyAudit(db)).toMatchObject({ intact: true });
    expect(
      await raised(db.client, "SELECT ruvector_healing_audit_rotate_key($1)", [pem]),
    ).toMatchObject({ code: "RV041" });
  });

  it("signs: in hex or base64, twice without harm; the chain may have grown since", async () => {
    const one = await head();
    await write(1);
    expect(
      await db.value("SELECT ruvector_healing_audit_sign($1, $2, $3)", [
        one.head,
        keyId,
        signed(one.head).toString("hex"),
      ]),
    ).toEqual({ accepted: true, seq: one.seq, key_id: keyId });
    expect(
      await db.value("SELECT ruvector_healing_audit_sign($1, $2, $3)", [
        one.head,
        keyId,
        signed(one.head).toString("base64"),
      ]),
    ).toMatchObject({ accepted: true });
    expect(await head()).toMatchObject({ due: true, signed_seq: one.seq });
    const two = await head();
    await db.client.query("SELECT ruvector_healing_audit_sign($1, $2, $3)", [
      two.head,
      keyId,
      signed(two.head).toString("base64"),
    ]);
    expect(await head()).toMatchObject({ due: false, signed_seq: two.seq });
    expect(await verifiedOutside(db)).toBeNull();
    expect(await verifyAudit(db)).toMatchObject({ intact: true, signed_seq: two.seq });
  });

  it("folds the links to see that a head extends the one before", async () => {
    const [first, ...rest] = await db.rows<{ seq: string; content_hash: string; hash: string }>(
      "SELECT * FROM ruvector_healing_audit_links(0)",
    );
    const { createHash } = await import("node:crypto");
    let hash = first!.hash;
    for (const link of rest)
      hash = createHash("sha256").update(`${hash} ${link.seq} ${link.content_hash}`).digest("hex");
    expect(hash).toBe((await head()).hash);
    expect(await db.rows("SELECT * FROM ruvector_healing_audit_links(5, 2)")).toHaveLength(2);
  });

  it("is refused what it did not sign, and others are refused", async () => {
    await write(1);
    const { head: text, seq, hash } = await head();
    const hex = signed(text).toString("hex");
    const refused = (...args: (string | null)[]) =>
      raised(db.client, "SELECT ruvector_healing_audit_sign($1, $2, $3)", args);
    const stranger = generateKeyPairSync("ed25519").privateKey;
    expect(await refused(text, keyId, signed(text, stranger).toString("hex"))).toMatchObject({
      code: "RV040",
      hint: expect.stringContaining("RFC 8032"),
    });
    expect(await refused(text, keyId, signed(`${text}\n`).toString("hex"))).toMatchObject({
      code: "RV040",
    });
    expect(await refused(text, keyId, "00".repeat(64))).toMatchObject({ code: "RV040" });
    expect(await refused(text, "0123456789abcdef", hex)).toMatchObject({
      code: "RV041",
      detail: expect.stringContaining("not registered"),
    });
    expect(await refused(text, null, hex)).toMatchObject({ code: "RV041" });
    const [database] = (await verifyAudit(db)).keys;
    expect(await refused(text, database!.key_id, hex)).toMatchObject({
      code: "RV041",
      detail: expect.stringContaining("held by the database"),
    });
    const forged = text.replace(hash, "ab".repeat(32));
    expect(await refused(forged, keyId, signed(forged).toString("hex"))).toMatchObject({
      code: "RV042",
      detail: expect.stringContaining(hash),
    });
    const later = text.replace(` ${seq} `, ` ${seq + 1} `);
    expect(await refused(later, keyId, signed(later).toString("hex"))).toMatchObject({
      code: "RV042",
    });
    const old = text.replace(/ \d{4}-.*$/, " 2020-01-01T00:00:00.000000Z");
    expect(await refused(old, keyId, signed(old).toString("hex"))).toMatchObject({
      code: "RV042",
      message: expect.stringContaining("last hour"),
    });
    const never = text.replace(/ \d{4}-.*$/, " 2020-13-41T00:00:00.000000Z");
    expect(await refused(never, keyId, signed(never).toString("hex"))).toMatchObject({
      code: "RV042",
    });
    expect(await refused("something else", keyId, hex)).toMatchObject({ code: "RV042" });
    expect(await refused(null, keyId, hex)).toMatchObject({ code: "RV042", detail: "Got NULL." });
    for (const bad of [null, "", "xyz", hex.slice(2), "A".repeat(500_000)])
      expect(await refused(text, keyId, bad)).toMatchObject({ code: "RV001" });
    expect(
      await raised(db.client, "SELECT ruvector_healing_audit_rotate_key('not a key')"),
    ).toMatchObject({ code: "RV001", hint: expect.stringContaining("openssl genpkey") });
    expect(
      await db.value(
        "SELECT max(seq)::int FROM ruvector.healing_audit_signatures WHERE key_id = $1",
        [keyId],
      ),
    ).toBeLessThan(seq);
  });

  it("gives signing back to the database, and may still sign the event that says so", async () => {
    const { from_seq } = await db.value<{ from_seq: number }>(
      "SELECT ruvector_healing_audit_rotate_key()",
    );
    const one = await head();
    expect(one).toMatchObject({ seq: from_seq, held_by: "database", due: false });
    await db.client.query("SELECT ruvector_healing_audit_sign($1, $2, $3)", [
      one.head,
      keyId,
      signed(one.head).toString("hex"),
    ]);
    await write(1);
    await ticks(db, 1);
    expect((await verifyAudit(db)).intact).toBe(true);
    const two = await head();
    expect(
      await raised(db.client, "SELECT ruvector_healing_audit_sign($1, $2, $3)", [
        two.head,
        keyId,
        signed(two.head).toString("hex"),
      ]),
    ).toMatchObject({ code: "RV041" });
  });
});

it("the curve is RFC 8032's: its first two test vectors, and node:crypto for others", async () => {
  const call = async (operation: string, input: object) =>
    JSON.parse(
      await db.value<string>(
        "SELECT ruvector.healing_ed25519(ruvector.healing_audit_bundle_hash(), $1, $2)",
        [operation, JSON.stringify(input)],
      ),
    ) as string;
  const vectors = [
    {
      secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      public_key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature:
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    },
    {
      secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      public_key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message: "r",
      signature:
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    },
  ];
  for (const { secret, public_key, message, signature } of vectors) {
    expect(await call("public_key", { secret })).toBe(public_key);
    expect(await call("sign", { secret, message })).toBe(signature);
    expect(
      await call("verify", [
        { public_key, message, signature },
        { public_key, message: `${message} `, signature },
      ]),
    ).toEqual([true, false]);
    const key = createPrivateKey({
      key: Buffer.from(`302e020100300506032b657004220420${secret}`, "hex"),
      format: "der",
      type: "pkcs8",
    });
    expect(await call("sign", { secret, message: "anything ~" })).toBe(
      sign(null, Buffer.from("anything ~"), key).toString("hex"),
    );
  }
});

describe("retention", () => {
  const clean = (keep: string) =>
    db.value<string>("SELECT ruvector.healing_audit_checkpoint($1::interval)", [keep]).then(Number);
  const later = () => new Promise((resolve) => setTimeout(resolve, 1100));

  it(
    "removes up to a signed place; what remains verifies from there, and the removal is an " +
      "event",
    async () => {
      await ticks(db, 1);
      const signed = (await verifyAudit(db)).signed_seq!;
      // Written after the last signature: old enough, but nothing vouches for it.
      await db.client.query(
        `INSERT INTO ruvector.healing_events (kind, message)
        VALUES ('test_event', 'a'), ('test_event', 'b')`,
      );
      await later();
      const removed = await clean("1 second");
      expect(removed).toBe(signed);
      const verdict = await verifyAudit(db);
      expect(verdict).toMatchObject({
        intact: true,
        first_seq: signed + 1,
        events: 3,
        checkpoint: { seq: signed },
      });
      expect(
        await db.value(
          "SELECT details FROM ruvector.healing_events WHERE kind = 'audit_checkpoint'",
        ),
      ).toMatchObject({ seq: signed, removed, signed: true });
      expect(await verifiedOutside(db)).toBeNull();
      expect(await db.value("SELECT min(seq)::int FROM ruvector.healing_audit_signatures")).toBe(
        signed,
      );
      expect(await clean("1 hour")).toBe(0);
      expect(await db.value("SELECT ruvector_healing_verify_audit(1, 5)")).toMatchObject({
        intact: true,
        events: 0,
      });
    },
  );

  it("shows a beginning that was cut off beyond it, edited, or lost its signature", async () => {
    const first = (await verifyAudit(db)).first_seq!;
    expect(
      (await tampered(`DELETE FROM ruvector.healing_events WHERE seq = ${first}`)).broken,
    ).toMatchObject({ problem: "missing", seq: first });
    expect(
      (
        await tampered(
          "UPDATE ruvector.healing_audit_head h SET base_seq = e.seq, base_hash = e.hash " +
            `FROM ruvector.healing_events e WHERE e.seq = ${first}; DELETE FROM ` +
            `ruvector.healing_events WHERE seq = ${first}`,
        )
      ).broken,
    ).toMatchObject({ problem: "checkpoint_wrong", seq: first });
    expect(
      (await tampered(`DELETE FROM ruvector.healing_audit_signatures WHERE seq = ${first - 1}`))
        .broken,
    ).toMatchObject({ problem: "checkpoint_wrong", seq: first - 1 });
    expect(
      (
        await tampered(
          "UPDATE ruvector.healing_audit_signatures SET signature = decode(repeat('00', 64), " +
            "'hex') WHERE seq = (SELECT base_seq FROM ruvector.healing_audit_head)",
        )
      ).broken,
    ).toMatchObject({ problem: "signature_wrong" });
  });

  it("removes nothing that is broken, and says so once", async () => {
    await ticks(db, 1);
    await later();
    const first = (await verifyAudit(db)).first_seq!;
    await db.client.query("UPDATE ruvector.healing_events SET message = 'other' WHERE seq = $1", [
      first,
    ]);
    expect([await clean("1 second"), await clean("1 second")]).toEqual([0, 0]);
    const events = await db.rows<{ message: string; details: object }>(
      "SELECT message, details FROM ruvector.healing_events WHERE kind = 'audit_broken'",
    );
    expect(events).toMatchObject([
      {
        message: expect.stringContaining("was changed after it was written"),
        details: { broken: { seq: first, problem: "changed" } },
      },
    ]);
    expect((await verifyAudit(db)).broken).toMatchObject({ seq: first });
  });

  it("without signatures keeps events for twice as long", async () => {
    await db.client.query(
      `BEGIN; TRUNCATE ruvector.healing_events, ruvector.healing_audit_head,
        ruvector.healing_audit_signatures, ruvector.healing_audit_keys; COMMIT`,
    );
    await write(3);
    await later();
    expect(await clean("1 second")).toBe(0);
    await later();
    expect(await clean("1 second")).toBe(4);
    expect(
      await db.value("SELECT details FROM ruvector.healing_events WHERE kind = 'audit_checkpoint'"),
    ).toMatchObject({ seq: 4, signed: false });
    expect(await verifyAudit(db)).toMatchObject({ intact: true, events: 1 });
    await ticks(db, 1);
    expect(await verifyAudit(db)).toMatchObject({ intact: true });
  });
});

it("has the events in the order of their places in the answer of the database itself", async () => {
  const events = await chainedEvents(db);
  expect(events.map(({ seq }) => Number(seq))).toEqual(
    events.map((_, place) => Number(events[0]!.seq) + place),
  );
});

it("begins in a session whose triggers do not fire", async () => {
  const fresh = await testDatabase();
  await fresh.client.query(`
    TRUNCATE ruvector.healing_events, ruvector.healing_audit_head,
      ruvector.healing_audit_signatures;
    SET session_replication_role = replica`);
  await configure(fresh, { slice_seconds: 0.5 });
  await ticks(fresh, 1);
  await fresh.client.query("RESET session_replication_role");
  expect(await fresh.value("SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
  expect(await verifyAudit(fresh)).toMatchObject({ intact: true, unchained: 0 });
});
