/**
 * Why nothing happens on a collection, in plain words: what is known of it, what stands in the way
 * now, what would next, and what to type. It only looks: nothing is measured for keeps, nothing is
 * decided.
 */
import type { Configuration } from "../../model/configuration.ts";
import { labelsOf } from "../../graph/labels.ts";
import { shownOnly } from "../../classify/unjudged.ts";
import { loadCollection } from "../../collection/lookup.ts";
import type { Host } from "../../host/host.ts";
import { type Preview, preview } from "../../loop/preview.ts";
import type { Collection } from "../../model/collection.ts";
import { HealingError } from "../../base/errors.ts";
import { count, printable } from "../../base/text.ts";
import { previewSample } from "../../sense/sample.ts";
import { type CollectionFacts, collectionFacts } from "../../store/explained.ts";
import { edges, rules, weighing } from "./evidence.ts";
import { dateAndClock, document, duration, message } from "./layout.ts";
import { typed } from "./typed.ts";
import { refused, inTheWay } from "./standing.ts";

export function explainCollection(host: Host, collectionId: number): { text: string } {
  const facts = collectionFacts(host, collectionId);
  const collection = reachable(host, collectionId);
  if (collection instanceof HealingError) return { text: gone(facts, collection) };
  const { settings } = collection;
  // Nothing is weighed where nothing would be decided: while an action is at work, on a standby,
  // before the first sample, and where it is set aside: to measure it may be what fails, or hangs.
  const weighs =
    facts.sample !== null &&
    facts.aside === null &&
    facts.loop.condition !== "standby" &&
    !facts.active &&
    facts.verdict !== "recovering" &&
    (facts.state?.name !== "normal" || below(facts, settings));
  const outlook = weighs ? preview(host, collection, previewSample(host, collection)) : null;
  const text = document(
    [headline(facts), ...loop(facts), why(facts, settings, outlook)],
    [
      { title: "What was sensed last", lines: sensed(facts, settings) },
      { title: "What was refused at the last decision", lines: refused(facts, outlook) },
      {
        title: "What stands in the way now, in the order it is asked",
        lines: outlook ? inTheWay(outlook, facts) : [],
      },
      { title: "Which rule would name the problem", lines: outlook ? rules(outlook.problem) : [] },
      {
        title: "Which strategies would be weighed",
        lines: outlook ? weighing(outlook.considered) : [],
      },
      // Where strategies are weighed, each says it itself.
      { title: "Why its rows are not moved", lines: outlook ? [] : unmoved(collection) },
      { title: "What happened before", lines: recent(facts) },
      { title: "What you can type", lines: typed(facts, outlook) },
      { title: "What could not be measured", lines: unmeasured(facts) },
    ],
  );
  return { text };
}

function reachable(host: Host, collectionId: number): Collection | HealingError {
  try {
    return loadCollection(host, collectionId);
  } catch (error) {
    if (error instanceof HealingError) return error;
    throw error;
  }
}

function gone(facts: CollectionFacts, error: HealingError): string {
  const { message: said, detail, hint } = error.document;
  return document(
    [
      `${printable(facts.name, 200)}: ${message(said)}.`,
      "Nothing can be sensed or healed until that changes.",
    ],
    [
      { title: "Why", lines: detail === null ? [] : [message(detail) + "."] },
      { title: "What happened before", lines: recent(facts) },
      { title: "What you can type", lines: hint === null ? [] : [hint] },
    ],
  );
}

const below = ({ sample }: CollectionFacts, { stress_threshold }: Configuration): boolean =>
  sample !== null && sample.lambda !== null && sample.lambda < stress_threshold;

function headline({ name, verdict, sentence, state, sample, now }: CollectionFacts): string {
  const subject = printable(name, 200);
  const is = `${subject} is ${verdict}: ${message(sentence)}.`;
  return state && sample
    ? `${is} State ${state.name} since ${dateAndClock(state.since)} UTC ` +
        `(${duration(now - state.since)}), sampled ${duration(now - sample.at)} ago.`
    : is;
}

/** Whether the loop runs at all: nothing else matters while it does not. */
export function loop({
  loop: { condition, stands_still, sentence, last_failed, last_error },
  aside,
  failed,
  held,
  now,
}: CollectionFacts): string[] {
  if (condition === "standby") return [sentence];
  // Its first words in capitals: nobody reads on past them.
  if (stands_still) return [sentence.replace(/^[^:,.]+/, (words) => words.toUpperCase())];
  if (held) return [`Nobody measures or changes anything there now: ${held.sentence}.`];
  if (aside)
    return [`It is ${message(aside.sentence, 800)}. The other collections are served meanwhile.`];
  if (failed)
    return [
      `Its last tick failed, ${duration(now - failed.at)} ago: ` +
        `${message(failed.message, 400)}. It has no sample since.`,
    ];
  return last_failed && last_error !== null
    ? [`A part of the last tick failed: ${message(last_error, 400)}.`]
    : [];
}

