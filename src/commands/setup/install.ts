/** The install script, in one transaction, and before it what it needs. */
import pc from "../colours.ts";
import { diagnose, LANGUAGES } from "../doctor/checks.ts";
import { type Facts, readFacts } from "../doctor/facts.ts";
import type { Finding } from "../doctor/finding.ts";
import { compareVersions } from "../doctor/installed.ts";
import { diagnosisText } from "../doctor/run.ts";
import { EXIT } from "../exit.ts";
import { installScript, type Language } from "../install-script.ts";
import type { Query } from "../status-data/query.ts";
import { asking, type Common, onSame } from "../terminal/session.ts";
import { VERSION } from "../version.ts";

export interface SetupFlags extends Common {
  readonly dryRun?: boolean;
  readonly extensions?: boolean;
}

interface Outcome {
  readonly done: readonly string[];
  readonly version: string;
  readonly dry_run: boolean;
}

const FIRST_STEPS = `Watch first, then switch on:
  SELECT ruvector_healing_configure('{"mode": "observe"}');
  SELECT ruvector_healing_register('<table>');
  SELECT ruvector_healing_schedule('5 seconds');
  npx ruvector-healing doctor`;

/** What CREATE EXTENSION mends by itself; pg_cron only where it lives in this database. */
const creatable = ({ type }: Finding): readonly string[] =>
  type.every((line) => /^CREATE EXTENSION \w+;$/.test(line)) ? type : [];

const has = (facts: Facts, name: string): boolean =>
  facts.extensions.some((one) => one.name === name && one.installed_version !== null);

/**
 * In one transaction, with what it needs before it: what fails leaves nothing, extensions neither.
 * @returns what was done, or would be
 */
async function runScript(
  query: Query,
  language: Language,
  dry: boolean,
  before: readonly string[] = [],
): Promise<string[]> {
  const done = [...before, `ruvector_healing ${VERSION} for ${language}`];
  if (dry) return done;
  const script = await installScript(language);
  for (const statement of ["BEGIN", ...before, script, "COMMIT"]) await query(statement);
  return done;
}

function told(flags: SetupFlags, outcome: Outcome, after = ""): number {
  if (flags.json) console.log(JSON.stringify(outcome, null, 1));
  else {
    const sign = outcome.dry_run ? pc.dim("would:") : pc.green("✓");
    console.log([...outcome.done.map((one) => `${sign} ${one}`), after].join("\n").trimEnd());
  }
  return EXIT.well;
}

function refused(flags: SetupFlags, sentence: string, command: string): number {
  const hint = onSame(command, flags.dbname);
  if (flags.json) console.log(JSON.stringify({ refused: sentence, hint }, null, 1));
  else process.stderr.write(`${pc.red(sentence)}\n${hint}\n`);
  return EXIT.failed;
}

export const install = (flags: SetupFlags): Promise<void> =>
  asking(flags, async (query) => {
    const facts = await readFacts(query);
    const dry = flags.dryRun === true;
    if (facts.installed !== null) return already(flags, facts.installed.version);
    const { platform, findings } = diagnose(facts, VERSION);
    const extensions = findings.flatMap(creatable);
    const wanted = flags.extensions === false ? [] : extensions;
    const left = findings.filter(
      (one) => one.state === "wrong" && !creatable(one).some((line) => wanted.includes(line)),
    );
    if (left.length > 0) {
      const text = diagnosisText({ platform, findings: left });
      return refused(flags, "Something is missing first; nothing was changed.", text);
    }
    const language =
      LANGUAGES.find((name) => has(facts, name)) ??
      LANGUAGES.find((name) => wanted.includes(`CREATE EXTENSION ${name};`))!;
    const done = await runScript(query, language, dry, wanted);
    return told(
      flags,
      { done, version: VERSION, dry_run: dry },
      `\n${onSame(FIRST_STEPS, flags.dbname)}`,
    );
  });

function already(flags: SetupFlags, version: string | null): number {
  const there = version ?? "of a version that this role may not ask";
  if (version === VERSION)
    return told(flags, {
      done: [`ruvector_healing ${VERSION} is installed already`],
      version,
      dry_run: false,
    });
  return refused(
    flags,
    `ruvector_healing ${there} is installed already.`,
    "To bring it up to this version: npx ruvector-healing upgrade",
  );
}

export const upgrade = (flags: SetupFlags): Promise<void> =>
  asking(flags, async (query) => {
    const facts = await readFacts(query);
    const dry = flags.dryRun === true;
    const found = facts.installed;
    if (found === null)
      return refused(
        flags,
        "ruvector_healing is not installed here: there is nothing to upgrade.",
        "To install it: npx ruvector-healing install",
      );
    if (found.version !== null && compareVersions(found.version, VERSION) > 0)
      return refused(
        flags,
        `ruvector_healing ${found.version} is newer than these commands (${VERSION}).`,
        `npx ruvector-healing@${found.version} upgrade`,
      );
    if (found.by_extension) {
      const statement = "ALTER EXTENSION ruvector_healing UPDATE;";
      if (!dry) await query(statement);
      return told(flags, { done: [statement], version: VERSION, dry_run: dry });
    }
    // It has none where its language was dropped; then what there is now.
    const language = LANGUAGES.find((name) =>
      found.language === null ? has(facts, name) : name === found.language,
    );
    if (language === undefined) {
      const offered = LANGUAGES.find((name) => facts.extensions.some((one) => one.name === name));
      return refused(
        flags,
        "The JavaScript language was dropped; nothing was changed.",
        `CREATE EXTENSION ${offered ?? "plv8"};    -- then npx ruvector-healing upgrade`,
      );
    }
    const done = await runScript(query, language, dry);
    return told(flags, { done, version: VERSION, dry_run: dry });
  });
