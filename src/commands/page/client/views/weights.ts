/** What the loop has learned of its strategies. */
import type { StrategySeen } from "../../../status-data/documents.ts";
import { h, s } from "../dom.ts";
import { lambda, percent, words } from "../format.ts";
import { runbook } from "./parts.ts";

export function weights(strategies: readonly StrategySeen[]): HTMLElement {
  const most = Math.max(1, ...strategies.map(({ weight }) => weight));
  return h(
    "table",
    { class: "weights" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "strategy"),
        h("th", { scope: "col" }, `weight, 0 to ${lambda(most)}`),
        h("th", { scope: "col", class: "right" }, "helped"),
      ),
    ),
    h(
      "tbody",
      {},
      strategies.map((one) =>
        h(
          "tr",
          { "data-key": one.name, class: one.outcomes === 0 ? "untried" : "" },
          h("th", { scope: "row" }, runbook(one.name, words(one.name))),
          h(
            "td",
            {},
            s(
              "svg",
              {
                class: "weight",
                viewBox: "0 0 100 6",
                preserveAspectRatio: "none",
                "aria-hidden": "true",
              },
              s("rect", { class: "rail", width: 100, height: 6 }),
              s("rect", {
                class: "fill",
                width: Math.max(1, (one.weight / most) * 100).toFixed(1),
                height: 6,
              }),
            ),
            h("span", { class: "figure" }, lambda(one.weight)),
          ),
          h(
            "td",
            { class: "right figure" },
            one.outcomes === 0 ? "untried" : `${percent(one.success_rate ?? 0)} of ${one.outcomes}`,
          ),
        ),
      ),
    ),
  );
}
