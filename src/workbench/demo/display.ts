/**
 * What the demo shows while it waits: a frame that redraws itself on a terminal, lines on change
 * elsewhere.
 */
import { createLogUpdate } from "log-update";
import pc from "../../commands/colours.ts";
import { lambdaText } from "../../base/text.ts";
import { TONES } from "../../commands/status-data/headline.ts";
import { PAINT } from "../../commands/paint.ts";
import type { Seen, SeenAction } from "./watch.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One block a reading, 0 to 1; "·" where lambda was not known. */
export const sparkline = (values: readonly (number | null)[]): string =>
  values
    .map((value) =>
      value === null ? "·" : BLOCKS[Math.max(0, Math.min(7, Math.floor(value * 8)))],
    )
    .join("");

export function bar(done: number, total: number, width = 30): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const full = Math.round(share * width);
  return (
    `${"█".repeat(full)}${"░".repeat(width - full)} ` +
    `${String(Math.round(share * 100)).padStart(3)} %`
  );
}

export const fixed = (value: number | null | undefined): string =>
  value == null ? "not known" : String(Number(value.toFixed(2)));

export interface Moment extends Seen {
  readonly seconds: number;
  readonly inserted: number;
  readonly queries: number;
  readonly weight_before: number | null;
}

/** "lambda 0.33 -> 1 (1 foreseen), verified; weight 1 -> 3.06" */
function ending(
  { initial_lambda, final_lambda, predicted_lambda, verified }: SeenAction,
  { weight, weight_before }: Moment,
): string {
  const judged = verified ? pc.green("verified") : pc.red("not verified");
  return (
    `lambda ${lambdaText(initial_lambda)} -> ${lambdaText(final_lambda)} ` +
    `(${lambdaText(predicted_lambda)} foreseen), ${judged}; weight ${fixed(weight_before)} -> ` +
    `${fixed(weight)}`
  );
}

const why = (action: SeenAction): string =>
  action.considered.find(({ taken }) => taken)?.reason ?? "";

function frame(now: Moment): string {
  const { action } = now;
  const field = (name: string, text: string): string => `${pc.bold(name.padEnd(9))} ${text}`;
  const lines = [
    field("lambda", `${lambdaText(now.lambda).padEnd(10)}${sparkline(now.lambdas.slice(-50))}`),
    field("verdict", `${PAINT[TONES[now.verdict]](now.verdict)} ${pc.dim(now.sentence)}`),
    field(
      "meanwhile",
      pc.dim(`${now.seconds.toFixed(0)} s, ${now.inserted} rows written, ${now.queries} searches`),
    ),
  ];
  const witness = now.witness(4);
  if (witness.length > 0)
    lines.push("", pc.bold("The minimum cut crosses"), ...witness.map((line) => `  ${line}`));
  if (action) {
    lines.push(
      "",
      field("problem", action.summary),
      field("strategy", `${pc.cyan(action.strategy)} ${pc.dim(why(action))}`),
    );
    lines.push(
      field(
        "moved",
        `${bar(action.rows_moved, action.plan_rows)}  ${action.rows_moved} of ` +
          `${action.plan_rows} rows, ${action.state}`,
      ),
    );
    if (action.finished_at) lines.push(field("result", ending(action, now)));
  } else if (now.refusals.length > 0) {
    lines.push(
      "",
      ...now.refusals.map(({ reason, message }) => `${pc.yellow(reason)}: ${message}`),
    );
  }
  if (now.tick_error) lines.push(pc.red(now.tick_error));
  return lines.join("\n");
}

/** What can change, by name, with the words for it as it is now. */
function facets(now: Moment): [name: string, text: string][] {
  const { action } = now;
  const found: [string, string][] = [
    [
      "reading",
      `lambda ${lambdaText(now.lambda)}, ${now.verdict}, state ${now.state ?? "not sampled yet"}`,
    ],
  ];
  const witness = now.witness(3);
  if (witness.length > 0) found.push(["witness", `the minimum cut crosses ${witness.join("; ")}`]);
  for (const { reason, message } of action ? [] : now.refusals)
    found.push([`refusal ${reason}`, `${reason}: ${message}`]);
  if (now.tick_error) found.push(["tick", `tick failed: ${now.tick_error}`]);
  if (!action) return found;
  found.push(
    ["problem", action.summary],
    ["strategy", `strategy ${action.strategy}: ${why(action)}`],
  );
  found.push(["action", `${action.state}, ${action.rows_moved} of ${action.plan_rows} rows moved`]);
  if (action.finished_at) found.push(["result", ending(action, now)]);
  return found;
}

export interface Display {
  show(now: Moment): void;
  end(): void;
}

export function display(stream: NodeJS.WriteStream): Display {
  if (stream.isTTY) {
    const update = createLogUpdate(stream);
    return { show: (now) => update(frame(now)), end: () => update.done() };
  }
  const shown = new Map<string, string>();
  return {
    show: (now) => {
      for (const [name, text] of facets(now)) {
        // The edges of the cut grow a little with every batch: once is enough.
        if (shown.get(name) === text || (name === "witness" && shown.has(name))) continue;
        shown.set(name, text);
        stream.write(`${now.seconds.toFixed(0).padStart(4)} s  ${text}\n`);
      }
    },
    end: () => undefined,
  };
}
