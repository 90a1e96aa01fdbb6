/** ruvector_healing_report(): what happened in a day, a week or a month, in words. */
import { type Child, h } from "../dom.ts";
import type { Model } from "../model.ts";
import { explanation } from "./explanation.ts";

const SPANS = [
  { days: 1, label: "Day" },
  { days: 7, label: "Week" },
  { days: 30, label: "Month" },
] as const;

export const reportView = (model: Model, days: number, key: string): Child => [
  h("p", { class: "back" }, h("a", { href: "#/", "data-back": true }, "← Back")),
  h("h1", { class: "visually-hidden" }, `Report of ${days} days`),
  h(
    "nav",
    { class: "spans", "aria-label": "How far back" },
    SPANS.map((one) =>
      h(
        "a",
        {
          href: `#/report/${one.days}`,
          "aria-current": one.days === days ? "page" : null,
        },
        one.label,
      ),
    ),
  ),
  h("section", { class: "explained", "aria-label": "Report" }, explanation(model, key)),
];
