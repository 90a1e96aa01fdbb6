/** What stands in the way, and what would change that. */
import type { Preview } from "../../loop/preview.ts";
import { lambdaText, printable, short } from "../../base/text.ts";
import type { CollectionFacts, OpenRefusal } from "../../store/explained.ts";
import { dateAndClock, duration, message } from "./layout.ts";

/** What would let it pass; a time with how far off it is. */
function flips(at: string, now: number): string {
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(at)?.[0];
  const seconds = time === undefined ? NaN : Date.parse(time) / 1000 - now;
  return `${message(at)}${seconds > 0 ? ` (in ${duration(seconds)})` : ""}`;
}

function measuredText(measured: unknown): string {
  if (typeof measured === "number") return printable(short(measured), 200);
  if (typeof measured === "string") return printable(measured, 200);
  return printable(JSON.stringify(measured) ?? "nothing", 200);
}

const times = ({ count: n, first_at, last_at }: OpenRefusal, now: number): string =>
  `refused ${n === 1 ? "once" : `${n} times`} since ${dateAndClock(first_at)} UTC ` +
  `(${duration(now - first_at)}), last ${duration(now - last_at)} ago`;

/**
 * What was refused at the last decision and does not stand in the way any more, or is not known to.
 */
export function refused({ refusals, now }: CollectionFacts, outlook: Preview | null): string[] {
  return refusals
    .filter(({ reason }) => !standing(outlook).some((one) => one.reason === reason))
    .flatMap((refusal) => [
      `${refusal.reason} (${refusal.problem_class}): ${message(refusal.message)}`,
      ...(refusal.measured === null || refusal.measured === undefined
        ? []
        : [`  measured: ${measuredText(refusal.measured)}`]),
      `  would change with: ${flips(refusal.flips_at, now)}`,
      `  ${times(refusal, now)}`,
    ]);
}

interface Standing {
  readonly reason: string;
  readonly measured: unknown;
  readonly flips_at: string;
  readonly message: string;
}

const standing = (outlook: Preview | null): readonly Standing[] =>
  outlook ? [...outlook.refusals, ...(outlook.empty ? [outlook.empty] : [])] : [];

export function inTheWay(outlook: Preview, { refusals, now }: CollectionFacts): string[] {
  const { plan, strategy, approval_required } = outlook;
  const lines = standing(outlook).flatMap(
    ({ reason, measured, flips_at, message: said }, place) => {
      const open = refusals.find((refusal) => refusal.reason === reason);
      return [
        `${place + 1}. ${reason}: ${message(said)}`,
        ...(measured === null ? [] : [`  measured: ${measuredText(measured)}`]),
        `  would change with: ${flips(flips_at, now)}`,
        ...(open ? [`  ${times(open, now)}`] : []),
      ];
    },
  );
  if (approval_required)
    lines.push(`Then it would wait for approval: ${message(approval_required)}.`);
  if (plan)
    lines.push(
      `${lines.length > 0 ? "Behind that" : "Nothing. The next decision would be"}: ` +
        `${strategy ?? "an action"}, lambda foreseen ${lambdaText(plan.predicted_lambda)}, ` +
        `about ${duration(plan.estimated_duration_seconds)}.`,
    );
  return lines;
}
