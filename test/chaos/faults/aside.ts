/** What stops one collection: the others must be served all the same, and it when that is over. */
import { pause } from "../../../src/workbench/load.ts";
import type { Random } from "../random.ts";
import { idOf, other, served } from "../served.ts";
import { BUSY, PLAIN } from "../tables.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

/**
 * Runs `body` (PL/pgSQL) whenever a sample of the table is kept, as code of the table would, for as
 * long as `work` takes; then waits until it is served again.
 */
async function whileSampled(
  world: World,
  table: string,
  body: string,
  work: () => Promise<void>,
): Promise<void> {
  await world.ask(`
    CREATE OR REPLACE FUNCTION chaos.stop_one() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.collection_id = ${idOf(table)} THEN ${body} END IF; RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER chaos_stop_one BEFORE
      INSERT ON ruvector.integrity_samples FOR EACH ROW EXECUTE FUNCTION chaos.stop_one()`);
  try {
    await work();
  } finally {
    // A tick may be in the middle of it: the function is what is taken away first, without a lock
    // on the table.
    await world.ask(
      `CREATE OR REPLACE FUNCTION chaos.stop_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RETURN NEW; END $$`,
    );
    await world.ask("DROP TRIGGER IF EXISTS chaos_stop_one ON ruvector.integrity_samples");
    await world.ask(`SELECT ruvector_healing_resume(collection => '${table}')`);
  }
}

/** A foreign key that waits for the commit, and fails there. */
export const deferredConstraint: Fault = {
  name: "a constraint that fails at commit",
  weight: 3,
  explains: { ticks: ["23503", "40P01", ...INTERRUPTED] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    await world.ask(`
      CREATE TABLE IF NOT EXISTS chaos.parent (id int PRIMARY KEY);
      CREATE TABLE IF NOT EXISTS chaos.child (id int
        REFERENCES chaos.parent DEFERRABLE INITIALLY DEFERRED)`);
    await whileSampled(world, table, "INSERT INTO chaos.child VALUES (1);", () =>
      served(world, other(table), 30, `ticks of ${table} failed at commit`),
    );
    return table;
  },
};

/**
 * It hangs until the other one has been served by another tick; the stored times grow older
 * meanwhile, so that it hangs for long.
 */
export const hungCollection: Fault = {
  name: "a collection hangs",
  weight: 3,
  explains: { ticks: ["40P01", "55P03", ...INTERRUPTED] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    // A sequence: what it says is seen whatever snapshot the one who hangs has.
    await world.ask(
      `CREATE SEQUENCE IF NOT EXISTS chaos.hanging; SELECT setval('chaos.hanging', 1, true);
        CREATE SEQUENCE IF NOT EXISTS chaos.hung`,
    );
    const hung = () =>
      world.value<string>(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text FROM chaos.hung",
      );
    const before = await hung();
    await whileSampled(
      world,
      table,
      "PERFORM nextval('chaos.hung'); WHILE (SELECT is_called FROM chaos.hanging) LOOP " +
        "PERFORM pg_sleep(0.05); END LOOP;",
      async () => {
        try {
          await world.until<string>(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text FROM chaos.hung",
            (now) => now !== before,
            20,
          );
          // The timer's tick hangs, and pg_cron's may be seconds away: another session's comes.
          const passerBy = await world.connect("chaos ticker");
          const again = async (): Promise<unknown> =>
            passerBy
              .query("CALL ruvector.healing_tick()")
              .then(() => pause(50))
              .then(again);
          void again().catch(() => undefined);
          await served(world, other(table), 60, `${table} hung`).finally(
            () => void passerBy.end().catch(() => undefined),
          );
        } finally {
          await world.ask("SELECT setval('chaos.hanging', 1, false)");
        }
      },
    );
    return `${table}, ${Number(await hung()) - Number(before)} times`;
  },
};

