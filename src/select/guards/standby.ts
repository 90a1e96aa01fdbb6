/** Nothing can be written on a standby. */
import { happens } from "../../base/flip.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function standbyServer({ standby }: GuardContext): Refusal | null {
  if (!standby) return null;
  return {
    reason: "standby_server",
    measured: true,
    flips: happens("pg_is_in_recovery() = false"),
    message: "this server is a standby: nothing can be written here",
    hint: "Connect to the primary.",
  };
}
