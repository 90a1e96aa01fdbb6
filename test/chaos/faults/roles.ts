/**
 * Roles beside the loop: one who may only connect, an operator who forgets a transaction, one that
 * is renamed; and settings that sessions begin with.
 */
import type pg from "pg";
import type { Random } from "../random.ts";
import { served } from "../served.ts";
import { BUSY, PLAIN } from "../tables.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

/** A session that logs in as that role. */
async function session(world: World, role: string, level?: string): Promise<pg.Client> {
  await world.ask(
    `DO $$ BEGIN IF to_regrole('${role}') IS NULL THEN CREATE ROLE ${role} LOGIN; END IF; END $$`,
  );
  if (level !== undefined)
    await world.ask("SELECT ruvector.ruvector_healing_grant($1, $2)", [role, level]);
  return world.connect("chaos role", 60, role);
}

/**
 * Keys of older versions, and names of ours in public and among temporary objects: nobody waits,
 * nobody takes hers for ours.
 */
export const mayOnlyConnect: Fault = {
  name: "one who may only connect",
  weight: 3,
  explains: {},
  inject: async (world: World, choices: Random) => {
    const eve = await session(world, "chaos_guest");
    await world.ask("GRANT CREATE ON SCHEMA public TO chaos_guest");
    try {
      for (const key of choices.shuffled([0, -1, -2, -40, 1, 2]).slice(0, 4))
        await eve.query(
          "SELECT pg_advisory_lock(1381389896, $1), pg_advisory_lock(1381389897, $2)",
          [key, Math.abs(key)],
        );
      await eve.query(`
        CREATE SEQUENCE IF NOT EXISTS public.guest_calls;
          GRANT ALL ON SEQUENCE public.guest_calls TO PUBLIC;
        CREATE PROCEDURE public.ruvector_healing_tick(x int DEFAULT 1) LANGUAGE plpgsql AS $$ BEGIN
          PERFORM nextval('public.guest_calls'); END $$;
        CREATE FUNCTION public.ruvector_healing_metrics(extra_ int DEFAULT 1) RETURNS text
          LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.guest_calls'); RETURN ''; END $$;
        CREATE FUNCTION public.array_position(text[], text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
          PERFORM nextval('public.guest_calls'); RETURN 1; END $$;
        CREATE TABLE public.collections (x int);
          CREATE TEMP TABLE healing_locks (kind text, id int);
        SELECT pg_notify('ruvector_healing', 'x' || g) FROM generate_series(1, 1000) g`);
      await eve.query("BEGIN; SELECT count(*) FROM pg_class");
      // What makes a call by its name alone ambiguous.
      const shadowed = await world.ask("CALL public.ruvector_healing_tick()").then(
        () => "called",
        ({ code }: { code?: string }) => code,
      );
      if (shadowed !== "42725")
        throw new Error(`a shadowed call is not ambiguous, but ${shadowed}`);
      const table = choices.pick([BUSY.name, PLAIN.name]);
      await served(world, table, 60, "one who may only connect held advisory keys and names");
      await world.value("SELECT ruvector.ruvector_healing_metrics()");
      await world.value("SELECT ruvector.ruvector_healing_explain($1)", [table]);
      const calls = await world.value<boolean>("SELECT is_called FROM public.guest_calls");
      if (calls) throw new Error("a function of one who may only connect was called");
      return "advisory keys, names, notifications";
    } finally {
      await eve.end().catch(() => undefined);
      await world.ask("DROP OWNED BY chaos_guest CASCADE");
    }
  },
};

const CALLS = [
  "ruvector_healing_trigger('$')",
  "ruvector_healing_execute('$', 'rebalance_partitions')",
  "ruvector_healing_execute('$', 'throttle_ingestion')",
  "ruvector_healing_rollback('$')",
  "ruvector_integrity_sample('$')",
  "ruvector_healing_resume('rebalance_partitions')",
  "ruvector_healing_breaker_close('an operator')",
  "ruvector_healing_abort((SELECT max(action_id) FROM ruvector_healing_history() WHERE " +
    "collection = '$'))",
  "ruvector_healing_feedback((SELECT max(action_id) FROM ruvector_healing_history() WHERE " +
    "collection = '$'), 1, 'good')",
] as const;

/** Their own collection may wait for them, the other one may not. */
export const operatorsTransaction: Fault = {
  name: "an operator's open transaction",
  weight: 3,
  explains: { users: ["40P01"], ticks: ["40P01"] },
  inject: async (world: World, choices: Random) => {
    const [held, free] = choices.shuffled([BUSY.name, PLAIN.name]) as [string, string];
    const operator = await session(world, "chaos_operator", "operator");
    const call = choices.pick(CALLS).replaceAll("$", held);
    try {
      await operator.query("BEGIN");
      await operator.query(`SELECT ${call}`).catch((error: { code?: string; message: string }) => {
        if (!/^(RV0..|40001|40P01|55P03)$/.test(error.code ?? "")) throw error;
      });
      await served(world, free, 60, `an operator left ${call} open`);
      await operator.query(choices.pick(["COMMIT", "ROLLBACK"]));
      return call;
    } finally {
      await operator.end().catch(() => undefined);
    }
  },
};

