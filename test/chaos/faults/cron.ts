/** pg_cron stops: its job is switched off, taken out, or its launcher dies. No tick comes for a while, and then again by itself. */
import { pause } from "../../../src/cli/load.ts";
import type { Random } from "../random.ts";
import { SCHEDULE, type World } from "../world.ts";
import { type Fault, INTERRUPTED } from "./fault.ts";

/** Without our own timer, so that pg_cron alone has to bring the loop back. */
async function withoutTimer(world: World, choices: Random, stop: () => Promise<unknown>, again: () => Promise<unknown>): Promise<void> {
  await world.stopTicking();
  try {
    await stop();
    await pause(choices.int(500, 3000));
    await again();
    const before = await world.value<string>("SELECT ticks::text FROM ruvector.healing_ticks");
    const after = await world.until<string>("SELECT ticks::text FROM ruvector.healing_ticks", (ticks) => Number(ticks) > Number(before), 60);
    if (Number(after) <= Number(before)) throw new Error("pg_cron does not tick again");
  } finally {
    world.startTicking();
  }
}

const JOB = "SELECT jobid FROM cron.job WHERE jobname = 'ruvector_healing_tick'";

export const cronDeactivated: Fault = {
  name: "pg_cron's job switched off", weight: 2, explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    await withoutTimer(world, choices,
      () => world.ask(`SELECT cron.alter_job(jobid, active := false) FROM (${JOB}) j`), () => world.ask(`SELECT cron.alter_job(jobid, active := true) FROM (${JOB}) j`));
    return "for a while";
  },
};

export const cronUnscheduled: Fault = {
  name: "the loop unscheduled", weight: 2, explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    const raw = choices.chance(0.5);
    await withoutTimer(world, choices,
      () => world.ask(raw ? `SELECT cron.unschedule(jobid) FROM (${JOB}) j` : "SELECT ruvector_healing_unschedule()"), () => world.ask("SELECT ruvector_healing_schedule($1::interval)", [SCHEDULE]));
    return raw ? "by cron.unschedule" : "by ruvector_healing_unschedule";
  },
};

/** The postmaster starts it again. */
export const cronLauncherKilled: Fault = {
  name: "pg_cron's launcher terminated", weight: 2, explains: { ticks: ["57P01", "57014", ...INTERRUPTED] },
  inject: async (world, choices) => {
    const [one] = await world.ask<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_cron launcher'");
    if (!one) return null;
    await withoutTimer(world, choices, () => world.ask("SELECT pg_terminate_backend($1)", [one.pid]), () => pause(0));
    return `pid ${one.pid}`;
  },
};
