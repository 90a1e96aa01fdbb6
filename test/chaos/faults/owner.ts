/**
 * Code of a role that nobody trusts is hung on a table while the loop is at work, or a partition
 * becomes that role's: nothing of it may run in the loop.
 */
import type { Random } from "../random.ts";
import { BUSY, partitionOf } from "../tables.ts";
import { idOf, served } from "../served.ts";
import type { World } from "../world.ts";
import type { Fault } from "./fault.ts";
import { change } from "./schema.ts";

const EVE = "chaos_eve";

/**
 * Her functions count themselves, in sequences that no rollback takes back: "taken" where a session
 * runs a call of ours, "bites" anywhere else. A writer's INSERT asks for a route, and is a
 * writer's.
 */
const makeEve = (world: World): Promise<unknown> =>
  world.ask(`
  DO $$ BEGIN IF to_regrole('${EVE}') IS NULL THEN CREATE ROLE ${EVE}; END IF; END $$;
  CREATE SCHEMA IF NOT EXISTS eve AUTHORIZATION ${EVE}; GRANT USAGE ON SCHEMA eve TO PUBLIC;
  CREATE SEQUENCE IF NOT EXISTS eve.taken; CREATE SEQUENCE IF NOT EXISTS eve.bites;
    GRANT USAGE ON SEQUENCE eve.taken, eve.bites TO PUBLIC;
  CREATE OR REPLACE FUNCTION eve.note() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() ~* '(healing_|ruvector_)'
      AND current_setting('application_name') !~ '^chaos (writer|reader|DBA)' THEN
      PERFORM nextval('eve.taken');
    ELSE PERFORM nextval('eve.bites'); END IF;
    RETURN true; END $$;
  CREATE OR REPLACE FUNCTION eve.yes(v text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    RETURN eve.note(); END $$;
  CREATE OR REPLACE FUNCTION eve.text(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    PERFORM eve.note(); RETURN v; END $$;
  CREATE OR REPLACE FUNCTION eve.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM eve.note(); RETURN coalesce(NEW, OLD); END $$;
  ALTER FUNCTION eve.note() OWNER TO ${EVE}; ALTER FUNCTION eve.yes(text) OWNER TO ${EVE};
    ALTER FUNCTION eve.text(text) OWNER TO ${EVE}; ALTER FUNCTION eve.watch() OWNER TO ${EVE}`);

const counted = async (world: World, sequence: string): Promise<number> =>
  Number(
    await world.value<string>(
      `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text FROM eve.${sequence}`,
    ),
  );

interface Code {
  readonly attach: (table: string) => string;
  readonly detach: (table: string) => string;
}

const CODE: readonly Code[] = [
  {
    attach: (t) => `CREATE INDEX eve_index ON ${t} (eve.text(payload))`,
    detach: () => "DROP INDEX chaos.eve_index",
  },
  {
    attach: (t) => `ALTER TABLE ${t} ADD CONSTRAINT eve_check CHECK (eve.yes(payload)) NOT VALID`,
    detach: (t) => `ALTER TABLE ${t} DROP CONSTRAINT eve_check`,
  },
  {
    attach: (t) =>
      `ALTER TABLE ${t} ADD COLUMN eve_made text GENERATED ALWAYS AS (eve.text(payload)) STORED`,
    detach: (t) => `ALTER TABLE ${t} DROP COLUMN eve_made`,
  },
  {
    attach: (t) =>
      `CREATE TRIGGER eve_watch BEFORE INSERT OR UPDATE OR DELETE ON ${t} FOR EACH ROW ` +
      "EXECUTE FUNCTION eve.watch()",
    detach: (t) => `DROP TRIGGER eve_watch ON ${t}`,
  },
  {
    attach: (t) =>
      `CREATE CONSTRAINT TRIGGER eve_watch AFTER INSERT OR UPDATE OR DELETE ON ${t} ` +
      "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eve.watch()",
    detach: (t) => `DROP TRIGGER eve_watch ON ${t}`,
  },
];

/**
 * With her code on `table` the loop comes by, people ask for moves, an undo and a sample: none of
 * it runs, and the other collection is served.
 */
async function none(world: World, choices: Random, table: string): Promise<void> {
  const [taken, bites] = [await counted(world, "taken"), await counted(world, "bites")];
  // First that it bites at all. A throttle may hold the row back before it comes to her code.
  const key = table.startsWith(`${BUSY.name}_p`)
    ? Number(table.slice(`${BUSY.name}_p`.length))
    : choices.pick(BUSY.keys);
  for (let attempt = 1; attempt <= 50 && (await counted(world, "bites")) === bites; attempt++) {
    await world
      .ask(
        `BEGIN; INSERT INTO ${table} (id, partition_id, payload, embedding, sum)
          VALUES (-1, ${key}, 'bite', '[1,2,3,4,5,6,7,8]', ''); SET CONSTRAINTS ALL IMMEDIATE`,
      )
      .catch((error: { code?: string }) => {
        if (!/^(40P01|40001|RV012|55P03)$/.test(error.code ?? "")) throw error;
      });
    await world.ask("ROLLBACK");
  }
  if ((await counted(world, "bites")) === bites)
    throw new Error(`code of ${EVE} on ${table} does not run outside the loop either`);
  await world.value("SELECT ruvector_integrity_sample($1)", [BUSY.name]).catch(refused);
  for (const call of choices
    .shuffled([
      "ruvector_healing_execute($1, 'rebalance_partitions')",
      "ruvector_healing_rollback($1)",
      "ruvector_healing_trigger($1)",
    ])
    .slice(0, 2)) {
    await world.value(`SELECT ${call}`, [BUSY.name]).catch(refused);
  }
  await served(world, "chaos.plain", 60, `${table} carried code of ${EVE}`);
  const ran = (await counted(world, "taken")) - taken;
  if (ran > 0) throw new Error(`code of ${EVE} on ${table} ran ${ran} times in the loop`);
}

