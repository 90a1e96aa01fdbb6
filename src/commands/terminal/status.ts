import pc from "../colours.ts";
import { stateLine, tickError } from "../status-data/headline.ts";
import { readOverview } from "../status-data/overview.ts";
import type { Overview, RecommendationSeen } from "../status-data/documents.ts";
import { PAINT } from "../paint.ts";
import { EXIT } from "../exit.ts";
import { asking, type Common } from "./session.ts";
import {
  ago,
  lambda,
  name,
  sign,
  sparkline,
  squeezed,
  table,
  toneOf,
  verdictWord,
} from "./draw.ts";

/** What a script wants to know: whether somebody has to look. */
export function exitCode({ loop, collections }: Overview): number {
  if (loop.stands_still) return EXIT.stopped;
  if (
    collections.some(({ verdict }) =>
      ["critical", "stress", "suspect", "healing"].includes(verdict),
    )
  )
    return EXIT.attention;
  return collections.some(({ verdict }) => verdict === "unknown") ? EXIT.unknown : EXIT.well;
}

export const showStatus = (flags: Common): Promise<void> =>
  asking(flags, async (query) => {
    const overview = await readOverview(query);
    console.log(flags.json ? JSON.stringify(overview, null, 1) : statusText(overview));
    return exitCode(overview);
  });

/**
 * The statement is there to be copied: nothing of it is cut, and nothing in it acts on the screen.
 */
export function recommended(one: RecommendationSeen): string {
  const { strategy, collection, lambda_foreseen: foreseen } = one;
  const gain = foreseen === null ? "" : pc.dim(`, lambda ${lambda(foreseen)} foreseen`);
  return `  ${strategy} on ${name(collection)}${gain}: ${name(one.statement, 2000)}`;
}

export function statusText(overview: Overview): string {
  const { tone, text, more } = stateLine(overview);
  const lines = [
    `${sign(tone)} ${pc.bold(PAINT[tone](text))}`,
    ...(more === "" ? [] : [pc.dim(more)]),
    ...warnings(overview),
  ];
  if (overview.collections.length > 0) {
    lines.push(
      "",
      table(
        ["", "collection", "lambda", "verdict", "last half hour", "since"],
        overview.collections.map((one) => {
          return [
            sign(toneOf(one)),
            name(one.name),
            lambda(one.lambda),
            verdictWord(one),
            sparkline(squeezed(one.trend, 20)),
            ago(one.since, overview.now),
          ];
        }),
      ),
    );
    const told = overview.collections.filter(({ verdict }) => verdict !== "healthy");
    if (told.length > 0)
      lines.push(
        "",
        ...told.map((one) => `  ${name(one.name)}: ${one.verdict}, ${name(one.sentence, 400)}`),
      );
  }
  const refusals = overview.collections.flatMap((one) =>
    one.refusals.map(
      (refusal) =>
        `  ${name(one.name)}: ${name(refusal.message, 300)}; ` +
        `${pc.dim(`changes with ${name(refusal.flips_at, 200)}`)}`,
    ),
  );
  if (refusals.length > 0) lines.push("", pc.bold("What stands in the way"), ...refusals);
  if (overview.recommendations.length > 0)
    lines.push("", pc.bold("Recommended"), ...overview.recommendations.map(recommended));
  if (overview.active.length > 0) {
    lines.push(
      "",
      pc.bold("At work"),
      ...overview.active.map(
        (one) =>
          `  action ${one.id}: ${one.strategy} on ${name(one.collection)}, ` +
          one.state.replace(/_/g, " ") +
          (one.message === null ? "" : pc.dim(`: ${name(one.message, 200)}`)),
      ),
    );
  }
  return lines.join("\n");
}

export function warnings(overview: Overview): string[] {
  const { breaker, enabled, collections, tick, missing } = overview;
  const lines: string[] = [];
  const failed = tickError(overview);
  if (breaker && breaker.state !== "closed") {
    const why = breaker.reason === null ? "" : `: ${name(breaker.reason, 300)}`;
    lines.push(pc.red(`The circuit breaker is ${breaker.state.replace("_", " ")}${why}`));
  }
  if (!enabled && collections.length > 0) lines.push(pc.yellow("Healing is switched off."));
  if (failed !== null) lines.push((tick.failed ? pc.red : pc.yellow)(name(failed, 400)));
  return [...lines, ...missing.map(({ why }) => pc.yellow(`Not shown: ${why}`))];
}
