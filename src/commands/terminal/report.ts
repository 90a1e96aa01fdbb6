import { EXIT } from "../exit.ts";
import { readReport, readReportLines } from "../status-data/report.ts";
import pc from "../colours.ts";
import { name } from "./draw.ts";
import { asking, type Common } from "./session.ts";

export interface ReportFlags extends Common {
  /** As SQL takes it, and checked there: '7 days', 'yesterday', '2026-11-20'. */
  readonly since: string;
}

export const showReport = (flags: ReportFlags): Promise<void> =>
  asking(flags, async (query) => {
    if (flags.json) console.log(JSON.stringify(await readReport(query, flags.since), null, 1));
    else
      for (const line of await readReportLines(query, flags.since))
        // Titles stand at the margin, what is below them does not.
        console.log(/^\S/.test(line) ? pc.bold(name(line, 300)) : name(line, 300));
    return EXIT.well;
  });
