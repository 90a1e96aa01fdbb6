/** The end of the demo in words. */
import pc from "../../commands/colours.ts";
import { lambdaText } from "../../base/text.ts";
import { fixed } from "./display.ts";
import type { Outcome, Result } from "./result.ts";
import type { Finished } from "./scenario.ts";
import type { ServerVenue } from "./server.ts";
import { healingStatus, type Seen } from "./watch.ts";

type Say = (line: string) => void;

export async function report(finished: Finished, say: Say): Promise<void> {
  const { result } = finished;
  say("");
  if (finished.explained !== null) say(`${finished.explained}\n`);
  partitions(result, say);
  say("");
  figures(result, say);
  if (!result.ok) await whatWentWrong(finished, say);
  say("");
}

function partitions({ partitions_before, partitions_after }: Result, say: Say): void {
  const most = Math.max(1, ...Object.values(partitions_before), ...Object.values(partitions_after));
  for (const [name, before] of Object.entries(partitions_before)) {
    const after = partitions_after[name] ?? 0;
    say(
      `  ${name.padEnd(16)}${String(before).padStart(8)} -> ${String(after).padStart(8)}  ` +
        `${pc.dim("█".repeat(Math.round((after / most) * 40)))}`,
    );
  }
}

const errors = (found: Record<string, number>): string => {
  const entries = Object.entries(found);
  return entries.length === 0
    ? "no errors"
    : pc.red(entries.map(([code, times]) => `${times} x ${code}`).join(", "));
};

const RESULTS: Record<Outcome, (result: Result) => string> = {
  well: () => pc.green("healed, verified and well"),
  better: () => pc.yellow("better, not well"),
  failed: ({ action_state }) => pc.red(action_state ?? "no action"),
};

function figures(result: Result, say: Say): void {
  const { rows_check: check, writer, searcher } = result;
  const field = (name: string, text: string): void => say(`${pc.bold(name.padEnd(9))} ${text}`);
  field(
    "result",
    `${RESULTS[result.outcome](result)}, lambda ${lambdaText(result.lambda_before)} -> ` +
      `${lambdaText(result.lambda_after)} (${lambdaText(result.predicted_lambda)} foreseen)`,
  );
  field("now", `${result.verdict}: ${result.sentence}`);
  if (result.actions.length > 1)
    field(
      "actions",
      result.actions
        .map(
          (one) =>
            `${one.id} ${one.strategy} ${lambdaText(one.lambda_before)} -> ` +
            `${lambdaText(one.lambda_after)}`,
        )
        .join(", "),
    );
  field(
    "MTTR",
    result.mttr_seconds === null
      ? "not known"
      : `${fixed(result.mttr_seconds)} s from the first sample below the threshold to the ` +
          "verified end",
  );
  field(
    "learned",
    `weight of ${result.strategy ?? "rebalance_partitions"} ${fixed(result.weight_before)} ` +
      `-> ${fixed(result.weight_after)}`,
  );
  field("moved", `${result.rows_moved ?? 0} of ${result.plan_rows ?? 0} planned rows`);
  field("writer", `${writer.inserted} rows meanwhile, ${errors(writer.errors)}`);
  field(
    "searcher",
    `${searcher.queries} queries meanwhile, p50 ${fixed(searcher.p50_ms)} ms, p99 ` +
      `${fixed(searcher.p99_ms)} ms, ${errors(searcher.errors)}`,
  );
  if (result.server === "embedded") {
    const why = "slow: all of it is one process with one session, where a search waits";
    say(pc.dim(`          ${why} while a batch moves`));
    say(pc.dim("          or a tick measures; on a server (--server) it does not"));
  }
  field(
    "rows",
    check.ok
      ? pc.green("none lost, changed or doubled")
      : pc.red(`${check.missing} missing, ${check.changed} changed, ${check.doubled} doubled`),
  );
  say(
    `          ${check.before} + ${check.inserted} written = ${check.after}; checksum over ` +
      "id, tenant and vector " +
      `${pc.dim(`${check.checksum_before.slice(0, 12)} -> ${check.checksum_after.slice(0, 12)}`)}`,
  );
}

async function whatWentWrong({ venue, result }: Finished, say: Say): Promise<void> {
  say("");
  if (result.action_id === null)
    say(pc.red(`No action was started within ${result.limit_seconds} s.`));
  else if (result.action_state !== "succeeded" || !result.verified)
    say(
      pc.red(
        `Action ${result.action_id} is ` +
          `${result.action_state}${result.message ? `: ${result.message}` : ""}.`,
      ),
    );
  if (!result.rows_check.ok) say(pc.red("The rows are not what they have to be: see above."));
  for (const line of result.left ?? []) say(line);
  if (result.last_tick_error) say(`${pc.red("last tick error")}: ${result.last_tick_error}`);
  if (result.outcome === "better") return;
  say("ruvector_healing_status():");
  say(JSON.stringify(await healingStatus(venue.session), null, 1));
}

/** What a person can do next on a server, which goes on running. */
export function whereToLook({ server, name }: ServerVenue, { seen }: Finished, say: Say): void {
  say(`Look around: ${pc.bold(server.psql)}`);
  whatToType(seen, say);
  say("The loop is no longer scheduled. To start it again:");
  say(pc.dim("  SELECT ruvector_healing_schedule('5 seconds');"));
  if (server.canKill)
    say(
      pc.dim(
        `The server keeps running. To stop it: npm run db -- stop --name ${name}; to remove ` +
          `it: npm run db -- destroy --name ${name}`,
      ),
    );
}

export function whatToType({ verdict, sentence }: Seen, say: Say): void {
  say(pc.dim("  SELECT jsonb_pretty(ruvector_healing_status());"));
  say(pc.dim("  SELECT * FROM ruvector_healing_history();"));
  say(pc.dim("  SELECT ruvector_healing_rollback('embeddings');      -- undoes what was done"));
  if (verdict === "recovering") say(pc.dim(`  (${sentence}; that takes ticks.)`));
}
