/**
 * A partition that belongs to another role than its table: its code would run with the rights of
 * the table's owner.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, IN_ONE_GO } from "../../support/collection.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { type Attacker, attacker, ownedTable } from "./code.ts";

let db: TestDatabase;
let app: Attacker;
let eve: Attacker;
const register = (t: string) =>
  db.value<{ limitations: { strategy: string; reason: string; hint: string }[] }>(
    `SELECT ruvector_healing_register('${t}', '{"movable": true}')`,
  );
const message = (statement: string) => db.value<string>(`SELECT (${statement}) ->> 'message'`);

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, IN_ONE_GO);
  [app, eve] = [await attacker(db, "app"), await attacker(db, "eve")];
  await db.client.query(`GRANT USAGE, CREATE ON SCHEMA app TO ${eve.role}`);
  // What it needs to hand a table to eve, and what eve's code does with these rights.
  await app.as(
    "CREATE TABLE app.secret (word text); INSERT INTO app.secret VALUES ('xyzzy'); CREATE " +
      "TABLE app.stolen (word text, by name)",
  );
});
afterAll(async () => {
  for (const { role } of [app, eve])
    await db.client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
});

describe("a partition of another owner", () => {
  const STEAL = `CREATE FUNCTION eve.steal(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    PERFORM eve.note(); IF current_user <> '`;
  beforeAll(async () => {
    await eve.as(
      `${STEAL}${eve.role}' THEN INSERT INTO app.stolen SELECT word, current_user FROM ` +
        "app.secret; END IF; RETURN true; END $$",
    );
  });

  it(
    "is neither read nor moved with the rights of the table's owner, whatever hangs on it; the " +
      "reason says whose it is and what to type",
    async () => {
      const t = "app.shared";
      await ownedTable(app, t);
      await register(t);
      expect(
        await message(
          `ruvector_healing_execute('${t}', 'rebalance_partitions', '{"max_moves": 30}')`,
        ),
      ).toMatch(/30 rows|target/);
      await db.client.query(
        `ALTER TABLE ${t}_0 OWNER TO ${eve.role}; GRANT ALL ON ${t}_0 TO ${app.role}`,
      );
      await eve.as(
        `ALTER TABLE ${t}_0 ADD CHECK (eve.steal(payload)) NOT VALID; CREATE INDEX ON ${t}_0 ` +
          "((eve.text('x') || payload))",
      );
      await eve.ran();
      // Outside the loop: the table's owner inserts, and eve has what is theirs.
      await db.client.query(
        `BEGIN; SET ROLE ${app.role}; INSERT INTO ${t} VALUES (99999, 0, 'x', '[1,2,3]')`,
      );
      expect(await db.value("SELECT by FROM app.stolen LIMIT 1")).toBe(app.role);
      await db.client.query("ROLLBACK");
      expect(await eve.ran()).toBeGreaterThan(0);
      const said = [];
      for (const one of [
        `ruvector_healing_execute('${t}', 'rebalance_partitions')`,
        `ruvector_healing_execute('${t}', 'drain_hot_partition')`,
        `ruvector_healing_rollback('${t}')`,
        `ruvector_integrity_sample('${t}')`,
      ])
        said.push(await message(one));
      for (let tick = 0; tick < 2; tick++) await db.client.query("CALL ruvector_healing_tick()");
      expect(await eve.ran(), said.join("\n")).toBe(0);
      expect(await db.value("SELECT count(*)::int FROM app.stolen")).toBe(0);
      const { limitations } = await register(t);
      const about = limitations
        .filter(
          ({ strategy, reason }) =>
            strategy === "rebalance_partitions" && /not trusted/.test(reason),
        )
        .map(({ reason, hint }) => `${reason} ${hint}`)
        .join();
      expect(about).toContain(eve.role);
      const gaps = await db.value<{ what: string; why: string }[]>(
        "SELECT unmeasured FROM ruvector.integrity_samples ORDER BY id DESC LIMIT 1",
      );
      expect(gaps.find(({ what }) => what === "partition rows")?.why).toContain(eve.role);
      await db.client
        .query(
          `SELECT ruvector_healing_abort(id) FROM ruvector.healing_actions
          WHERE state IN ('planned', 'executing', 'rolling_back')`,
        )
        .catch(() => undefined);
      await db.client.query(
        `DELETE FROM ruvector.healing_actions; SELECT ruvector_healing_unregister('${t}');
        DROP TABLE ${t} CASCADE`,
      );
    },
  );

  it(
    "without any code on it is refused as well: its owner may add some at any time; what the " +
      "HINT says to type lets it go on",
    async () => {
      const t = "app.mixed";
      await ownedTable(app, t);
      await db.client.query(
        `ALTER TABLE ${t}_0 OWNER TO ${eve.role}; GRANT ALL ON ${t}_0 TO ${app.role}`,
      );
      const refused = (await register(t)).limitations.find(
        ({ reason, strategy }) => /not trusted/.test(reason) && strategy === "compact_indexes",
      )!;
      expect(refused.reason).toContain(`${t}_0`);
      await db.client.query(/(ALTER TABLE [^;]+;)/.exec(refused.hint)![1]!);
      expect(
        (await register(t)).limitations.filter(({ reason }) => /not trusted|belong/.test(reason)),
      ).toEqual([]);
      expect(await message(`ruvector_healing_execute('${t}', 'rebalance_partitions')`)).toMatch(
        /rows|target/,
      );
    },
  );

  it("of a superuser brings no code that nobody answers for: it is read, not moved", async () => {
    const t = "app.partly";
    await ownedTable(app, t);
    await db.client.query(
      `ALTER TABLE ${t}_0 OWNER TO CURRENT_USER; GRANT ALL ON ${t}_0 TO ${app.role}`,
    );
    const { limitations } = await register(t);
    expect(
      limitations.some(
        ({ strategy, reason }) =>
          strategy === "rebalance_partitions" && /belong to other roles/.test(reason),
      ),
    ).toBe(true);
    await db.client.query(`SELECT ruvector_integrity_sample('${t}')`);
    expect(
      await db.value(
        "SELECT metrics ->> 'rows_source' FROM ruvector.integrity_samples ORDER BY id DESC LIMIT 1",
      ),
    ).toBe("exact");
  });
});