const refused = (error: { code?: string }): void => {
  if (!/^(RV0..|40001|55P03)$/.test(error.code ?? "")) throw error;
};

export const untrustedCode: Fault = {
  name: "code of an untrusted role attached",
  weight: 5,
  explains: { users: ["40P01", "XX000"], ticks: ["40P01", "RV034"] },
  inject: async (world, choices) => {
    await makeEve(world);
    const table = choices.pick([BUSY.name, BUSY.name, partitionOf(choices.pick(BUSY.keys))]);
    const { attach, detach } = choices.pick(CODE.slice(0, table === BUSY.name ? 5 : 2));
    const statement = attach(table);
    if ((await change(world, (client) => client.query(statement))) === null) return null;
    try {
      await none(world, choices, table);
    } finally {
      if ((await change(world, (client) => client.query(detach(table)), 400)) === null)
        throw new Error(`cannot be taken away again: ${statement}`);
    }
    return statement;
  },
};

/**
 * A partition becomes hers, with a CHECK of hers on it; nothing of it is read or moved, in or out.
 * Then it is the application's again.
 */
export const partitionOwner: Fault = {
  name: "a partition moved between owners",
  weight: 3,
  explains: { users: ["40P01", "XX000"], ticks: ["40P01", "RV034"] },
  inject: async (world, choices) => {
    await makeEve(world);
    const table = partitionOf(choices.pick(BUSY.keys));
    const own = await world.value<string>(
      "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = $1::regclass",
      [table],
    );
    const check = choices.chance(0.5);
    const done = await change(world, (client) =>
      client.query(
        `ALTER TABLE ${table} OWNER TO ${EVE};
          ${check ? CODE[1]!.attach(table) : CODE[0]!.attach(table)}`,
      ),
    );
    if (done === null) return null;
    try {
      await none(world, choices, table);
    } finally {
      const back = await change(
        world,
        (client) =>
          client.query(
            `${check ? CODE[1]!.detach(table) : CODE[0]!.detach(table)}; ALTER TABLE ` +
              `${table} OWNER TO ${own}`,
          ),
        400,
      );
      if (back === null) throw new Error(`${table} cannot be given back`);
    }
    return `${table}, with ${check ? "a CHECK" : "an index"} of its owner's`;
  },
};

/**
 * Somebody's DEFAULT partition and publication, made in the middle: rows are not moved past the
 * one, nor into the other.
 */
export const madeMeanwhile: Fault = {
  name: "a publication or a DEFAULT partition made meanwhile",
  weight: 3,
  explains: { users: ["40P01", "XX000"], ticks: ["40P01", "RV018"] },
  inject: async (world, choices) => {
    if (choices.chance(0.5)) {
      const made = `${BUSY.name}_default`;
      if (
        (await change(world, (client) =>
          client.query(`CREATE TABLE ${made} PARTITION OF ${BUSY.name} DEFAULT`),
        )) === null
      )
        return null;
      await world.value("SELECT ruvector_healing_trigger($1)", [BUSY.name]).catch(refused);
      await world.whileTicks(choices.int(1, 2), 3);
      const rows = await world.value<number>(`SELECT count(*)::int FROM ${made}`);
      if ((await change(world, (client) => client.query(`DROP TABLE ${made}`), 400)) === null)
        throw new Error(`${made} cannot be dropped`);
      if (rows > 0) throw new Error(`${rows} rows went into the DEFAULT partition`);
      return made;
    }
    const partition = partitionOf(choices.pick(BUSY.keys));
    const what = choices.pick([`TABLE ${BUSY.name}`, `TABLE ${partition}`, "ALL TABLES"]);
    await world.ask(`CREATE PUBLICATION chaos_published FOR ${what}`);
    try {
      // An action that it stopped puts back what it moved between partitions that nobody publishes.
      const back =
        what === `TABLE ${partition}`
          ? `CASE WHEN '${partition.split(".")[1]}' IN (s.details ->> 'from', s.details ->> 'to')
              THEN s.undone ELSE 0 END`
          : "s.undone";
      const moves = `SELECT coalesce(sum(s.rows + ${back}), 0)::text
        FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
                      WHERE s.kind = 'move_rows' AND a.collection_id = ${idOf(BUSY.name)}`;
      // A batch that had looked before is let end.
      await world.whileTicks(2, 10);
      const before = await world.value<string>(moves);
      await world
        .value("SELECT ruvector_healing_execute($1, 'rebalance_partitions')", [BUSY.name])
        .catch(refused);
      await world.whileTicks(1, 5);
      const after = await world.value<string>(moves);
      if (after !== before)
        throw new Error(
          `${Number(after) - Number(before)} rows were moved while a publication was there ` +
            `for ${what}`,
        );
    } finally {
      await world.ask("DROP PUBLICATION chaos_published");
    }
    return `publication for ${what}`;
  },
};
