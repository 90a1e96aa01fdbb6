/** Every fault there is. A new one is an object in the file of its family and a line here. */
import {
  deferredConstraint,
  hungCollection,
  killsSession,
  loudCollection,
  replacedByView,
} from "./aside.ts";
import { clockBack, clockForward, clockJitter } from "./clock.ts";
import { distributed, foreignServer, hugeDocuments, tableDropped } from "./collections.ts";
import { configurationChanged, healingOff } from "./configuration.ts";
import {
  cronDeactivated,
  cronLauncherKilled,
  cronRenamed,
  cronUnscheduled,
  userJobChanged,
} from "./cron.ts";
import { diskFull } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { exclusiveLocks, rowLocks, stateLocks } from "./locks.ts";
import { madeMeanwhile, partitionOwner, untrustedCode } from "./owner.ts";
import { replicaKilled, replicaStopped } from "./replica.ts";
import { hostileSettings, mayOnlyConnect, operatorsTransaction, roleRenamed } from "./roles.ts";
import {
  columnAdded,
  indexDropped,
  partitionDetached,
  partitionDropped,
  partitionInvalidIndex,
  plainIndexDropped,
} from "./schema.ts";
import { backendKilled, serverKilled, serverRestarted, upgraded } from "./server.ts";
import {
  fiftySessions,
  jobsCancelled,
  jobsTerminated,
  longSnapshot,
  ticksCancelled,
  ticksTerminated,
  usersTerminated,
} from "./sessions.ts";
import { engineMemory, slowStatement, strategyThrows } from "./strategies.ts";

export const FAULTS: readonly Fault[] = [
  serverKilled,
  backendKilled,
  serverRestarted,
  upgraded,
  ticksTerminated,
  ticksCancelled,
  jobsTerminated,
  jobsCancelled,
  usersTerminated,
  fiftySessions,
  longSnapshot,
  exclusiveLocks,
  rowLocks,
  stateLocks,
  partitionDetached,
  partitionDropped,
  partitionInvalidIndex,
  columnAdded,
  indexDropped,
  plainIndexDropped,
  cronDeactivated,
  cronUnscheduled,
  cronLauncherKilled,
  cronRenamed,
  userJobChanged,
  clockForward,
  clockBack,
  clockJitter,
  diskFull,
  replicaStopped,
  replicaKilled,
  configurationChanged,
  healingOff,
  strategyThrows,
  slowStatement,
  engineMemory,
  deferredConstraint,
  hungCollection,
  killsSession,
  loudCollection,
  replacedByView,
  foreignServer,
  tableDropped,
  distributed,
  hugeDocuments,
  untrustedCode,
  partitionOwner,
  madeMeanwhile,
  mayOnlyConnect,
  operatorsTransaction,
  roleRenamed,
  hostileSettings,
];
