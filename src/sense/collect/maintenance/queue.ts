/**
 * How much maintenance waits. Pure. What runs holds nobody up by running - a backup of two hours,
 * sixteen vacuums at night - and whom it does hold up is counted in blocked seconds; what failed is
 * over.
 */
import { waitingSession } from "../../../classify/waiting.ts";
import type { CronJob } from "./jobs.ts";
import type { MaintenanceSession } from "./sessions.ts";
import type { TableBacklog } from "./vacuum.ts";

/**
 * Naptimes past the threshold from which a table counts as work that waits: the launcher has passed
 * it by that often.
 */
const WAITING_NAPTIMES = 5;

export const queueDepth = (
  jobs: readonly CronJob[],
  sessions: readonly MaintenanceSession[],
  backlog: readonly TableBacklog[],
): number =>
  jobs.filter(({ waits }) => waits).length +
  sessions.filter(waitingSession).length +
  backlog.filter(({ delay_naptimes }) => delay_naptimes >= WAITING_NAPTIMES).length;
