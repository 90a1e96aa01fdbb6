/**
 * npm run test:fuzz -- --seed N --count 10000: every ruvector_* function with generated arguments,
 * on a server of its own.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import pg from "pg";
import { build } from "../../build/build.ts";
import { root } from "../../build/project.ts";
import { languageOf } from "../../src/workbench/db/language.ts";
import { startServer } from "../../src/workbench/db/server.ts";
import { fuzz } from "./fuzz.ts";

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number is wanted");
  return Number(text);
};

const program = new Command("test:fuzz")
  .description(
    "Calls every ruvector_* function with generated arguments: only documented SQLSTATEs may " +
      "come back.",
  )
  .option("--seed <number>", "all arguments come from it", whole, 1)
  .option("--count <number>", "argument sets for each function", whole, 1000)
  .option("--only <part>", "only functions whose name contains it")
  .action(async ({ seed, count, only }: { seed: number; count: number; only?: string }) => {
    await build();
    const server = await startServer({
      name: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-fuzz-${seed}`,
      fresh: true,
      log: (line) => console.error(line),
    });
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const language = await languageOf(client);
    const script = await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8");
    await client.query(`BEGIN; ${script}; COMMIT;`);
    await client.end();
    const began = Date.now();
    const results = await fuzz({
      url: server.url(),
      seed,
      count,
      ...(only !== undefined && { only }),
      log: (line) => console.log(line),
    });
    const findings = results.reduce((sum, result) => sum + result.findings.length, 0);
    console.log(
      `${results.length} functions, ${results.reduce((sum, { calls }) => sum + calls, 0)} ` +
        `calls in ${Math.round((Date.now() - began) / 1000)} s with seed ${seed}: ${findings} ` +
        "findings",
    );
    if (findings > 0) process.exitCode = 1;
    await server.destroy();
  });

await program.parseAsync();
