/**
 * What a decision rested on, in words: the cut, the classifier's rules, the strategies that were
 * weighed.
 */
import type { Considered } from "../../model/selection.ts";
import { describeWitness } from "../../classify/describe.ts";
import type { Label } from "../../graph/labels.ts";
import type { WitnessEdge } from "../../model/graph.ts";
import type { Problem, RuleEvidence } from "../../model/problem.ts";
import { short } from "../../base/text.ts";
import { message } from "./layout.ts";

/** Witness edges shown: a hot partition of 16 has 15, and they say the same. */
const EDGES = 6;

/** A rule that got this far counts as nearly met. */
const NEARLY = 0.75;

export function edges(witness: readonly WitnessEdge[], label: Label): string[] {
  if (witness.length === 0) return ["No edge of the minimum cut is weak."];
  return [
    "The minimum cut crosses, the weakest first:",
    ...describeWitness(witness, EDGES, label).map((line) => `- ${line}`),
  ];
}

/** How far a rule got, 0 to 1; 1 is met. */
function reached({ measured, missing, met }: RuleEvidence): number {
  if (met) return 1;
  if (measured === null || missing === null || measured + missing <= 0) return 0;
  return measured / (measured + missing);
}

/** "partition_links 7, wanted more than 3" */
function sentence({ rule, measured, threshold, inclusive }: RuleEvidence): string {
  return (
    `${rule} ${measured === null ? "not measured" : short(measured)}, wanted ` +
    `${inclusive ? "at least" : "more than"} ${short(threshold)}`
  );
}

const note = (rule: RuleEvidence): string =>
  rule.note && rule.note !== "not measured" ? ` (${message(rule.note)})` : "";

/**
 * The rule that named the problem first, then those that were met as well, those that nearly were,
 * and the rest in one line.
 */
export function rules(problem: Problem): string[] {
  const { rules: all } = problem.evidence;
  const fired = all.find(({ met }) => met);
  const others = all.filter((rule) => rule !== fired);
  const also = others.filter(({ met }) => met);
  const nearly = others.filter((rule) => !rule.met && reached(rule) >= NEARLY);
  const rest = others.filter((rule) => !rule.met && !nearly.includes(rule));
  const lines = [
    fired
      ? `-> ${sentence(fired)}: met, so it is ${fired.class}${note(fired)}`
      : "No rule was met, so the problem is unknown and nobody but a human acts on it.",
    ...also.map(
      (rule) =>
        `also met: ${sentence(rule)} (${rule.class}); the rules are asked in order and the ` +
        `first one decides${note(rule)}`,
    ),
    ...nearly.map(
      (rule) =>
        `nearly: ${sentence(rule)}, ${short(rule.missing ?? 0)} short of ` +
        `${rule.class}${note(rule)}`,
    ),
  ];
  if (rest.length > 0)
    lines.push(`not met: ${rest.map((rule) => `${rule.class} (${sentence(rule)})`).join("; ")}`);
  return lines;
}

/**
 * Every strategy that handles the class with its weight and why it was taken or not; those of other
 * classes by name only.
 */
export function weighing(considered: readonly Considered[]): string[] {
  const able = considered.filter(({ reason_code }) => reason_code !== "wrong_class");
  const others = considered.filter(({ reason_code }) => reason_code === "wrong_class");
  const lines = able.map(
    ({ name, weight, impact, taken, reason }) =>
      `${taken ? "->" : "- "} ${name}, weight ${short(weight)}, impact ${impact}: ` +
      `${taken ? "taken, " : "not taken, "}${message(reason)}`,
  );
  if (able.length === 0 && considered.length > 0) lines.push("No strategy handles this class.");
  if (others.length > 0)
    lines.push(`for other problems: ${others.map(({ name }) => name).join(", ")}`);
  return lines;
}
