/** What more than one view shows. */
import type {
  ActiveSeen,
  CollectionSeen,
  OutcomeSeen,
  RecommendationSeen,
  RefusalSeen,
} from "../../../reading/seen.ts";
import { type Child, h, s } from "../dom.ts";
import { clock, lambda, localTimes, number, span, words } from "../format.ts";
import { TONES } from "../../../reading/headline.ts";
import { mark, type Tone } from "../marks.ts";

export const section = (title: string, id: string, ...children: Child[]): HTMLElement =>
  h("section", { "aria-labelledby": id, "data-key": id }, h("h2", { id }, title), children);

export const toneOf = ({ verdict }: CollectionSeen): Tone => TONES[verdict];

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const STAGES = ["planned", "executing", "stabilizing", "done"] as const;
const STAGE_WORDS = {
  planned: "planned",
  executing: "at work",
  stabilizing: "watching whether it holds",
  done: "verified",
} as const;

function stageOf({ state }: ActiveSeen): string {
  if (state === "awaiting_approval") return "waits for approval";
  if (state === "rolling_back") return "is being undone";
  return STAGE_WORDS[state as keyof typeof STAGE_WORDS] ?? words(state);
}

export function activeCard(action: ActiveSeen, now: number): HTMLElement {
  const waits = action.state === "awaiting_approval";
  const undoing = action.state === "rolling_back";
  const stage = STAGES.indexOf(action.state as (typeof STAGES)[number]);
  const share =
    action.rows_planned !== null && action.rows_planned > 0 && action.rows_done !== null
      ? Math.min(1, action.rows_done / action.rows_planned)
      : null;
  return h(
    "article",
    { class: "card active", "data-key": `active ${action.id}` },
    h(
      "h3",
      {},
      h("a", { href: `#/a/${action.id}` }, words(action.strategy)),
      h("span", { class: "on" }, " on ", h("bdi", {}, action.collection)),
    ),
    h(
      "p",
      { class: "muted" },
      `${stageOf(action)}, for ${words(action.problem)}`,
      action.started_at !== null && `, ${span((now - action.started_at) / 1000)} so far`,
    ),
    waits
      ? h("pre", { class: "sql" }, `SELECT ruvector_healing_approve(${action.id});`)
      : share !== null
        ? h(
            "div",
            { class: "progress" },
            h(
              "div",
              {
                role: "progressbar",
                "aria-label": `rows of action ${action.id}`,
                "aria-valuemin": 0,
                "aria-valuemax": 100,
                "aria-valuenow": Math.round(share * 100),
              },
              s(
                "svg",
                { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
                s("rect", { class: "rail", width: 100, height: 6 }),
                s("rect", { class: "fill", width: (share * 100).toFixed(1), height: 6 }),
              ),
            ),
            h(
              "span",
              { class: "figure" },
              `${number(action.rows_done ?? 0)} of ${number(action.rows_planned ?? 0)} rows`,
            ),
          )
        : null,
    !waits &&
      !undoing &&
      h(
        "ol",
        { class: "stages", "aria-label": "stages" },
        STAGES.map((name, place) =>
          h(
            "li",
            {
              class: place < stage ? "past" : place === stage ? "current" : "",
              "aria-current": place === stage && "step",
            },
            STAGE_WORDS[name],
          ),
        ),
      ),
    action.message !== null && h("p", { class: "message" }, localTimes(action.message)),
  );
}

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
        ` since ${clock(refusal.since)} (${span((now - refusal.since) / 1000)})`,
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
      return { text: "stopped by a human", tone: "unknown" };
    case "expired":
      return { text: "not approved in time", tone: "unknown" };
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
              title: new Date(at).toLocaleString(),
            },
            now - at < 60_000 ? "just now" : `${span((now - at) / 1000)} ago`,
          ),
        ),
      );
    }),
  );
}
