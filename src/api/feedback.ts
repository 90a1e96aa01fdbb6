/**
 * What people say of an action that ended: it counts in the weight of its strategy, and may be said
 * anew.
 */
import { actionById, recordActionEvent } from "../store/actions.ts";
import { countedFeedback } from "../store/outcomes.ts";
import type { Host } from "../host/host.ts";
import { giveFeedback } from "../learn/outcomes.ts";
import { isActive } from "../model/action.ts";
import { HealingError } from "../base/errors.ts";
import { oneLine, printable } from "../base/text.ts";

/** Longer is an essay. */
const NOTE_CHARACTERS = 1000;

const example = (id: string | number): string =>
  `SELECT ruvector_healing_feedback(${id}, 1, 'searches are fast again');`;

export function feedback(
  host: Host,
  id: unknown,
  given: unknown,
  note: unknown,
): Record<string, unknown> {
  // First: an example of what to type is of this action.
  const action = actionById(host, id);
  const score = scoreOf(given, example(action.id));
  const said = noteOf(note, example(action.id));
  if (isActive(action.state)) {
    throw new HealingError("wrong_action_state", `action ${action.id} has not ended`, {
      detail: `Its state is ${action.state}.`,
      hint:
        `SELECT ruvector_healing_explain(${action.id}); says what it is doing. It can be ` +
        "judged once it has ended.",
    });
  }
  if (!giveFeedback(host, action, { score, note: said })) {
    throw new HealingError(
      "wrong_action_state",
      `action ${action.id} cannot be judged: it does not count in the weight of ` +
        `${action.strategy_name}`,
      {
        detail: `Its state is ${action.state}: it was not carried out to an end of its own.`,
        hint: `SELECT ruvector_healing_explain(${action.id}); says how it ended.`,
      },
    );
  }
  const now = countedFeedback(host, action);
  const message =
    score === null
      ? "what was said of it is taken back"
      : `judged ${digits(score)}${said === null ? "" : `: ${said}`}`;
  recordActionEvent(host, action, "feedback", message, { score, note: said, counts_as: now.score });
  return {
    outcome: "completed",
    collection: action.collection,
    action_id: Number(action.id),
    strategy: action.strategy_name,
    problem_class: action.problem_class,
    state: action.state,
    feedback: now.score,
    feedback_by: now.by,
    note: score === null ? null : said,
    weight: now.weight,
    message,
  };
}

const digits = (score: number): string => String(Number(score.toPrecision(3)));

/** What was said, as it may be shown; null where nothing was. */
function noteOf(note: unknown, hint: string): string | null {
  if (note === null) return null;
  if (typeof note === "string" && Array.from(note).length <= NOTE_CHARACTERS)
    return note.trim() === "" ? null : printable(oneLine(note), NOTE_CHARACTERS);
  const got =
    typeof note === "string" ? `${Array.from(note).length} characters` : JSON.stringify(note);
  throw new HealingError(
    "invalid_argument",
    `note must be a text of at most ${NOTE_CHARACTERS} characters, or NULL`,
    {
      detail: `Got ${got}.`,
      hint,
    },
  );
}

/** As SQL has it in text, so that NaN is seen for what it is; null takes it back. */
function scoreOf(given: unknown, hint: string): number | null {
  if (given === null) return null;
  const score = typeof given === "string" && given.trim() !== "" ? Number(given) : Number.NaN;
  // Kept as real, where anything closer to nothing is refused.
  if (score >= -1 && score <= 1) return Math.abs(score) < 1e-37 ? 0 : score;
  throw new HealingError(
    "invalid_argument",
    "score must be a number from -1 (it did harm) to 1 (it helped), or NULL to take it back",
    {
      detail: `Got ${typeof given === "string" ? printable(given, 60) : JSON.stringify(given)}.`,
      hint,
    },
  );
}
