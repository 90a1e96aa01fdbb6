/** npm run test:chaos -- --seed N --minutes M | --faults K: random faults on a server of its own, reproducible by seed. */
import { Command, InvalidArgumentError } from "commander";
import { build } from "../../build/build.ts";
import { FAULTS } from "./faults/index.ts";
import { run } from "./run.ts";

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number is wanted");
  return Number(text);
};

const program = new Command("test:chaos")
  .description("Random faults during random actions, with writers and readers at work; after each, nothing may be lost or left.")
  .option("--seed <number>", "all choices come from it", whole, Math.floor(Date.now() / 1000))
  .option("--faults <number>", "end after so many faults", whole)
  .option("--minutes <number>", "end after so many minutes (10 when --faults is not given)", Number)
  .option("--only <names>", "only faults whose name contains one of these, separated by commas")
  .option("--short", "the quick faults of npm test only")
  .option("--list", "name the faults and end")
  .action(async (options: { seed: number; faults?: number; minutes?: number; only?: string; short?: boolean; list?: boolean }) => {
    if (options.list) return FAULTS.forEach(({ name }) => console.log(name));
    await build();
    const minutes = options.minutes ?? (options.faults === undefined ? 10 : undefined);
    const began = Date.now();
    console.log(`chaos with seed ${options.seed}; again with: npm run test:chaos -- --seed ${options.seed}`);
    const result = await run({
      seed: options.seed,
      ...(options.faults !== undefined && { faults: options.faults }),
      ...(minutes !== undefined && { minutes }),
      ...(options.only !== undefined && { only: options.only.split(",").map((part) => part.trim()) }),
      ...(options.short && { short: true }),
      server: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-chaos-${options.seed}`,
      log: (line) => console.log(line),
    });
    const total = Object.values(result.survived).reduce((sum, count) => sum + count, 0);
    for (const [name, count] of Object.entries(result.survived).sort(([, a], [, b]) => b - a)) console.log(`${String(count).padStart(5)}  ${name}`);
    const missed = Object.entries(result.missed).map(([name, count]) => `${count} ${name}`).join(", ");
    console.log(`${total} faults survived with seed ${result.seed} in ${Math.round((Date.now() - began) / 1000)} s, ${result.statements} statements of users${missed && `; nothing to hit: ${missed}`}`);
    if (!result.violation) return;
    const { number, fault, found, evidence } = result.violation;
    console.error(`NOT SURVIVED: seed ${result.seed}, fault ${number} (${fault}):\n${found.map((line) => `  ${line}`).join("\n")}\nEvidence: ${evidence}; the server is left running.`);
    process.exitCode = 1;
  });

await program.parseAsync();
