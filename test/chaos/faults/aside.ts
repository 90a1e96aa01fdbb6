/** What stops one collection: the others must be served all the same, and it when that is over. */
import { pause } from "../../../src/cli/load.ts";
import type { Random } from "../random.ts";
import { BUSY, PLAIN } from "../tables.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

const idOf = (table: string): string => `(SELECT c.collection_id FROM ruvector.collections c WHERE format('%I.%I', c.schema_name, c.table_name) = '${table}')`;

/** Runs `body` (PL/pgSQL) whenever a sample of the table is kept, as code of the table would, for as long as `work` takes; then waits until it is served again. */
async function whileSampled(world: World, table: string, body: string, work: () => Promise<void>): Promise<void> {
  await world.ask(`
    CREATE OR REPLACE FUNCTION chaos.stop_one() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.collection_id = ${idOf(table)} THEN ${body} END IF; RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER chaos_stop_one BEFORE INSERT ON ruvector.integrity_samples FOR EACH ROW EXECUTE FUNCTION chaos.stop_one()`);
  try {
    await work();
  } finally {
    // A tick may be in the middle of it: the function is what is taken away first, without a lock on the table.
    await world.ask("CREATE OR REPLACE FUNCTION chaos.stop_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$");
    await world.ask("DROP TRIGGER IF EXISTS chaos_stop_one ON ruvector.integrity_samples");
    await world.ask(`SELECT ruvector_healing_resume(collection => '${table}')`);
  }
}

/** The other collection is sampled again within so many seconds. */
async function served(world: World, table: string, seconds: number, what: string): Promise<void> {
  const statement = `SELECT s.sampled_at::text FROM ruvector.integrity_state s WHERE s.collection_id = ${idOf(table)}`;
  const before = await world.value<string | null>(statement);
  const now = await world.until<string | null>(statement, (at) => at !== before, seconds);
  if (now === before) throw new Error(`${table} was not served for ${seconds} s while ${what}`);
}

const other = (table: string): string => (table === BUSY.name ? PLAIN.name : BUSY.name);

/** A foreign key that waits for the commit, and fails there. */
export const deferredConstraint: Fault = {
  name: "a constraint that fails at commit", weight: 3, explains: { ticks: ["23503", "40P01", ...INTERRUPTED] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    await world.ask(`
      CREATE TABLE IF NOT EXISTS chaos.parent (id int PRIMARY KEY);
      CREATE TABLE IF NOT EXISTS chaos.child (id int REFERENCES chaos.parent DEFERRABLE INITIALLY DEFERRED)`);
    await whileSampled(world, table, "INSERT INTO chaos.child VALUES (1);", () => served(world, other(table), 30, `ticks of ${table} failed at commit`));
    return table;
  },
};

/** It hangs for a while: pg_cron's tick, or the timer's, stands still; another one comes. */
export const hungCollection: Fault = {
  name: "a collection hangs", weight: 2, explains: { ticks: ["40P01", "55P03", ...INTERRUPTED] },
  inject: async (world: World, choices: Random) => {
    const table = choices.pick([BUSY.name, PLAIN.name]);
    const seconds = choices.int(3, 8);
    await whileSampled(world, table, `PERFORM pg_sleep(${seconds});`, () => served(world, other(table), 60, `${table} hung for ${seconds} s at a time`));
    return `${table}, ${seconds} s`;
  },
};

/** Renamed, with a view of its name over it: users go on, the loop must not take the view for the table. */
export const replacedByView: Fault = {
  name: "a table replaced by a view", weight: 2, explains: { users: ["40P01", "42P01", "42809", "0A000", "XX000"], ticks: ["40P01", "42P01"] },
  inject: async (world: World, choices: Random) => {
    // What an action builds on the table belongs to other faults.
    const busy = `SELECT count(*)::int FROM ruvector.healing_actions WHERE collection_id = ${idOf(PLAIN.name)} AND state IN ('planned', 'executing', 'stabilizing', 'rolling_back', 'awaiting_approval')`;
    if ((await world.value<number>(busy)) > 0) return null;
    const change = async (statements: string): Promise<void> => {
      for (let attempt = 1; ; attempt++) {
        try {
          return void (await world.ask(`BEGIN; SET LOCAL lock_timeout = '300ms'; ${statements}; COMMIT`));
        } catch (error) {
          await world.ask("ROLLBACK");
          if (attempt === 100 || !/^(55P03|40P01)$/.test((error as { code?: string }).code ?? "")) throw error;
          await pause(50);
        }
      }
    };
    world.outside = true;
    await change(`ALTER TABLE ${PLAIN.name} RENAME TO plain_base; CREATE VIEW ${PLAIN.name} AS SELECT * FROM chaos.plain_base`);
    try {
      const verdict = await world.value<string>(`SELECT verdict || ': ' || sentence FROM ruvector_healing_verdict('${PLAIN.name}')`);
      if (!verdict.startsWith("unknown: its table is gone, and a view has its name")) throw new Error(`a view in the place of ${PLAIN.name} reads "${verdict}"`);
      await pause(choices.int(500, 3000));
    } finally {
      await change(`DROP VIEW ${PLAIN.name}; ALTER TABLE chaos.plain_base RENAME TO plain`);
    }
    return PLAIN.name;
  },
};
