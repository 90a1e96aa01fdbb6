/**
 * Guards: what stands between a problem and an action. Each is a small function over a plain
 * context that returns null (nothing against it) or a refusal with its reason, the value measured
 * and the value that would flip it. They run in the order of `GUARDS`; the first refusal decides.
 * All of them fail closed: a limit that is no number refuses.
 */
export { INEFFECTIVE_WINDOW_SECONDS } from "./ineffective.ts";
import { standbyServer } from "./standby.ts";
import { disabled } from "./disabled.ts";
import { ineffective } from "./ineffective.ts";
import { settling } from "./settling.ts";
import { activeAction, globalLimit } from "./active.ts";
import { approval } from "./approval.ts";
import { breaker } from "./breaker.ts";
import { mode } from "./mode.ts";
import { oscillation } from "./oscillation.ts";
import { attempts, cooldown } from "./cooldown.ts";
import { preflight } from "./preflight.ts";
import { blastRadius } from "./radius.ts";
import { healthy, unknownProblem } from "./healthy.ts";
import type { Guard, GuardContext, GuardMode, GuardVerdict, Held, Refusal } from "./types.ts";
import { maintenanceWindow } from "./window.ts";

export { ATTEMPT_WINDOW_SECONDS } from "./cooldown.ts";
export type * from "./types.ts";

const ALL: readonly GuardMode[] = ["automatic", "manual", "explicit"];
const UNASKED: readonly GuardMode[] = ["automatic", "manual"];

/** In the order in which they are asked. */
export const GUARDS: readonly Guard[] = [
  { name: "disabled", modes: UNASKED, check: disabled },
  { name: "mode", modes: UNASKED, check: mode },
  { name: "standby_server", modes: ALL, check: standbyServer },
  { name: "breaker", modes: UNASKED, check: breaker },
  { name: "maintenance_window", modes: UNASKED, check: maintenanceWindow },
  { name: "healthy", modes: UNASKED, check: healthy },
  { name: "settling", modes: ["automatic"], check: settling },
  { name: "unknown_problem", modes: UNASKED, check: unknownProblem },
  { name: "approval", modes: UNASKED, check: approval },
  { name: "active_action", modes: ALL, check: activeAction },
  { name: "global_limit", modes: UNASKED, check: globalLimit },
  { name: "cooldown", modes: UNASKED, check: cooldown },
  { name: "attempts", modes: UNASKED, check: attempts },
  { name: "ineffective", modes: UNASKED, check: ineffective },
  { name: "blast_radius", modes: UNASKED, check: blastRadius },
  { name: "oscillation", modes: UNASKED, check: oscillation },
  { name: "preflight", modes: ALL, check: preflight },
];

export const guardsFor = (mode: GuardMode, guards: readonly Guard[] = GUARDS): readonly Guard[] =>
  guards.filter((guard) => guard.modes.includes(mode));

/**
 * Asks the guards of the context's mode in order. Approval does not end the round: nobody should be
 * asked to approve what a later guard refuses anyway. Neither does a mode that only watches: it
 * foresees what would really have been done.
 */
export function judge(context: GuardContext, guards: readonly Guard[] = GUARDS): GuardVerdict {
  let approvalRequired: string | null = null;
  let held: Held | null = null;
  for (const guard of guardsFor(context.mode, guards)) {
    const result = guard.check(context);
    if (result === null) continue;
    if ("approval_required" in result) approvalRequired ??= result.approval_required;
    else if ("held" in result) held ??= result;
    else return { refusal: result, approval_required: null };
  }
  return { refusal: null, approval_required: approvalRequired, ...(held && { held }) };
}

export const firstRefusal = (
  context: GuardContext,
  guards: readonly Guard[] = GUARDS,
): Refusal | null => judge(context, guards).refusal;

/**
 * What every guard says against it, in order: not only the first, so that nobody clears one to find
 * the next.
 */
export const everyRefusal = (
  context: GuardContext,
  guards: readonly Guard[] = GUARDS,
): readonly Refusal[] =>
  guardsFor(context.mode, guards).flatMap((guard) => {
    const result = guard.check(context);
    return result !== null && "reason" in result ? [result] : [];
  });
