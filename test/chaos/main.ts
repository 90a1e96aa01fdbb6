/**
 * npm run test:chaos -- --seed N --minutes M | --faults K: random faults on a server of its own,
 * reproducible by seed; --seeds K: one seed after the other.
 */
import { Command, InvalidArgumentError } from "commander";
import { build } from "../../build/build.ts";
import { FAULTS } from "./faults/index.ts";
import { type Result, run } from "./run.ts";
import { tableOf } from "./table.ts";

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number is wanted");
  return Number(text);
};

interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly beside: number;
  readonly faults?: number;
  readonly minutes?: number;
  readonly only?: string;
  readonly short?: boolean;
  readonly list?: boolean;
}

async function one(seed: number, options: Options): Promise<Result> {
  const minutes = options.minutes ?? (options.faults === undefined ? 10 : undefined);
  console.log(`chaos with seed ${seed}; again with: npm run test:chaos -- --seed ${seed}`);
  const result = await run({
    seed,
    ...(options.faults !== undefined && { faults: options.faults }),
    ...(minutes !== undefined && { minutes }),
    ...(options.only !== undefined && { only: options.only.split(",").map((part) => part.trim()) }),
    ...(options.short && { short: true }),
    server: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-chaos-${seed}`,
    log: (line) => console.log(line),
  });
  const total = Object.values(result.survived).reduce((sum, count) => sum + count, 0);
  const missed = Object.entries(result.missed)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
  console.log(
    `${total} faults survived with seed ${seed} in ${Math.round(result.seconds)} s, ` +
      `${result.statements} statements of users${missed && `; nothing to hit: ${missed}`}`,
  );
  if (result.violation) {
    const { number, fault, found, evidence } = result.violation;
    console.error(
      `NOT SURVIVED: seed ${seed}, fault ${number} ` +
        `(${fault}):\n${found.map((line) => `  ${line}`).join("\n")}\nEvidence: ${evidence}; ` +
        "the server is left running.",
    );
    process.exitCode = 1;
  }
  return result;
}

const program = new Command("test:chaos")
  .description(
    "Random faults during random actions, with writers and readers at work; after each, " +
      "nothing may be lost or left.",
  )
  .option("--seed <number>", "all choices come from it", whole, Math.floor(Date.now() / 1000))
  .option(
    "--seeds <number>",
    "so many runs, with this seed and the ones after it; a table at the end",
    whole,
    1,
  )
  .option("--beside <number>", "so many of them at once", whole, 1)
  .option("--faults <number>", "end each after so many faults", whole)
  .option(
    "--minutes <number>",
    "end each after so many minutes (10 when --faults is not given)",
    Number,
  )
  .option("--only <names>", "only faults whose name contains one of these, separated by commas")
  .option("--short", "the quick faults of npm test only")
  .option("--list", "name the faults and end")
  .action(async (options: Options) => {
    if (options.list) return FAULTS.forEach(({ name }) => console.log(name));
    await build();
    const results: Result[] = [];
    let next = options.seed;
    const worker = async (): Promise<void> => {
      while (next < options.seed + options.seeds) {
        const seed = next++;
        // One that cannot even begin is a seed not survived; the others go on.
        await one(seed, options).then(
          (result) => results.push(result),
          (error: Error) => {
            console.error(
              `NOT SURVIVED: seed ${seed} did not run: ${error.stack ?? String(error)}`,
            );
            process.exitCode = 1;
          },
        );
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, options.beside) }, worker));
    console.log(tableOf(results.sort((a, b) => a.seed - b.seed)));
  });

await program.parseAsync();
