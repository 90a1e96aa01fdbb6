/** What was decided, as lines for a person: no times, no figure that the machine has a part in. */

export interface Considered {
  readonly name: string;
  readonly reason_code: string;
  readonly reason: string;
  readonly taken: boolean;
}

export interface Evidence {
  readonly rules: readonly {
    readonly rule: string;
    readonly class: string;
    readonly met: boolean;
    readonly measured: number | null;
    readonly threshold: number;
    readonly inclusive: boolean;
  }[];
}

export interface Answer {
  readonly outcome: string;
  readonly problem?: { readonly class: string; readonly summary: string };
  readonly evidence?: Evidence;
  readonly considered?: readonly Considered[];
  readonly plan?: { readonly rows: number } | null;
  readonly predicted_lambda?: number | null;
  readonly action_id?: number | null;
  readonly strategy?: string | null;
  readonly state?: string;
  readonly initial_lambda?: number | null;
  readonly message?: string;
  readonly reason?: string;
  readonly flips_at?: string;
  readonly hint?: string | null;
  readonly notice?: string;
  readonly already?: boolean;
  readonly changed?: readonly string[];
  readonly replaces?: number;
}

/** Two digits, as the product shows lambda. */
export const lambda = (value: number | null | undefined): string =>
  value === null || value === undefined ? "unknown" : String(Number(value.toFixed(2)));

/** Times and durations are the machine's; an id of a session is too. */
export const masked = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?/g, "<time>")
    .replace(/\b\d+(\.\d+)? s ago\b/g, "<n> s ago")
    .replace(/\b(after|for) \d{3,} s\b/g, "$1 <n> s")
    .replace(/\b\d+ transactions old\b/g, "<n> transactions old")
    .replace(/\bpid \d+\b/g, "pid <n>")
    .replace(/\boid \d+\b/g, "oid <n>");

const COLUMNS = 100;

/** Lines of a terminal's width, those that go on indented more. */
export const lines = (text: string): string[] =>
  masked(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .flatMap(folded);

function folded(line: string): string[] {
  const indent = /^ */.exec(line)![0];
  const out: string[] = [];
  let now = indent;
  for (const word of line.trim().split(" ")) {
    const longer = now.trim() === "" ? now + word : `${now} ${word}`;
    if (longer.length <= COLUMNS || now.trim() === "") now = longer;
    else {
      out.push(now);
      now = `${indent}    ${word}`;
    }
  }
  return [...out, now];
}

/** The first rule that is met names the class; without one, each with what it lacked. */
function why({ class: problem }: { readonly class: string }, evidence: Evidence): string {
  const met = evidence.rules.find((rule) => rule.met);
  if (met) {
    const than = met.inclusive ? "at least" : "more than";
    return `${problem}: ${met.rule} ${short(met.measured)}, wanted ${than} ${met.threshold}`;
  }
  const missed = evidence.rules.map((rule) => `${rule.rule} ${short(rule.measured)}`);
  return `${problem}: no rule is met (${missed.join(", ")})`;
}

/** Percent are whole: memory in use is the machine's, to a digit. */
const short = (value: number | null): string =>
  value === null
    ? "not measured"
    : String(value > 1 ? Math.round(value) : Number(value.toFixed(1)));

export function consideredLines(considered: readonly Considered[]): string[] {
  const own = considered.filter(({ reason_code }) => reason_code !== "wrong_class");
  const others = considered.filter(({ reason_code }) => reason_code === "wrong_class");
  return [
    ...own.map(
      ({ taken, name, reason_code, reason }) =>
        `  ${taken ? "+" : "-"} ${name}: ${reason_code}, ${reason}`,
    ),
    ...(own.length > 0 && others.length > 0
      ? [`  - wrong_class: ${others.map(({ name }) => name).join(", ")}`]
      : []),
  ];
}

/** An answer of trigger, execute, approve and the like. */
export function answerLines(answer: Answer): string[] {
  const { problem, evidence, plan, reason } = answer;
  const acted = answer.action_id != null;
  return [
    ...(answer.initial_lambda != null && problem
      ? [`lambda ${lambda(answer.initial_lambda)}`]
      : []),
    ...(problem && evidence ? [`class ${why(problem, evidence)}`] : []),
    ...(problem ? [`  ${problem.summary}`] : []),
    ...(plan && !acted
      ? [`plan: ${plan.rows} rows, lambda foreseen ${lambda(answer.predicted_lambda)}`]
      : []),
    ...(acted
      ? [
          `action ${answer.action_id} ${answer.strategy}: ${answer.state}` +
            `${answer.already ? ", already" : ""}: ${answer.message}`,
        ]
      : []),
    ...(reason !== undefined
      ? [`refused ${reason}${acted ? "" : `: ${answer.message}`}`]
      : [`outcome: ${answer.outcome}`]),
    ...(answer.flips_at ? [`  would change with: ${answer.flips_at}`] : []),
    ...(answer.hint ? [`  hint: ${answer.hint}`] : []),
    ...(answer.notice ? [`  notice: ${answer.notice}`] : []),
    ...(answer.replaces !== undefined ? [`  in the place of action ${answer.replaces}`] : []),
    ...(answer.changed ?? []).map((change) => `  changed: ${change}`),
  ].flatMap(lines);
}
