/**
 * One tool, run for real: its project in a folder of its own, the script in it as it was built, a
 * database with the two extensions; and what is in that database afterwards.
 */
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { root } from "../../build/project.ts";
import { type Fetched, projectOf } from "./packages.ts";
import { PUT, type Tool } from "./tools.ts";

export const scriptOf = (language: string, { one_statement = false } = {}): string =>
  join(root, `dist/ruvector_healing.${language}${one_statement ? ".one-statement" : ""}.sql`);

/** Every object that the script makes, a line each, with what its routines' bodies hash to. */
export async function objects(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const query = await readFile(join(root, "test/catalogue/objects.sql"), "utf8");
    const { rows } = await client.query<{ name: string; text: string }>(query);
    const { rows: bodies } = await client.query<{ name: string; text: string }>(
      `SELECT oid::regprocedure::text AS name, md5(prosrc) AS text FROM pg_proc
        WHERE pronamespace = 'ruvector'::regnamespace OR proname ~ '^ruvector_' ORDER BY 1`,
    );
    return [...rows, ...bodies].map(({ name, text }) => `${name}: ${text}`);
  } finally {
    await client.end();
  }
}

/** Lines that only one of them has. */
export function difference(wanted: readonly string[], found: readonly string[]): string[] {
  const [all, is] = [new Set(wanted), new Set(found)];
  return [
    ...wanted.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...found.filter((line) => !all.has(line)).map((line) => `+ ${line}`),
  ];
}

/** A database with the extensions, and one of the same name and "_shadow", which some ask for. */
export async function makeDatabase(
  url: (database: string) => string,
  name: string,
  language: string,
): Promise<() => Promise<void>> {
  const admin = new pg.Client({ connectionString: url("postgres") });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const client = new pg.Client({ connectionString: url(name) });
  await client.connect();
  await client.query(`CREATE EXTENSION ${language}; CREATE EXTENSION vector`);
  await client.end();
  return async () => {
    for (const one of [name, `${name}_shadow`])
      await admin.query(`DROP DATABASE IF EXISTS ${one} WITH (FORCE)`);
    await admin.end();
  };
}

function addresses(url: (database: string) => string, name: string): Record<string, string> {
  const { username, password, hostname, port } = new URL(url(name));
  return {
    DATABASE_URL: `${url(name)}?sslmode=disable`,
    SHADOW_DATABASE_URL: url(`${name}_shadow`),
    ROOT_DATABASE_URL: url("postgres"),
    DATABASE_URI: url(name).replace(/^\w+/, "db:pg"),
    ASYNC_DATABASE_URL: url(name).replace(/^\w+/, "postgresql+asyncpg"),
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGDATABASE: name,
    ...(password === "" ? {} : { PGPASSWORD: decodeURIComponent(password) }),
  };
}

export interface Place {
  readonly url: (database: string) => string;
  readonly language: string;
}

/** Some tools print the whole script with an error, once or twice. */
const said = (output: string): string =>
  output
    .split("\n")
    .filter((line) => /^(?!\s*--).*(Error\b|error(:| at)|ERROR)/.test(line) && line.length < 400)
    .slice(-10)
    .join("\n");

export interface Outcome {
  /** What went wrong; "" is well. */
  readonly failure: string;
  readonly seconds: number;
}

/**
 * @param wanted what psql made of the same script
 * @param name of the database that is made, and dropped again
 */
export async function migrate(
  tool: Tool,
  { modules, environment }: Pick<Fetched, "modules" | "environment">,
  { url, language }: Place,
  wanted: readonly string[],
  name: string,
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), `ruvector-healing-${tool.name}-`));
  const drop = await makeDatabase(url, name, language);
  const began = Date.now();
  const ended = (failure: string): Outcome => ({ failure, seconds: (Date.now() - began) / 1000 });
  const put = async (): Promise<void> => {
    await mkdir(dirname(join(folder, tool.script)), { recursive: true });
    await cp(scriptOf(language, tool), join(folder, tool.script));
  };
  try {
    await cp(projectOf(tool), folder, { recursive: true });
    if (modules !== null) await symlink(modules, join(folder, "node_modules"));
    const env = { ...environment, ...addresses(url, name), LANGUAGE: language };
    if (!tool.steps.includes(PUT)) await put();
    for (const step of tool.steps) {
      if (step === PUT) await put();
      else {
        const [command, ...args] = step.map((one) =>
          one.replace(/^\$(\w+)/, (_, key: string) => (env as Record<string, string>)[key]!),
        );
        const options = { cwd: folder, env, stdin: "ignore", all: true, reject: false } as const;
        const { failed, all, shortMessage } = await execa(command!, args, options);
        if (failed) return ended(`${shortMessage?.slice(0, 200)}\n${said(all)}`);
      }
    }
    return ended(
      difference(wanted, await objects(url(name)))
        .slice(0, 10)
        .join("\n"),
    );
  } catch (error) {
    return ended(error instanceof Error ? error.message : String(error));
  } finally {
    await drop();
    await rm(folder, { recursive: true, force: true });
  }
}
