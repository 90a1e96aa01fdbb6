/** The end of a drill: what helped is taken back. */
import { pause } from "../load.ts";
import type { Stage } from "./drill.ts";
import { POLL_MS, type RunOptions } from "./options.ts";
import type { Result } from "./result.ts";

/**
 * Undoes every action that helped, the newest first, as a person would; the ticks of pg_cron carry
 * it out.
 */
export async function undo(
  stage: Stage,
  { actions }: Result,
  options: RunOptions,
): Promise<string> {
  const helped = actions
    .filter(({ verified }) => verified)
    .map(({ id }) => id)
    .reverse();
  let answer = "there is no action";
  for (const id of helped) {
    answer = await undoOne(stage, id, options);
    if (answer !== "yes") return answer;
  }
  return answer;
}

async function undoOne({ client, table }: Stage, id: string, options: RunOptions): Promise<string> {
  const {
    rows: [found],
  } = await client.query<{ reversible: boolean }>(
    "SELECT reversible FROM ruvector.healing_actions WHERE id = $1",
    [id],
  );
  if (!found?.reversible) return "cannot be undone";
  await client.query("SELECT ruvector_healing_rollback($1)", [table]);
  let rest = "";
  for (
    const began = Date.now();
    Date.now() - began < options.patience * 1000;
    await pause(POLL_MS)
  ) {
    options.signal.throwIfAborted();
    const { rows } = await client.query<{
      state: string;
      message: string | null;
      left: number;
      leases: number;
    }>(
      `
      SELECT a.state, a.message, (SELECT count(*)::int FROM ruvector.healing_steps s
        WHERE s.action_id = a.id AND s.undone_at IS NULL) AS left,
             (SELECT count(*)::int FROM ruvector.healing_leases l WHERE l.action_id = a.id
               AND l.ended_at IS NULL) AS leases
        FROM ruvector.healing_actions a WHERE a.id = $1`,
      [id],
    );
    const now = rows[0];
    // A lease may outlive the undo for a moment: what it left on the table goes when nobody is at
    // work there.
    if (now?.state === "rolled_back" && now.left === 0 && now.leases === 0) return "yes";
    if (now?.state === "rolled_back") rest = `${now.left} steps and ${now.leases} leases are left`;
    if (now?.state === "rollback_failed") return `failed: ${now.message ?? ""}`;
  }
  return `not finished within ${options.patience} s${rest && `: ${rest}`}`;
}
