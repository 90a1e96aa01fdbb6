/** Of what is installed: its version, its schedule, its loop, its rights on tables. */
import type { CronJob, Facts, Installed } from "./facts.ts";
import { type Finding, literal, missing, quoted, well, wrong } from "./finding.ts";

/** -1, 0 or 1: versions by their numbers; one with a suffix comes before that without. */
export function compareVersions(one: string, other: string): number {
  const parts = (text: string): number[] => (text.split("-")[0]!.match(/\d+/g) ?? []).map(Number);
  const [left, right] = [parts(one), parts(other)];
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(Number(other.includes("-")) - Number(one.includes("-")));
}

export function installation(facts: Facts, ours: string): Finding[] {
  const found = facts.installed;
  if (found === null)
    return [missing("ruvector_healing is not installed here", "npx ruvector-healing install")];
  const { version, owner } = found;
  const how = found.by_extension ? "as an extension" : "by the script";
  if (version === null) {
    const grant = `SELECT ruvector_healing_grant(${literal(facts.role)}, 'viewer');`;
    return [
      missing(
        `ruvector_healing is installed (${how}, by ${owner}), and ${facts.role} may not ask it`,
        `${grant}    -- as ${quoted(owner)}`,
      ),
    ];
  }
  const older = compareVersions(version, ours);
  if (older < 0)
    return [
      missing(
        `ruvector_healing ${version} is older than these commands (${ours})`,
        "npx ruvector-healing upgrade",
      ),
    ];
  if (older > 0)
    return [
      missing(
        `ruvector_healing ${version} is newer than these commands (${ours})`,
        `npx ruvector-healing@${version} doctor`,
      ),
    ];
  // Dropped with its extension; what is in SQL goes on.
  if (found.language === null)
    return [
      wrong(
        "the functions of ruvector_healing in JavaScript are gone: their language was dropped",
        "npx ruvector-healing upgrade    -- nothing is lost",
      ),
    ];
  return [well(`ruvector_healing ${version}, ${how}, by ${owner}`)];
}

function jobsOf(jobs: readonly CronJob[]): Finding[] {
  const off = jobs.find(({ active }) => !active);
  const failing = jobs.find(({ failure }) => failure !== null);
  const schedule = jobs.map((job) => job.schedule).join(", ");
  const findings: Finding[] = [];
  if (off)
    findings.push(
      missing(
        `pg_cron's job ${off.jobid} is switched off`,
        `SELECT cron.alter_job(${off.jobid}, active := true);`,
      ),
    );
  if (failing)
    findings.push(
      wrong(
        `pg_cron's job ${failing.jobid} fails: ${failing.failure}`,
        "# connection failed: pg_hba.conf must let it in, or cron.use_background_workers = on",
        "SELECT status, return_message FROM cron.job_run_details WHERE jobid = " +
          `${failing.jobid} ORDER BY runid DESC LIMIT 5;`,
      ),
    );
  findings.push(...others(jobs));
  return findings.length > 0 ? findings : [well(`scheduled: ${schedule}`)];
}

/** One job is enough: the one that ruvector_healing_schedule() made, or else the oldest. */
function others(jobs: readonly CronJob[]): Finding[] {
  const on = jobs.filter(({ active }) => active);
  const own = on.find(({ jobname }) => jobname?.startsWith("ruvector_healing_tick")) ?? on[0];
  return on
    .filter((job) => job !== own)
    .map(({ jobid, jobname }) =>
      missing(
        `pg_cron's job ${jobid} (${jobname ?? "without a name"}) runs the loop as well`,
        `SELECT cron.unschedule(${jobid});`,
      ),
    );
}

export function loop(
  facts: Facts,
  { jobs, gone_jobs, loop: seen, collections, foreign_tables, owner }: Installed,
): Finding[] {
  const findings: Finding[] = [];
  if (jobs !== null && jobs.length > 0) findings.push(...jobsOf(jobs));
  findings.push(
    ...gone_jobs.map(({ jobid, database }) =>
      missing(
        `pg_cron's job ${jobid} is for database ${database}, which is not there any more`,
        `SELECT cron.unschedule(${jobid});`,
      ),
    ),
  );
  if (seen !== null && !facts.standby)
    findings.push(
      seen.stands_still
        ? missing(seen.sentence, ...(seen.statement === null ? [] : [seen.statement]))
        : well(seen.sentence),
    );
  if (collections === 0)
    findings.push(
      missing("no table is registered", "SELECT ruvector_healing_register('<table>');"),
    );
  findings.push(
    ...foreign_tables.map((one) =>
      missing(
        `${owner} has not the rights of ${one.owner}, who owns ${one.table}: nothing is measured`,
        `GRANT ${quoted(one.owner)} TO ${quoted(owner)};`,
      ),
    ),
  );
  return findings;
}
