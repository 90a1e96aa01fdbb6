/**
 * Over random catalogues of owners, functions, constraints and partitions: no function of an
 * untrusted owner is ever called by a sample, an execute, an undo or a tick.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configure, IN_ONE_GO } from "../../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { type Attacker, attacker, ownedTable } from "./code.ts";

let db: TestDatabase;
const roles: Record<string, Attacker> = {};

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...IN_ONE_GO, learning_enabled: false });
  for (const name of ["eve", "bob", "sue"]) {
    roles[name] = await attacker(db, name);
    await db.client.query(`GRANT USAGE ON SCHEMA ${name} TO PUBLIC`);
  }
  // bob was given trust; sue's functions were handed to a superuser, her tables were not.
  await db.client.query(`SELECT ruvector_healing_trust('${roles["bob"]!.role}')`);
  const functions = await db.rows<{ f: string }>(
    "SELECT oid::regprocedure::text AS f FROM pg_proc WHERE pronamespace = 'sue'::regnamespace",
  );
  for (const { f } of functions) await db.client.query(`ALTER FUNCTION ${f} OWNER TO CURRENT_USER`);
});
afterAll(async () => {
  for (const { role } of Object.values(roles))
    await db.client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
});

/** On the table or one partition of it, by whose function. */
const HANGS: Readonly<Record<string, (s: string, on: string, n: number) => string>> = {
  check: (s, on) => `ALTER TABLE ${on} ADD CHECK (${s}.yes(payload)) NOT VALID`,
  constant: (s, on) => `ALTER TABLE ${on} ADD CHECK (${s}.text('x') = 'x' AND payload IS NOT NULL)`,
  index: (s, on) => `CREATE INDEX ON ${on} ((${s}.text('x') || payload))`,
  partial: (s, on) => `CREATE INDEX ON ${on} (id) WHERE ${s}.text(payload) <> 'y'`,
  vector: (s, on) =>
    `CREATE INDEX ON ${on} USING hnsw ((${s}.vector(embedding)::public.vector(3)) ` +
    "public.vector_l2_ops)",
  statistics: (s, on, n) =>
    `CREATE STATISTICS public.s_${n} ON (${s}.text('x') || payload), id FROM ${on}`,
  operator: (s, on) => `ALTER TABLE ${on} ADD CHECK (payload OPERATOR(${s}.~~~) 'x') NOT VALID`,
  trigger: (s, on, n) =>
    `CREATE TRIGGER t_${n} BEFORE INSERT OR UPDATE OR DELETE ON ${on} FOR EACH ROW EXECUTE ` +
    `FUNCTION ${s}.watch()`,
  statement: (s, on, n) =>
    `CREATE TRIGGER t_${n} AFTER UPDATE ON ${on} EXECUTE FUNCTION ${s}.watch()`,
  default: (s, on) => `ALTER TABLE ${on} ALTER payload SET DEFAULT ${s}.text('x')`,
  generated: (s, on, n) =>
    `ALTER TABLE ${on.replace(/_\d$/, "")} ADD g_${n} text GENERATED ALWAYS AS ` +
    `(${s}.text(payload)) STORED`,
};

const catalogue = fc.record({
  owner: fc.constantFrom("eve", "bob", "sue"),
  // Of a partition; null: the table's.
  other: fc.option(fc.constantFrom("eve", "bob"), { freq: 3, nil: null }),
  hangs: fc.array(
    fc.record({
      kind: fc.constantFrom(...Object.keys(HANGS)),
      by: fc.constantFrom("eve", "bob", "sue", "sue"),
      on: fc.constantFrom("", "_0", "_3"),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  /** Before the rows were moved, so that it is met forward, or only by the undo. */
  first: fc.boolean(),
});

it("never", async () => {
  let [made, trusted] = [0, 0];
  const ran = async (name: string): Promise<number> => roles[name]!.ran();
  await fc.assert(
    fc.asyncProperty(catalogue, async ({ owner, other, hangs, first }) => {
      const t = `public.p${++made}`;
      await ownedTable(roles[owner]!, t, { rows: [10, 10, 10, 90] });
      const hang = async (): Promise<void> => {
        for (const [place, { kind, by, on }] of hangs.entries())
          await db.client.query(HANGS[kind]!(by, `${t}${on}`, made * 10 + place));
        if (other !== null)
          await db.client.query(
            `ALTER TABLE ${t}_0 OWNER TO ${roles[other]!.role};
              GRANT ALL ON ${t}_0 TO ${roles[owner]!.role}`,
          );
      };
      if (first) await hang();
      const call = (statement: string): Promise<unknown> =>
        db.client.query(statement).catch((error: Error) => error.message);
      await call(`SELECT ruvector_healing_register('${t}', '{"movable": true}')`);
      if (!first) {
        await call(`SELECT ruvector_healing_execute('${t}', 'rebalance_partitions')`);
        await hang();
      }
      for (const name of Object.keys(roles)) await ran(name);
      for (const statement of [
        `SELECT ruvector_integrity_sample('${t}')`,
        `SELECT ruvector_healing_execute('${t}', 'rebalance_partitions')`,
        "CALL ruvector_healing_tick()",
        `SELECT ruvector_healing_rollback('${t}')`,
      ])
        await call(statement);
      const called = await ran("eve");
      trusted += (await ran("bob")) + (await ran("sue"));
      await db.client.query(
        `DELETE FROM ruvector.healing_actions WHERE collection = '${t}';
          SELECT ruvector_healing_unregister('${t}'); DROP TABLE ${t} CASCADE`,
      );
      expect(called).toBe(0);
    }),
    {
      // First, however few there is time for, a table of a trusted role with a function of its own.
      examples: [
        [{ owner: "bob", other: null, hangs: [{ kind: "check", by: "bob", on: "" }], first: true }],
      ],
      numRuns: 14,
      endOnFailure: true,
      interruptAfterTimeLimit: 40_000,
    },
  );
  // Those of trusted roles are: the count could be another than 0.
  expect(trusted).toBeGreaterThan(0);
});