/** An error that ends the session that samples it, again and again. */
export const killsSession: Fault = {
  name: "a collection that ends its session",
  weight: 3,
  explains: { ticks: ["57P01", ...INTERRUPTED] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    // Asked for twice: PLJS takes the first for its own.
    await whileSampled(
      world,
      table,
      "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(0.05);",
      async () => {
        await served(world, other(table), 60, `sessions that served ${table} ended`);
      },
    );
    return table;
  },
};

/** Slow, or with 4 MB of text in its error: what is kept of it is cut. */
export const loudCollection: Fault = {
  name: "a collection that is slow, or loud",
  weight: 3,
  explains: { ticks: ["P0001"] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    const loud = choices.chance(0.6);
    const last = await world.value<string>(
      "SELECT coalesce(max(id), 0)::text FROM ruvector.healing_events",
    );
    await whileSampled(
      world,
      table,
      loud
        ? "RAISE EXCEPTION USING MESSAGE = repeat('m', 4000000), DETAIL = repeat('d', " +
            "4000000), HINT = repeat('h', 4000000);"
        : "PERFORM pg_sleep(0.7);",
      () => served(world, other(table), 60, `${table} was ${loud ? "loud" : "slow"}`),
    );
    const largest = await world.value<number>(
      `
      SELECT greatest((SELECT max(octet_length(to_jsonb(e)::text)) FROM ruvector.healing_events e
        WHERE id > $1::bigint),
                      (SELECT max(octet_length(to_jsonb(t)::text))
                        FROM ruvector.healing_turns t), (SELECT max(octet_length(to_jsonb(t)::text))
                        FROM ruvector.healing_ticks t))`,
      [last],
    );
    if (largest > 16_000) throw new Error(`${largest} bytes are kept of what ${table} raised`);
    return `${table}, ${loud ? "4 MB of text" : "0.7 s a sample"}`;
  },
};

/**
 * Renamed, with a view of its name over it: users go on, the loop must not take the view for the
 * table.
 */
export const replacedByView: Fault = {
  name: "a table replaced by a view",
  weight: 2,
  explains: { users: ["40P01", "42P01", "42809", "0A000", "XX000"], ticks: ["40P01", "42P01"] },
  inject: async (world: World, choices: Random) => {
    // What an action builds on the table belongs to other faults.
    const busy =
      "SELECT count(*)::int FROM ruvector.healing_actions WHERE collection_id = " +
      `${idOf(PLAIN.name)} AND state IN ('planned', 'executing', 'stabilizing', ` +
      "'rolling_back', 'awaiting_approval')";
    if ((await world.value<number>(busy)) > 0) return null;
    const change = async (statements: string): Promise<void> => {
      for (let attempt = 1; ; attempt++) {
        try {
          return void (await world.ask(
            `BEGIN; SET LOCAL lock_timeout = '300ms'; ${statements}; COMMIT`,
          ));
        } catch (error) {
          await world.ask("ROLLBACK");
          if (attempt === 100 || !/^(55P03|40P01)$/.test((error as { code?: string }).code ?? ""))
            throw error;
          await pause(50);
        }
      }
    };
    world.outside = true;
    await change(
      `ALTER TABLE ${PLAIN.name} RENAME TO plain_base; CREATE VIEW ${PLAIN.name} AS SELECT * ` +
        "FROM chaos.plain_base",
    );
    try {
      const verdict = await world.value<string>(
        `SELECT verdict || ': ' || sentence FROM ruvector_healing_verdict('${PLAIN.name}')`,
      );
      if (!verdict.startsWith("unknown: its table is gone, and a view has its name"))
        throw new Error(`a view in the place of ${PLAIN.name} reads "${verdict}"`);
      await world.whileTicks(choices.int(1, 2), 3);
    } finally {
      await change(`DROP VIEW ${PLAIN.name}; ALTER TABLE chaos.plain_base RENAME TO plain`);
    }
    return PLAIN.name;
  },
};
