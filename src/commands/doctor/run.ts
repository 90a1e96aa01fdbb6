/** `ruvector-healing doctor`: what is there, what is missing, and what to type. */
import pc from "../colours.ts";
import { EXIT } from "../exit.ts";
import { name } from "../terminal/draw.ts";
import { asking, type Common, onSame } from "../terminal/session.ts";
import { VERSION } from "../version.ts";
import { diagnose, type Diagnosis } from "./checks.ts";
import { readFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";

const SIGNS: Readonly<Record<Finding["state"], string>> = {
  well: pc.green("✓"),
  missing: pc.yellow("▲"),
  wrong: pc.red("■"),
};

const line = (text: string): string => {
  const shown = name(text, 2000);
  return `    ${shown.startsWith("#") ? pc.dim(shown) : pc.cyan(shown)}`;
};

export function diagnosisText({ platform, findings }: Diagnosis): string {
  const told = findings.flatMap(({ state, says, type }) => [
    `${SIGNS[state]} ${name(says, 1000)}`,
    ...type.map(line),
  ]);
  const left = findings.filter(({ state }) => state !== "well").length;
  const end = left === 0 ? "Nothing is missing." : `${left} to do.`;
  return [...told, "", `${end} ${pc.dim(`Server: ${platform} (docs/platforms.md).`)}`].join("\n");
}

export const doctor = (flags: Common): Promise<void> =>
  asking(flags, async (query) => {
    const found = diagnose(await readFacts(query), VERSION);
    const findings = found.findings.map((one) => ({
      ...one,
      type: one.type.map((text) => onSame(text, flags.dbname)),
    }));
    const diagnosis: Diagnosis = { ...found, findings };
    console.log(flags.json ? JSON.stringify(diagnosis, null, 1) : diagnosisText(diagnosis));
    return diagnosis.findings.every(({ state }) => state === "well") ? EXIT.well : EXIT.attention;
  });
