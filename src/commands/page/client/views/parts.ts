/** What more than one view shows. */
import type {
  CollectionSeen,
  OutcomeSeen,
  RecommendationSeen,
  RefusalSeen,
} from "../../../status-data/documents.ts";
import { type Child, h } from "../dom.ts";
import { clock, fullTime, lambda, localTimes, number, span, words, zone } from "../format.ts";
import { TONES } from "../../../status-data/headline.ts";
import { mark, type Tone } from "../marks.ts";

export const section = (title: string, id: string, ...children: Child[]): HTMLElement =>
  h("section", { "aria-labelledby": id, "data-key": id }, h("h2", { id }, title), children);

export const toneOf = ({ verdict }: CollectionSeen): Tone => TONES[verdict];

const RUNBOOKS = new Set([
  "compact_indexes",
  "drain_hot_partition",
  "evict_cold_data",
  "pause_maintenance",
  "rebalance_partitions",
  "rebuild_centroids",
  "rebuild_index",
  "scale_replicas",
  "throttle_ingestion",
  "tune_search",
  "vacuum_index",
]);

/** What a strategy does, when, and how it is undone: served by this page's own server. */
export const runbook = (strategy: string, text = `Runbook: ${words(strategy)}`): Child =>
  !RUNBOOKS.has(strategy)
    ? words(strategy)
    : h(
        "a",
        {
          class: "runbook",
          href: `/docs/strategies/${strategy.replace(/_/g, "-")}.md`,
          target: "_blank",
          rel: "noopener",
        },
        text,
      );

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function recommendationCard(
  one: RecommendationSeen,
  link: string,
  now: number,
): HTMLElement {
  return h(
    "article",
    { class: "card", "data-key": `recommended ${one.collection} ${one.strategy}` },
    h(
      "h3",
      {},
      h("a", { href: link }, words(one.strategy)),
      h("span", { class: "on" }, " on ", h("bdi", {}, one.collection)),
    ),
    h(
      "p",
      { class: "muted" },
      `for ${words(one.problem)}`,
      one.lambda_foreseen !== null && `, lambda ${lambda(one.lambda_foreseen)} foreseen`,
      one.since !== null && `, since ${span((now - one.since) / 1000)}`,
    ),
    h("pre", { class: "sql" }, one.statement),
    h("p", { class: "links" }, runbook(one.strategy)),
    one.summary !== null && h("p", { class: "message" }, localTimes(one.summary)),
  );
}

export function refusalItem(
  refusal: RefusalSeen,
  collection: string | null,
  link: string | null,
  now: number,
): HTMLElement {
  return h(
    "li",
    { class: "refusal", "data-key": `${collection ?? ""} ${refusal.reason}` },
    h(
      "p",
      {},
      collection !== null && h("a", { href: link }, h("bdi", {}, collection)),
      collection !== null && " ",
      h("span", { class: "reason" }, words(refusal.reason)),
      refusal.escalated && h("span", { class: "reason critical" }, "too long"),
    ),
    h("p", {}, `${capitalized(localTimes(refusal.message))}.`),
    h(
      "p",
      { class: "muted" },
      "Changes with: ",
      localTimes(refusal.flips_at),
      ". ",
      `Refused ${refusal.count === 1 ? "once" : `${number(refusal.count)} times`}`,
      refusal.since !== null &&
        ` since ${clock(refusal.since)} ${zone(refusal.since)} ` +
          `(${span((now - refusal.since) / 1000)})`,
      ".",
    ),
  );
}

export function result({ state, verified }: OutcomeSeen): {
  readonly text: string;
  readonly tone: Tone;
} {
  switch (state) {
    case "succeeded":
      return { text: verified === true ? "helped" : "done", tone: "normal" };
    case "rolled_back":
      return { text: verified === false ? "did not help, undone" : "undone", tone: "unknown" };
    case "failed":
      return { text: "failed", tone: "critical" };
    case "rollback_failed":
      return { text: "undo not finished", tone: "critical" };
    case "aborted":
      return { text: "stopped", tone: "unknown" };
    case "expired":
      return { text: "never began", tone: "unknown" };
    default:
      return { text: words(state), tone: "action" };
  }
}

export function outcomes(
  rows: readonly OutcomeSeen[],
  withCollection: boolean,
  now: number,
): HTMLElement {
  if (rows.length === 0)
    return h("p", { class: "muted" }, "Nothing was healed in the last seven days.");
  return h(
    "ul",
    { class: "outcomes" },
    rows.map((row) => {
      const { text, tone } = result(row);
      const at = row.finished_at ?? row.created_at;
      return h(
        "li",
        { "data-key": row.id },
        h(
          "a",
          { href: `#/a/${row.id}` },
          mark(tone, 14),
          h(
            "span",
            { class: "what" },
            h("strong", {}, words(row.strategy)),
            withCollection && h("span", { class: "muted" }, " ", h("bdi", {}, row.collection)),
          ),
          h("span", { class: "verdict" }, text),
          h(
            "span",
            { class: "figure" },
            row.lambda_after === null
              ? `${lambda(row.lambda_before)}`
              : `${lambda(row.lambda_before)} → ${lambda(row.lambda_after)}`,
          ),
          h(
            "time",
            {
              class: "muted",
              datetime: new Date(at).toISOString(),
              title: fullTime(at),
            },
            now - at < 60_000 ? "just now" : `${span((now - at) / 1000)} ago`,
          ),
        ),
      );
    }),
  );
}