/** The reason in one sentence. */
export function why(
  facts: CollectionFacts,
  settings: Configuration,
  outlook: Preview | null,
): string {
  const {
    active,
    aside,
    state,
    sample,
    refusals,
    verdict,
    loop: { condition, stands_still },
  } = facts;
  if (aside?.passed_over && condition === "running")
    return (
      "Nothing happens because it is set aside: the loop neither measures nor changes anything " +
      "there until then."
    );
  if (active)
    return (
      `Something is happening: action ${active.id} (${active.strategy}) is ` +
      `${active.state}${active.message ? `: ${message(active.message)}` : ""}.`
    );
  if (condition === "standby") return "Nothing happens here: a standby only reads.";
  if (stands_still) return "Nothing happens before the loop runs and can write.";
  if (!state || !sample)
    return facts.failed
      ? "Nothing happens before a tick succeeds."
      : "Nothing happens before there is a sample: the next tick takes one.";
  if (verdict === "unknown")
    return "Nothing happens because it is not known how the collection is.";
  if (verdict === "recovering")
    return (
      "Nothing has to be done: lambda is well again, and the state follows once " + "that has held."
    );
  if (verdict === "healthy") return "Nothing happens because there is nothing to heal.";
  if (verdict === "suspect") {
    const { below_stress } = state.hysteresis;
    const { stress_samples } = settings;
    return (
      "Nothing happens yet: one bad sample is not a state. " +
      `${Math.min(below_stress, stress_samples)} of the ${count(stress_samples, "sample")} in ` +
      "a row that make stress are there."
    );
  }
  const first = outlook?.refusals[0] ?? outlook?.empty;
  if (first) return `Nothing happens because of ${first.reason}: ${message(first.message)}.`;
  if (outlook?.approval_required)
    return (
      "Nothing stands in the way; the action will wait for a human: " +
      `${message(outlook.approval_required)}.`
    );
  if (refusals[0] && outlook === null)
    return `Nothing happened because of ${refusals[0].reason}: ${message(refusals[0].message)}.`;
  return `Nothing stands in the way: the next tick begins ${outlook?.strategy ?? "an action"}.`;
}

function sensed(facts: CollectionFacts, settings: Configuration): string[] {
  const { sample, state, now } = facts;
  if (!sample || !state) return [];
  const lines = [
    ...(sample.source === "reported"
      ? ["The reading was pushed from outside (ruvector_integrity_report)."]
      : []),
    ...edges(
      sample.witness,
      labelsOf({ ...sample.metrics, partitions: sample.metrics.partitions ?? [] }),
    ),
    ...shownOnly({ ...sample.metrics, partitions: sample.metrics.partitions ?? [] }, facts.name),
  ];
  if (state.degraded_at !== null)
    lines.push(
      `lambda has been below ${settings.stress_threshold} for ` +
        `${duration(now - state.degraded_at)}.`,
    );
  if (state.name !== "normal") lines.push(recovery(facts, settings));
  return lines;
}

function recovery(
  { state, now }: CollectionFacts,
  { stress_threshold, recovery_margin, recovery_hold_seconds }: Configuration,
): string {
  const wanted =
    `above ${Number((stress_threshold + recovery_margin).toFixed(3))} for ` +
    `${duration(recovery_hold_seconds)}`;
  const since = state?.hysteresis.above_stress_since ?? null;
  return (
    "It is normal again once lambda was " +
    `${wanted}${since === null ? "" : `; it has been for ${duration(now - since)}`}.`
  );
}

const unmeasured = ({ sample }: CollectionFacts): string[] =>
  (sample?.unmeasured ?? [])
    .slice(0, 8)
    .flatMap(({ what, why: because, hint }) => [
      `${printable(what)}: ${message(because)}`,
      ...(hint === null ? [] : [`  ${printable(hint, 400)}`]),
    ]);

/** One strategy that moves rows stands for all; what is true now, not what was at registration. */
const unmoved = ({ limitations }: Collection): string[] =>
  limitations
    .filter(({ strategy }) => strategy === "rebalance_partitions")
    .flatMap(({ reason, hint }) => [
      message(reason),
      ...hint.split(/: (?=SELECT |GRANT |ALTER )/).map((line) => `  ${message(line, 2000)}`),
    ]);

const recent = ({ recent: actions, now }: CollectionFacts): string[] =>
  actions.map(
    ({ id, strategy, problem_class, state, at, message: said }) =>
      `action ${id}, ${duration(now - at)} ago: ${strategy} for ${problem_class}, ` +
      `${state}${said ? `: ${message(said)}` : ""}`,
  );
