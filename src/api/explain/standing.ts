/** What stands in the way, and what would change that. */
import type { Preview } from "../../loop/preview.ts";
import type { RefusalRecord } from "../../store/refusals.ts";
import { flipSentence, flipTime } from "../../base/flip.ts";
import { lambdaText, printable, short } from "../../base/text.ts";
import type { CollectionFacts, OpenRefusal } from "../../store/explained.ts";
import { dateAndClock, duration, message } from "./layout.ts";

/**
 * What would let it pass; a time with how far off it is.
 * @param time null: it is none, or an older version kept the sentence alone
 */
function changes(sentence: string, time: number | null, now: number): string {
  const left = time !== null && time > now ? ` (in ${duration(time - now)})` : "";
  return `  would change with: ${message(sentence)}${left}`;
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
      changes(refusal.flips_at, refusal.flips_time, now),
      `  ${times(refusal, now)}`,
    ]);
}

const standing = (outlook: Preview | null): readonly RefusalRecord[] =>
  outlook ? [...outlook.refusals, ...(outlook.empty ? [outlook.empty] : [])] : [];

export function inTheWay(outlook: Preview, { refusals, now }: CollectionFacts): string[] {
  const { plan, strategy, approval_required } = outlook;
  const lines = standing(outlook).flatMap(({ reason, measured, flips, message: said }, place) => {
    const open = refusals.find((refusal) => refusal.reason === reason);
    return [
      `${place + 1}. ${reason}: ${message(said)}`,
      ...(measured === null ? [] : [`  measured: ${measuredText(measured)}`]),
      changes(flipSentence(flips), flipTime(flips), now),
      ...(open ? [`  ${times(open, now)}`] : []),
    ];
  });
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
