/** What the demo shows while it waits: a frame that redraws itself on a terminal, lines on change elsewhere. */
import { createLogUpdate } from "log-update";
import pc from "picocolors";
import { describeWitness } from "../../classify/describe.ts";
import { lambdaText } from "../../model/text.ts";
import { label } from "./label.ts";
import type { Seen } from "./watch.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One block a reading, 0 to 1; "·" where lambda was not known. */
export const sparkline = (values: readonly (number | null)[]): string =>
  values.map((value) => (value === null ? "·" : BLOCKS[Math.min(7, Math.floor(Math.max(0, value) * 8))])).join("");

export function bar(done: number, total: number, width = 30): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const full = Math.round(share * width);
  return `${"█".repeat(full)}${"░".repeat(width - full)} ${Math.round(share * 100)} %`;
}

const COLOURS: Record<string, (text: string) => string> = { normal: pc.green, stress: pc.yellow, critical: pc.red };

export function frame(seen: Seen, seconds: number, writer: number, searches: number): string {
  const { action } = seen;
  const state = seen.state ?? "not sampled yet";
  const lines = [
    `${pc.bold("lambda")} ${lambdaText(seen.lambda).padEnd(9)} ${sparkline(seen.samples.slice(-50).map(({ lambda }) => lambda))}`,
    `${pc.bold("state")}  ${(COLOURS[state] ?? pc.dim)(state.padEnd(9))} ${pc.dim(`${seconds.toFixed(0)} s, writer ${writer} rows in, searcher ${searches} queries`)}`,
  ];
  if (seen.witness.length > 0) lines.push("", pc.bold("the minimum cut crosses"), ...describeWitness(seen.witness, 4, label).map((line) => `  ${line}`));
  if (action) {
    const taken = action.considered.find((one) => one.taken);
    lines.push(
      "",
      pc.bold(action.summary),
      `${pc.bold("strategy")} ${pc.cyan(action.strategy)} ${pc.dim(taken?.reason ?? "")}`,
      `${bar(action.rows_moved, action.rows_planned)} ${action.rows_moved} of ${action.rows_planned} rows, ${action.state}`,
      pc.dim(action.message ?? ""),
    );
  } else if (seen.refusals.length > 0) {
    lines.push("", ...seen.refusals.map(({ reason, message }) => `${pc.yellow(reason)}: ${message}`));
  }
  if (seen.tick_error) lines.push(pc.red(seen.tick_error));
  return lines.join("\n");
}

export interface Display {
  show(seen: Seen, seconds: number, writer: number, searches: number): void;
  end(): void;
}

/** On a terminal the frame redraws itself; elsewhere a line says what changed. */
export function display(stream: NodeJS.WriteStream): Display {
  if (stream.isTTY) {
    const update = createLogUpdate(stream);
    return { show: (...what) => update(frame(...what)), end: () => update.done() };
  }
  let last = "";
  return {
    show: (seen, seconds) => {
      const { action } = seen;
      const line = [
        `lambda ${lambdaText(seen.lambda)}, ${seen.state ?? "not sampled yet"}`,
        action ? `${action.strategy} ${action.state}, ${action.rows_moved} of ${action.rows_planned} rows` : "",
      ].filter(Boolean).join("; ");
      if (line !== last) stream.write(`${seconds.toFixed(0).padStart(4)} s  ${line}\n`);
      last = line;
    },
    end: () => undefined,
  };
}
