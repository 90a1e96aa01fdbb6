/** The server goes down: all of it at once, by one of its processes, or in good order. */
import { readdirSync, readFileSync } from "node:fs";
import { pause } from "../../../src/workbench/load.ts";
import { sendKill } from "../../../src/workbench/db/files.ts";
import { type Fault, INTERRUPTED, SERVER_GONE } from "./fault.ts";

const GONE = { users: SERVER_GONE, ticks: ["57P01", "57P02", ...INTERRUPTED], crash: true };

export const serverKilled: Fault = {
  name: "kill -9 of the server",
  weight: 2,
  explains: GONE,
  short: true,
  inject: async (world, choices) => {
    await pause(choices.int(0, 400));
    await world.server.kill9();
    await pause(choices.int(0, 300));
    await world.server.restart();
    return "postmaster and all its processes";
  },
};

/** As the kernel's out-of-memory killer does: the postmaster then ends all others and recovers. */
export const backendKilled: Fault = {
  name: "kill -9 of a backend",
  weight: 3,
  explains: GONE,
  inject: async (world, choices) => {
    await pause(choices.int(0, 300));
    const which = choices.pick(["%healing_tick()%", "%UPDATE%", "%"]);
    const [victim] = await world.ask<{ pid: number; what: string }>(
      `
      SELECT pid, left(query, 60) AS what FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND datname = current_database()
         AND pid <> pg_backend_pid() AND query LIKE $1
       ORDER BY state = 'active' DESC, pid LIMIT 1`,
      [which],
    );
    if (!victim) return null;
    // The pid is that of this machine, unless the server lives in a container: then it is not
    // killed.
    if (!runsHere(victim.pid)) return null;
    sendKill(victim.pid);
    // The control session notices with its next statement; it is one of those that are ended.
    await pause(200);
    await world.until<number>("SELECT 1", () => true, 60);
    return `the backend of: ${victim.what.replace(/\s+/g, " ")}`;
  },
};

const runsHere = (pid: number): boolean =>
  readdirSync("/proc").includes(String(pid)) &&
  readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("postgres");

export const serverRestarted: Fault = {
  name: "restart of the server",
  weight: 1,
  explains: GONE,
  inject: async (world, choices) => {
    const mode = choices.pick(["fast", "immediate"] as const);
    const deaf = world.language === "pljs" && mode === "fast";
    // PLJS 1.0.5 takes SIGTERM from every session that it has run in, also when it is idle: a fast
    // shutdown would wait for the timer's session, and for the one that people's calls come from,
    // for ever (docs/install.md).
    if (deaf) {
      await world.stopTicking();
      await world.newControl();
    }
    await world.server.stop(mode);
    await world.server.restart();
    if (deaf) world.startTicking();
    return mode;
  },
};

/** The script for new installations, run again: with the next version in it, it is the upgrade. */
export const upgraded: Fault = {
  name: "an upgrade",
  weight: 3,
  explains: {},
  short: true,
  inject: async (world, choices) => {
    await pause(choices.int(0, 400));
    await world.upgrade();
    return "the script run again";
  },
};
