/** The audit chain after kill -9 of the server while it is written, and on a standby. */
import { describe, expect, it } from "vitest";
import { type Verdict, verifiedOutside, verifyAudit } from "../support/audit.ts";
import { cronServer, external } from "./support/cron.ts";
import {
  caughtUp,
  install,
  replicasPossible,
  serverWithReplicas,
  session,
  valueOf,
} from "./support/replicas.ts";

describe.skipIf(external)("after kill -9", async () => {
  if (external) return;
  const db = await cronServer({ suffix: "audit" });

  it("every event whose commit was confirmed is there, once; the chain goes on", async () => {
    await db.client.query("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 3}')");
    const confirmed: string[] = [];
    for (let round = 0; round < 5; round++) {
      const sessions = await Promise.all(Array.from({ length: 6 }, () => db.connect()));
      const going = [
        ...sessions.map(async (client, number) => {
          for (let turn = 0; ; turn++) {
            const name = `r${round} s${number} t${turn}`;
            await client.query(`BEGIN${turn % 4 === 3 ? " ISOLATION LEVEL SERIALIZABLE" : ""}`);
            await client.query(
              `INSERT INTO ruvector.healing_events (kind, message)
                SELECT 'test_event', $1 || ' e' || g FROM generate_series(1, 20) g`,
              [name],
            );
            await client.query(turn % 5 === 4 ? "ROLLBACK" : "COMMIT");
            if (turn % 5 !== 4) confirmed.push(name);
          }
        }),
        (async () => {
          const ticker = await db.connect();
          for (;;) await ticker.query("CALL ruvector_healing_tick()");
        })(),
      ].map((one) => one.catch(() => undefined));
      await new Promise((resolve) => setTimeout(resolve, 300 + 217 * round));
      await db.killAndRestart();
      await Promise.all(going);
      expect(await verifyAudit(db), `round ${round}`).toMatchObject({ intact: true, broken: null });
      expect(await verifiedOutside(db)).toBeNull();
    }
    // A tick chains 10,000 events at most, and a quiet machine writes more than that between two of
    // them.
    const left = (await verifyAudit(db)).unchained;
    for (let tick = 0; tick < Math.max(1, Math.ceil(left / 10_000)); tick++)
      await db.client.query("CALL ruvector_healing_tick()");
    const verdict = await verifyAudit(db);
    expect(verdict).toMatchObject({ intact: true, unchained: 0 });
    expect(verdict.signed_seq).toBe(verdict.head.seq);
    expect(confirmed.length).toBeGreaterThan(5);
    const missing = await db.rows(
      `SELECT c FROM unnest($1::text[]) c WHERE (SELECT count(*) FROM ruvector.healing_events e
        WHERE e.message LIKE c || ' e%' AND e.seq IS NOT NULL) <> 20`,
      [confirmed],
    );
    expect(missing).toEqual([]);
  });
});

describe.skipIf(external || !(await replicasPossible()))("on a standby", () => {
  it("verifies, and refuses what writes with RV020", async () => {
    const server = await serverWithReplicas("audit-standby", 1);
    const primary = await session(server);
    await install(primary);
    await primary.query("SELECT ruvector_healing_configure('{\"max_attempts_per_hour\": 3}')");
    await primary.query("CALL ruvector_healing_tick()");
    const replica = server.replicas[0]!;
    await caughtUp(primary, replica.name);
    const standby = await session(replica);
    const verdict = await valueOf<Verdict>(standby, "SELECT ruvector_healing_verify_audit()");
    expect(verdict).toMatchObject({ intact: true, signatures_checked: 1 });
    expect(verdict.signed_seq).toBe(verdict.head.seq);
    expect(
      (await standby.query("SELECT ruvector_healing_audit_export()")).rows.length,
    ).toBeGreaterThan(4);
    for (const writing of [
      "SELECT ruvector_healing_audit_head()",
      "SELECT ruvector_healing_audit_rotate_key()",
      `SELECT ruvector_healing_audit_sign('', '', '${"00".repeat(64)}')`,
    ]) {
      await expect(standby.query(writing), writing).rejects.toMatchObject({ code: "RV020" });
    }
  });
});
