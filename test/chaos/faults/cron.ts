/**
 * pg_cron stops: its job is switched off, taken out, or its launcher dies. No tick comes for a
 * while, and then again by itself.
 */
import { pause } from "../../../src/workbench/load.ts";
import type { Random } from "../random.ts";
import { execute } from "../actions.ts";
import { BUSY } from "../tables.ts";
import { SCHEDULE, SOON, USER_JOBS, type World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

/** Without our own timer, so that pg_cron alone has to bring the loop back. */
async function withoutTimer(
  world: World,
  choices: Random,
  stop: () => Promise<unknown>,
  again: () => Promise<unknown>,
): Promise<void> {
  await world.stopTicking();
  try {
    await stop();
    await pause(choices.int(100, 1000));
    await again();
    const before = await world.value<string>("SELECT ticks::text FROM ruvector.healing_ticks");
    const after = await world.until<string>(
      "SELECT ticks::text FROM ruvector.healing_ticks",
      (ticks) => Number(ticks) > Number(before),
      60,
    );
    if (Number(after) <= Number(before)) throw new Error("pg_cron does not tick again");
  } finally {
    world.startTicking();
    await world.ask("SELECT ruvector_healing_schedule($1::interval)", [SCHEDULE]);
  }
}

const JOB = "SELECT jobid FROM cron.job WHERE jobname = ruvector.healing_job_name('tick')";

export const cronDeactivated: Fault = {
  name: "pg_cron's job switched off",
  weight: 2,
  explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    await withoutTimer(
      world,
      choices,
      () => world.ask(`SELECT cron.alter_job(jobid, active := false) FROM (${JOB}) j`),
      () =>
        world.ask(
          `SELECT cron.alter_job(jobid, active := true, schedule := '${SOON}') FROM (${JOB}) j`,
        ),
    );
    return "for a while";
  },
};

export const cronUnscheduled: Fault = {
  name: "the loop unscheduled",
  weight: 2,
  explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    const raw = choices.chance(0.5);
    await withoutTimer(
      world,
      choices,
      () =>
        world.ask(
          raw
            ? `SELECT cron.unschedule(jobid) FROM (${JOB}) j`
            : "SELECT ruvector_healing_unschedule()",
        ),
      () => world.ask("SELECT ruvector_healing_schedule($1::interval)", [SOON]),
    );
    return raw ? "by cron.unschedule" : "by ruvector_healing_unschedule";
  },
};

/** Its name is somebody else's, and it still runs; then it is ours again. */
export const cronRenamed: Fault = {
  name: "the loop's job renamed",
  weight: 2,
  explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    const jobid = await world.value<string | undefined>(JOB);
    if (jobid === undefined) return null;
    await world.ask("UPDATE cron.job SET jobname = 'chaos_renamed' WHERE jobid = $1::bigint", [
      jobid,
    ]);
    if (choices.chance(0.5)) {
      // Scheduled again beside it: two jobs tick, one goes.
      await world.ask("SELECT ruvector_healing_schedule($1::interval)", [SCHEDULE]);
      await world.whileTicks(2, 10);
      await world.ask(
        "SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = 'chaos_renamed'",
      );
      const left = await world.value<string>(
        `SELECT string_agg(jobname, ', ' ORDER BY jobname) FROM cron.job
          WHERE jobname LIKE 'ruvector_healing_tick%' OR jobname = 'chaos_renamed'`,
      );
      if (left !== (await world.value<string>("SELECT ruvector.healing_job_name('tick')")))
        throw new Error(`the loop has these jobs now: ${left}`);
      return "and scheduled again";
    }
    await withoutTimer(
      world,
      choices,
      async () => undefined,
      () =>
        world.ask(
          `UPDATE cron.job SET jobname = ruvector.healing_job_name('tick'), schedule = '${SOON}'
            WHERE jobid = $1::bigint`,
          [jobid],
        ),
    );
    return "and back";
  },
};

/**
 * The user's job, which the loop may hold paused: renamed, or taken out and put in again by a
 * person.
 */
export const userJobChanged: Fault = {
  name: "a user's job renamed or deleted",
  weight: 3,
  explains: {},
  inject: async (world, choices) => {
    const name = choices.pick(Object.keys(USER_JOBS) as (keyof typeof USER_JOBS)[]);
    await execute(world, BUSY.name, "pause_maintenance", { jobs: [name] }).catch(
      (error: { code?: string }) => {
        if (!/^(RV0(07|08|09|11)|40001|55P03)$/.test(error.code ?? "")) throw error;
      },
    );
    const paused = await world.value<boolean>(
      "SELECT NOT active FROM cron.job WHERE jobname = $1",
      [name],
    );
    const said = `${name}, ${paused ? "paused" : "at work"}`;
    if (choices.chance(0.5)) {
      await world.ask("UPDATE cron.job SET jobname = 'somebodys_' || jobname WHERE jobname = $1", [
        name,
      ]);
      world.clock.pass(5);
      await world.whileTicks(choices.int(1, 3), 5);
      await world.ask("UPDATE cron.job SET jobname = $1 WHERE jobname = 'somebodys_' || $1", [
        name,
      ]);
      return `${said}, renamed`;
    }
    const [job] = await world.ask<{ command: string }>(
      "SELECT command FROM cron.job WHERE jobname = $1",
      [name],
    );
    await world.ask("SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = $1", [name]);
    world.clock.pass(5);
    await world.whileTicks(choices.int(1, 3), 5);
    await world.ask("SELECT cron.schedule($1, $2, $3)", [name, USER_JOBS[name], job!.command]);
    return `${said}, deleted`;
  },
};

/** The postmaster starts it again. */
export const cronLauncherKilled: Fault = {
  name: "pg_cron's launcher terminated",
  weight: 2,
  explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    const [one] = await world.ask<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher'",
    );
    if (!one) return null;
    await withoutTimer(
      world,
      choices,
      async () => {
        await world.ask(`SELECT cron.alter_job(jobid, schedule := '${SOON}') FROM (${JOB}) j`);
        await world.ask("SELECT pg_terminate_backend($1)", [one.pid]);
      },
      async () => undefined,
    );
    return `pid ${one.pid}`;
  },
};