/** Rights go with the role, whatever it is called now. */
export const roleRenamed: Fault = {
  name: "a role renamed",
  weight: 2,
  explains: {},
  inject: async (world: World, choices: Random) => {
    const level = choices.pick(["viewer", "operator"]);
    const before = await session(world, "chaos_before", level);
    await before.query("SELECT ruvector_healing_status()");
    await before.end();
    await world.ask("ALTER ROLE chaos_before RENAME TO chaos_after");
    try {
      const after = await world.connect("chaos role", 60, "chaos_after");
      try {
        await after
          .query(
            level === "operator"
              ? `SELECT ruvector_healing_trigger('${PLAIN.name}')`
              : "SELECT ruvector_healing_status()",
          )
          .catch((error: { code?: string }) => {
            if (!/^(RV0(07|08|09|11)|40001|55P03)$/.test(error.code ?? "")) throw error;
          });
      } finally {
        await after.end();
      }
      const shown = await world.value<string>(
        `SELECT array_to_string(granted_to, ',') FROM ruvector.ruvector_healing_rights()
          WHERE level = $1`,
        [level],
      );
      if (!shown.split(",").includes("chaos_after") || shown.includes("chaos_before"))
        throw new Error(`a renamed role's level ${level} is shown as held by ${shown}`);
      await served(world, choices.pick([BUSY.name, PLAIN.name]), 60, "a role was renamed");
      return `a ${level}`;
    } finally {
      await world.ask("SELECT ruvector.ruvector_healing_revoke('chaos_after')");
      await world.ask("DROP OWNED BY chaos_after; DROP ROLE chaos_after");
    }
  },
};

/** What somebody sets for all sessions, for reasons of their own. */
const HOSTILE: Readonly<Record<string, readonly string[]>> = {
  default_transaction_isolation: ["repeatable read", "serializable"],
  default_transaction_deferrable: ["on"],
  row_security: ["off"],
  search_path: ["", "chaos", "pg_temp, public"],
  datestyle: ["SQL, DMY", "German"],
  intervalstyle: ["sql_standard", "iso_8601"],
  timezone: ["Asia/Kathmandu", "America/St_Johns"],
  extra_float_digits: ["-15"],
  bytea_output: ["escape"],
  xmlbinary: ["hex"],
  standard_conforming_strings: ["off"],
  backslash_quote: ["off"],
  quote_all_identifiers: ["on"],
  transform_null_equals: ["on"],
  array_nulls: ["off"],
  lc_numeric: ["C"],
  work_mem: ["64kB"],
  jit: ["on"],
  jit_above_cost: ["0"],
  enable_seqscan: ["off"],
  enable_indexscan: ["off"],
  enable_hashjoin: ["off"],
  from_collapse_limit: ["1"],
  plan_cache_mode: ["force_generic_plan", "force_custom_plan"],
  "plpgsql.variable_conflict": ["use_variable", "use_column"],
  check_function_bodies: ["off"],
  client_min_messages: ["error"],
  synchronous_commit: ["off"],
  constraint_exclusion: ["off"],
  default_statistics_target: ["1"],
  session_replication_role: ["replica"],
  lock_timeout: ["50ms"],
  force_parallel_mode: ["on"],
  debug_parallel_query: ["on"],
  cursor_tuple_fraction: ["1"],
  temp_buffers: ["800kB"],
  gin_fuzzy_search_limit: ["1"],
  default_tablespace: ["pg_default"],
  default_toast_compression: ["pglz"],
  default_table_access_method: ["heap"],
};

/**
 * For the database or the role, in sessions that begin from then on: the loop's among them. They go
 * on as before, and chain what they write.
 */
export const hostileSettings: Fault = {
  name: "hostile settings of database or role",
  weight: 4,
  explains: { ticks: [...INTERRUPTED] },
  inject: async (world: World, choices: Random) => {
    const known = new Set(
      (await world.ask<{ name: string }>("SELECT name FROM pg_settings")).map(({ name }) =>
        name.toLowerCase(),
      ),
    );
    const chosen = choices
      .shuffled(Object.keys(HOSTILE).filter((name) => known.has(name)))
      .slice(0, choices.int(2, 6))
      .map((name) => [name, choices.pick(HOSTILE[name]!)] as const);
    if (choices.chance(0.5) && !chosen.some(([name]) => name === "default_transaction_isolation"))
      chosen.push(["default_transaction_isolation", "repeatable read"]);
    const whose = await world.value<string>(
      choices.chance(0.5)
        ? "SELECT format('DATABASE %I', current_database())"
        : "SELECT format('ROLE %I IN DATABASE %I', current_user, current_database())",
    );
    const fresh = async (): Promise<void> => {
      await world.stopTicking();
      await world.newControl();
      world.startTicking();
    };
    const list = (name: string, value: string): string =>
      name === "search_path" && value !== "" ? value : `'${value}'`;
    await world.ask(
      chosen.map(([name, value]) => `ALTER ${whose} SET ${name} = ${list(name, value)}`).join("; "),
    );
    try {
      await fresh();
      // Calls of people begin with these settings too.
      await world.value("SELECT public.ruvector_healing_status() IS NOT NULL");
      await world
        .value("SELECT public.ruvector_healing_trigger($1)", [BUSY.name])
        .catch((error: { code?: string }) => {
          if (!/^(RV0(07|08|09|11)|40001|55P03)$/.test(error.code ?? "")) throw error;
        });
      await served(world, BUSY.name, 60, `${whose} had ${chosen.map(String).join(" ")}`);
      await served(world, PLAIN.name, 60, `${whose} had ${chosen.map(String).join(" ")}`);
      const audit = await world.value<{ unchained: number; intact: boolean }>(
        "SELECT public.ruvector_healing_verify_audit()",
      );
      if (audit.unchained > 50 || !audit.intact)
        throw new Error(`the chain of events: ${JSON.stringify(audit).slice(0, 300)}`);
    } finally {
      await world.ask(chosen.map(([name]) => `ALTER ${whose} RESET ${name}`).join("; "));
      await fresh();
    }
    return `${whose.split(" ")[0]}: ${chosen.map(([name, value]) => `${name}=${value}`).join(" ")}`;
  },
};
