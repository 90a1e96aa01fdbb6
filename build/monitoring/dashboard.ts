/**
 * monitoring/grafana/ruvector-healing.json: the dashboard, written as code so that a panel is a
 * line or two.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../project.ts";
import { CHOSEN, PANELS } from "./panels.ts";

export const DASHBOARD = join(root, "monitoring/grafana/ruvector-healing.json");

const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

/** Regions while an action is under way, on every panel. */
const ANNOTATION = {
  name: "Actions",
  enable: true,
  iconColor: "purple",
  datasource: DATASOURCE,
  target: { refId: "Anno" },
  expr:
    `max by (collection, strategy, action_id) (ruvector_healing_action_age_seconds{${CHOSEN}}) ` +
    "> 0",
  titleFormat: "{{strategy}} on {{collection}}",
  textFormat: "action {{action_id}}",
  step: "15s",
};

const variable = (name: string, query: string) => ({
  name,
  type: "query",
  datasource: DATASOURCE,
  query: { query, refId: name },
  definition: query,
  includeAll: true,
  multi: true,
  refresh: 2,
  allValue: ".*",
  current: { text: ["All"], value: ["$__all"] },
});

/** Every expression of the dashboard, with where it is. */
export const expressions = (): { readonly where: string; readonly expr: string }[] => [
  ...PANELS.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr }))),
  { where: "annotation", expr: ANNOTATION.expr },
];

export function dashboard(): Record<string, unknown> {
  let x = 0;
  let y = 0;
  const panels = PANELS.map(({ title, description, targets, shape }, index) => {
    if (x + shape.width > 24) {
      x = 0;
      y += PANELS[index - 1]!.shape.height;
    }
    const gridPos = { x, y, w: shape.width, h: shape.height };
    x += shape.width;
    return {
      id: index + 1,
      type: shape.type,
      title,
      ...(description !== undefined && { description }),
      datasource: DATASOURCE,
      gridPos,
      targets: targets.map(({ expr, legend }, place) => ({
        refId: String.fromCharCode(65 + place),
        expr,
        legendFormat: legend,
        datasource: DATASOURCE,
      })),
      fieldConfig: { defaults: shape.defaults ?? {}, overrides: [] },
      options: shape.options ?? {},
    };
  });
  return {
    uid: "ruvector-healing",
    title: "RuVector self-healing",
    tags: ["ruvector", "postgresql"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    time: { from: "now-6h", to: "now" },
    refresh: "30s",
    timezone: "browser",
    annotations: { list: [ANNOTATION] },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Data source" },
        variable("job", "label_values(ruvector_healing_build_info, job)"),
        variable("collection", 'label_values(ruvector_healing_enabled{job=~"$job"}, collection)'),
      ],
    },
    panels,
  };
}

export const writeDashboard = (): Promise<void> =>
  writeFile(DASHBOARD, `${JSON.stringify(dashboard(), null, 1)}\n`);
