/** Recall by depth of a collection's vector indexes, measured when somebody asks for it. */
import type { CollectionDetail } from "../../../status-data/collection.ts";
import { type Child, h } from "../dom.ts";
import { recallChart } from "../charts/recall.ts";
import type { CurvePoint, Model } from "../model.ts";
import { section } from "./parts.ts";

export function recallCurves(model: Model, { name, scene }: CollectionDetail): Child {
  if (!scene?.groups.some(({ type }) => type === "vector_index")) return null;
  return section("Recall by depth", "recall", content(model, name));
}

function content({ overview, curve, width }: Model, name: string): Child {
  const statement = `SELECT * FROM ruvector_healing_recall_curve('${name.replace(/'/g, "''")}');`;
  const operating = overview?.operating;
  if (!operating || operating.refused !== null)
    return [
      h("p", { class: "muted" }, "It is measured when asked for, by an operator:"),
      h("pre", { class: "sql" }, statement),
    ];
  const own = curve?.collection === name ? curve : null;
  const measuring = own !== null && own.points === null && own.error === null;
  return [
    h(
      "p",
      { class: "decisions" },
      h(
        "button",
        { type: "button", "data-measure": name, disabled: measuring },
        measuring ? "Measuring…" : "Measure it now",
      ),
      h(
        "span",
        { class: "muted" },
        " It searches the table, exactly once and some ten times more.",
      ),
    ),
    own?.error !== null && own !== null && h("p", { class: "message" }, own.error),
    own?.points?.length === 0 && h("p", { class: "muted" }, "No vector index was measured."),
    byIndex(own?.points ?? []).map(([index, points]) => [
      h("h3", {}, h("bdi", {}, index)),
      recallChart(points, Math.min(width, 640)),
      h("p", { class: "caption muted" }, caption(points)),
    ]),
  ];
}

function byIndex(points: readonly CurvePoint[]): [string, CurvePoint[]][] {
  const found = new Map<string, CurvePoint[]>();
  for (const one of points) found.set(one.index_, [...(found.get(one.index_) ?? []), one]);
  return [...found];
}

function caption(points: readonly CurvePoint[]): string {
  const [first] = points as [CurvePoint];
  const now = points.find(({ current }) => current);
  const present =
    now === undefined
      ? "the value in force was not among those measured"
      : `now ${now.value}: recall ${share(now.recall)}, ${time(now.ms)} a search`;
  const unused = points.filter(({ planner_uses_it: used }) => used === false);
  return (
    `Recall (share of the true neighbours that are found) by ${first.setting}; ${present}.` +
    (unused.length === 0
      ? ""
      : ` At ${unused.map(({ value }) => value).join(", ")} the planner reads the whole table.`)
  );
}

const share = (value: number | null): string => (value === null ? "not known" : value.toFixed(3));
const time = (ms: number | null): string =>
  ms === null ? "not known how long" : `${Number(ms.toPrecision(2))} ms`;
