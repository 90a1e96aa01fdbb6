/** What a person can type. */
import type { Preview } from "../../loop/preview.ts";
import type { CollectionFacts } from "../../store/explained.ts";
import { literal } from "./layout.ts";

export function typed(facts: CollectionFacts, outlook: Preview | null): string[] {
  const name = literal(facts.name);
  const resume = [
    ...(facts.held ? [facts.held.statement] : []),
    ...(facts.aside ? [`${facts.aside.resume}   -- has it served with the next tick`] : []),
  ];
  if (facts.active)
    return [
      ...resume,
      `SELECT ruvector_healing_explain(${facts.active.id});   -- what it is doing and why`,
      ...(facts.active.state === "awaiting_approval"
        ? [
            `SELECT ruvector_healing_approve(${facts.active.id});   -- lets it begin`,
            `SELECT ruvector_healing_reject(${facts.active.id});   -- drops it`,
          ]
        : [`SELECT ruvector_healing_abort(${facts.active.id});   -- stops and undoes it`]),
    ];
  const { condition, statement } = facts.loop;
  if (condition === "standby") return [];
  const lines: string[] = statement === null ? resume : [statement, ...resume];
  if (outlook === null) return lines;
  for (const lift of new Set(outlook.refusals.map((refusal) => refusal.lift))) {
    if (lift !== undefined) lines.push(lift);
  }
  for (const { name: strategy, lift } of outlook.considered) {
    if (lift !== undefined) lines.push(`${lift}   -- lets ${strategy} be tried again`);
  }
  if (outlook.strategy) {
    lines.push(
      `SELECT ruvector_healing_execute(${name}, '${outlook.strategy}', '{"dry_run": ` +
        "true}');   -- shows the plan",
    );
    lines.push(
      `SELECT ruvector_healing_execute(${name}, '${outlook.strategy}');   -- begins it ` +
        "whatever the limits of the loop say",
    );
    return lines;
  }
  const able = outlook.considered.filter(({ reason_code }) => reason_code !== "wrong_class");
  for (const { name: strategy } of able)
    lines.push(
      `SELECT ruvector_healing_execute(${name}, '${strategy}', '{"dry_run": true}');   -- ` +
        "what it would do",
    );
  if (able.length === 0)
    lines.push(
      "SELECT name, weight FROM ruvector_healing_effectiveness();   -- what " +
        "ruvector_healing_execute() could run",
    );
  return lines;
}
