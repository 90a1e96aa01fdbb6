/** What a year comes to so far: written again and again while it is lived. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../src/workbench/project.ts";
import { ARMS, METHODS, type Table } from "./arms.ts";
import { K } from "./look.ts";
import { type Panel, plot } from "./plot.ts";
import { remedies } from "./remedies.ts";
import { NAMES, type Point, summary, type Worked, workKey } from "./summary.ts";
import type { Action, Job } from "./turns.ts";

export interface Wanted {
  readonly days: number;
  readonly start: number;
  readonly daily: number;
  readonly vacuum_every: number;
  readonly turns: number;
  readonly queries: number;
  readonly seed: number;
}

export interface Lived {
  readonly set: string;
  readonly tables: readonly Table[];
  readonly points: readonly Point[];
  readonly actions: readonly Action[];
  readonly jobs: readonly Job[];
}

function workOf({ tables, jobs }: Lived): Record<string, Worked> {
  const work: Record<string, Worked> = {};
  for (const table of tables) {
    const mine = jobs.filter((job) => job.table === table.name);
    const builds = mine.filter(({ command }) => /^(CREATE INDEX|REINDEX)/.test(command));
    const vacuums = mine.filter(({ command }) => command.startsWith("VACUUM"));
    const sum = (of: readonly Job[]): number => of.reduce((all, { seconds }) => all + seconds, 0);
    work[workKey(table.arm, table.method)] = {
      rebuilds: table.work.rebuilds + builds.length,
      build_seconds: table.work.seconds + sum(builds),
      vacuums: vacuums.length,
      vacuum_seconds: sum(vacuums),
    };
  }
  return work;
}

function panelsOf({ points, actions }: Lived): Panel[] {
  const series = (method: string, value: (point: Point) => number) =>
    ARMS.map((arm) => ({
      name: NAMES[arm],
      points: points
        .filter((point) => point.arm === arm && point.method === method)
        .map((point) => ({ day: point.day, value: value(point) })),
    }));
  return METHODS.flatMap((method): Panel[] => {
    const marks = actions
      .filter(({ table }) => table.endsWith(method))
      .map(({ day, strategy, state }) => ({ day, what: `${strategy} ${state}` }));
    return [
      {
        title: `${method}: recall@${K}`,
        series: series(method, ({ recall }) => recall),
        marks,
        lowest: 0.5,
        highest: 1,
      },
      {
        title: `${method}: blocks a search`,
        series: series(method, ({ blocks }) => blocks),
        marks,
      },
    ];
  });
}

/** bench/out/year.json and year.svg; returns the tables. */
export async function writeResults(wanted: Wanted, lived: Lived) {
  const rows = summary(lived.points, workOf(lived));
  const done = remedies(lived.actions, lived.points);
  const out = join(root, "bench/out");
  await mkdir(out, { recursive: true });
  const { set, actions, jobs, points } = lived;
  const lasted = Math.max(...points.map(({ day }) => day));
  const result = { set, ...wanted, lasted, summary: rows, remedies: done, actions, jobs, points };
  const caption =
    `${set}, ${wanted.start} rows, then ${wanted.daily} more a day and as many replaced; ` +
    `vacuum every ${wanted.vacuum_every} days; green marks: an action of the loop ended`;
  // Who looks meanwhile sees a whole file.
  const written = async (name: string, text: string): Promise<void> => {
    await writeFile(join(out, `${name}.new`), text);
    await rename(join(out, `${name}.new`), join(out, name));
  };
  await written("year.json", `${JSON.stringify(result, null, 1)}\n`);
  await written("year.svg", plot(panelsOf(lived), 2, caption));
  return { summary: rows, remedies: done, folder: out };
}
