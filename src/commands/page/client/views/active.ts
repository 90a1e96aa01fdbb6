/** An action that is at work, or waits for approval. */
import type { ActiveSeen } from "../../../status-data/documents.ts";
import { type Child, h, s } from "../dom.ts";
import { besideRows, localTimes, number, span, words } from "../format.ts";
import type { Model } from "../model.ts";
import { decisions } from "./decisions.ts";
import { runbook } from "./parts.ts";

const STAGES = ["planned", "executing", "stabilizing", "done"] as const;
const STAGE_WORDS = {
  planned: "planned",
  executing: "at work",
  stabilizing: "watching whether it holds",
  done: "verified",
} as const;

export function activeCard(action: ActiveSeen, now: number, model: Model): HTMLElement {
  const waits = action.state === "awaiting_approval";
  const undoing = action.state === "rolling_back";
  const counted = !waits && progress(action) !== null;
  const message = counted ? besideRows(action.message ?? "") : (action.message ?? "");
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
      : progress(action),
    !waits && !undoing && stages(action),
    message !== "" && h("p", { class: "message" }, localTimes(message)),
    decisions(model, action),
    h("p", { class: "links" }, runbook(action.strategy)),
  );
}

function stageOf({ state }: ActiveSeen): string {
  if (state === "awaiting_approval") return "waits for approval";
  if (state === "rolling_back") return "is being undone";
  return STAGE_WORDS[state as keyof typeof STAGE_WORDS] ?? words(state);
}

/** How far it is; null where it has no rows to count. */
function progress({ id, rows_done, rows_planned }: ActiveSeen): Child {
  if (rows_planned === null || rows_planned <= 0 || rows_done === null) return null;
  const share = Math.min(1, rows_done / rows_planned);
  return h(
    "div",
    { class: "progress" },
    h(
      "div",
      {
        role: "progressbar",
        "aria-label": `rows of action ${id}`,
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
    h("span", { class: "figure" }, `${number(rows_done)} of ${number(rows_planned)} rows`),
  );
}

function stages({ state }: ActiveSeen): Child {
  const current = STAGES.indexOf(state as (typeof STAGES)[number]);
  return h(
    "ol",
    { class: "stages", "aria-label": "stages" },
    STAGES.map((name, place) =>
      h(
        "li",
        {
          class: stageClass(place, current),
          "aria-current": place === current && "step",
        },
        STAGE_WORDS[name],
      ),
    ),
  );
}

function stageClass(place: number, current: number): string {
  if (place < current) return "past";
  return place === current ? "current" : "";
}
