/** Looking for collections and actions among many: by words, and by whether they need somebody. */
import type { Overview } from "../../../status-data/documents.ts";
import { h } from "../dom.ts";
import { plural, words } from "../format.ts";
import { type Filter, found } from "../model.ts";

const ONLY = [
  ["all", "All"],
  ["attention", "Needs attention"],
  ["healthy", "Healthy"],
] as const;

/** What is left of the overview; names, states, strategies, problems and numbers are looked at. */
export function filtered(overview: Overview, filter: Filter): Overview {
  if (filter.text.trim() === "" && filter.only === "all") return overview;
  const busy = new Set(overview.active.map(({ collection }) => collection));
  const collections = overview.collections.filter(
    (one) =>
      found(filter, one.name, one.verdict, one.mode, ...one.refusals.map(({ reason }) => reason)) &&
      (filter.only === "all" ||
        (filter.only === "healthy") === (one.verdict === "healthy" && !busy.has(one.name))),
  );
  const action = (one: {
    readonly id: number;
    readonly collection: string;
    readonly strategy: string;
    readonly problem: string;
    readonly state: string;
  }): boolean =>
    found(
      filter,
      one.collection,
      words(one.strategy),
      one.strategy,
      words(one.problem),
      words(one.state),
      `#${one.id}`,
    ) &&
    (filter.only === "all" || collections.some(({ name }) => name === one.collection));
  return {
    ...overview,
    collections,
    active: overview.active.filter(action),
    outcomes: overview.outcomes.filter(action),
    recommendations: overview.recommendations.filter(
      (one) =>
        found(filter, one.collection, words(one.strategy), words(one.problem)) &&
        filter.only !== "healthy",
    ),
  };
}

export const filterBar = (filter: Filter, all: Overview, shown: Overview): HTMLElement =>
  h(
    "form",
    { class: "filter", role: "search", "data-key": "filter" },
    h("input", {
      type: "search",
      name: "filter",
      "data-filter": true,
      placeholder: "Name, strategy, problem, #action",
      "aria-label": "Look for collections and actions",
      autocomplete: "off",
      spellcheck: "false",
    }),
    h(
      "div",
      { class: "spans", role: "group", "aria-label": "Which collections" },
      ONLY.map(([key, text]) =>
        h(
          "button",
          { type: "button", "data-only": key, "aria-pressed": String(filter.only === key) },
          text,
        ),
      ),
    ),
    h(
      "p",
      { class: "muted", role: "status" },
      shown === all
        ? ""
        : `${shown.collections.length} of ${plural(all.collections.length, "collection")}, ` +
            `${plural(shown.active.length + shown.outcomes.length, "action")}`,
    ),
  );
