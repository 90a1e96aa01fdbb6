/** What an action did, step by step, with times: its events and its journal in one order. */
import { strategyNamed } from "../../strategies/registry.ts";
import type { Host } from "../../host/host.ts";
import type { Action } from "../../model/action.ts";
import type { ActionEvent } from "../../store/events.ts";
import { type StepGroup, stepGroups } from "../../store/steps.ts";
import { count, printable } from "../../base/text.ts";
import { clock, dateAndClock, message } from "./layout.ts";

/** Entries shown; a rebalance over 256 partitions has 255 kinds of moves. */
const MOST = 16;

interface Entry {
  readonly at: number;
  readonly text: string;
}

function stepEntry(
  action: Action,
  { kind, details, steps, rows, undone, first, last }: StepGroup,
): Entry {
  const strategy = strategyNamed(action.strategy_name);
  const what = strategy.describeStep({ kind, details }, rows);
  // Its undo ends a job that is at work; what was done stays.
  const gone = strategy.reversible ? undoneText(undone, steps) : "";
  const times =
    steps > 1
      ? `, in ${count(steps, "step")}${last - first >= 1 ? ` until ${clock(last)}` : ""}`
      : "";
  return { at: first, text: `${message(what)}${times}${gone}` };
}

function undoneText(undone: number, steps: number): string {
  if (undone === 0) return "";
  return undone === steps ? "; undone since" : `; ${undone} of ${steps} undone since`;
}

function eventEntry({ kind, at, message: said, actor, from }: ActionEvent): Entry {
  const who = printable(actor, 63);
  switch (kind) {
    case "action_planned":
      return { at, text: from === "awaiting_approval" ? `approved by ${who}` : "planned" };
    case "action_awaiting_approval":
      return { at, text: "planned, and waits for approval" };
    case "action_executing":
      return { at, text: "started" };
    case "action_stabilizing":
      return { at, text: `${message(said)}; now it waits to see whether that holds` };
    case "action_undo_asked_for":
      return { at, text: `${message(said)}, by ${who}` };
    default:
      return { at, text: message(said) };
  }
}

export function timeline(host: Host, action: Action, events: readonly ActionEvent[]): string[] {
  const entries = [
    ...events.map(eventEntry),
    ...stepGroups(host, action).map((steps) => stepEntry(action, steps)),
  ];
  if (events.length === 0) {
    // Its events have aged out: the row itself still knows these.
    entries.push({ at: action.created_at, text: "planned" });
    if (action.started_at !== null) entries.push({ at: action.started_at, text: "started" });
    if (action.finished_at !== null)
      entries.push({ at: action.finished_at, text: message(action.message ?? action.state) });
  }
  // Stable: of entries of one instant an event comes first, as it was written first.
  entries.sort((a, b) => a.at - b.at);
  const shown =
    entries.length <= MOST
      ? entries
      : [...entries.slice(0, MOST / 2), null, ...entries.slice(1 - MOST / 2)];
  const oneDay = new Set(entries.map(({ at }) => dateAndClock(at).slice(0, 10))).size === 1;
  const time = oneDay ? clock : dateAndClock;
  return shown.map((entry) =>
    entry === null
      ? `... ${entries.length - MOST + 1} more of the kind ...`
      : `${time(entry.at)}  ${entry.text}`,
  );
}
