/** The circuit breaker over the whole loop (sql/limits/breaker.sql keeps it). */
import { happens, happensTo, time } from "../../base/flip.ts";
import { count, printable } from "../../base/text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function breaker({ breaker: now }: Pick<GuardContext, "breaker">): Refusal | null {
  if (now?.state === "closed" && now.failures < now.opens_at) return null;
  if (now?.state === "half_open" && now.probe === null) return null;
  const hint =
    "SELECT ruvector_healing_breaker_close('<why>'); closes it by hand. SELECT * FROM " +
    "ruvector_healing_history(); shows what failed.";
  if (now === null) {
    return {
      reason: "breaker",
      measured: null,
      flips: happens("its row being back"),
      message: "the state of the circuit breaker is not known",
      hint: "Run the install script again.",
    };
  }
  const why =
    now.reason === null
      ? `${count(now.failures, "action")} endangered the server`
      : printable(now.reason, 400);
  if (now.state === "half_open") {
    return {
      reason: "breaker",
      measured: now.failures,
      flips: happensTo("action_verified", String(now.probe)),
      message:
        `the circuit breaker lets one action through to see, and action ${now.probe} is it: ` +
        `${why}`,
      hint,
    };
  }
  return {
    reason: "breaker",
    measured: now.failures,
    flips:
      now.open_until === null
        ? happens("the circuit breaker being closed")
        : time(now.open_until, "lets_one_through"),
    message: `the circuit breaker is open: ${why}`,
    hint,
  };
}
