/** An action in plain words, for the person who was paged. */
import sql from "sql-template-tag";
import { describeWitness } from "../classify/describe.ts";
import { labelsOf } from "../classify/names.ts";
import { actionById, undoSummary } from "../execute/actions.ts";
import { strategyNamed } from "../execute/registry.ts";
import type { Host } from "../host/host.ts";
import { type Action, isActive } from "../model/action.ts";
import type { Metrics } from "../model/problem.ts";
import { bytes, count, lambdaText, short, utc } from "../model/text.ts";

export function explain(host: Host, id: unknown): { text: string } {
  const action = actionById(host, id);
  const sections = [headline(action), sensed(action), classified(action), weighed(action), planned(action), did(host, action), ended(host, action)];
  return { text: sections.map((lines) => lines.join("\n")).join("\n\n") };
}

const headline = (action: Action): string[] => [
  `Action ${action.id} on ${action.collection}: ${action.strategy_name} for ${action.problem_class}, ${action.state}.`,
  `Asked for by ${action.initiated_by} (${action.origin}) at ${utc(action.created_at)}.${action.message ? ` ${action.message}.` : ""}`,
];

function sensed(action: Action): string[] {
  const label = labelsOf(action.system_metrics as Metrics);
  const lines = describeWitness(action.witness_edges, 6, label);
  return [`Sensed: lambda was ${lambdaText(action.initial_lambda)}.`, ...lines.map((line) => `  ${line}`)];
}

function classified(action: Action): string[] {
  const lines = action.problem.evidence.rules.map((rule) => {
    const measured = rule.measured === null ? "not measured" : short(rule.measured);
    const wanted = `${rule.inclusive ? "at least" : "more than"} ${rule.threshold}`;
    const verdict = rule.met ? "met" : rule.missing === null ? "not met" : `not met, ${short(rule.missing)} short`;
    return `  ${rule.rule}: ${measured}, wanted ${wanted}: ${verdict}${rule.note ? ` (${rule.note})` : ""}`;
  });
  return [`Classified: ${action.problem.summary}`, ...lines];
}

const weighed = (action: Action): string[] => [
  "Weighed:",
  ...action.considered.map(({ name, weight, impact, taken, reason }) => `  ${taken ? "->" : "  "} ${name} (weight ${short(weight)}, impact ${impact}): ${reason}`),
];

const planned = ({ plan }: Action): string[] => [
  `Planned: ${count(plan.rows, "row")}, ${bytes(plan.bytes)}, about ${count(Math.round(plan.estimated_duration_seconds), "second")}; lambda foreseen: ${lambdaText(plan.predicted_lambda)}.`,
];

function did(host: Host, action: Action): string[] {
  const steps = host.query<{ kind: string; details: Record<string, unknown>; steps: number; rows: number; undone: number }>(sql`
    SELECT kind, details - 'weights' AS details, count(*)::int AS steps, sum(rows)::int AS rows, count(undone_at)::int AS undone
      FROM ruvector.healing_steps WHERE action_id = ${action.id}::bigint
     GROUP BY kind, details - 'weights' ORDER BY min(id)`);
  if (steps.length === 0) return ["Did: nothing yet."];
  return [
    "Did:",
    ...steps.map(({ kind, details, steps: times, rows, undone }) => {
      const what = strategyNamed(action.strategy_name).describeStep(kind, details, rows);
      return `  ${what}, in ${count(times, "step")}${undone > 0 ? `, ${undone} undone` : ""}`;
    }),
  ];
}

function ended(host: Host, action: Action): string[] {
  const name = action.collection.replace(/'/g, "''");
  if (isActive(action.state)) return [`Under way. To stop and undo it: SELECT ruvector_healing_abort(${action.id});`];
  const lines = [`Ended at ${action.finished_at === null ? "an unknown time" : utc(action.finished_at)}: lambda ${lambdaText(action.initial_lambda)} -> ${lambdaText(action.final_lambda)}, ${action.verified ? "verified" : "not verified"}.`];
  const { steps_left } = undoSummary(host, action);
  if (action.reversible && steps_left > 0) lines.push(`To undo it: SELECT ruvector_healing_rollback('${name}');`);
  return lines;
}
