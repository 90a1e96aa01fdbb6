/**
 * The embedded database with the extensions and ruvector_healing installed. Making it takes initdb
 * and the install script, seconds; so its files are kept as a snapshot (about 5 MB), from which the
 * next one opens in about one. The snapshot's name is made of all that it depends on: it is never
 * stale.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { root } from "../project.ts";
import { type EmbeddedDatabase, openEmbedded } from "../../plv8-pglite/index.ts";
import { withLock } from "../db/lock.ts";
import { cacheFolder } from "../db/places.ts";
import { untilInterrupted } from "../../commands/command-line.ts";

const SCRIPT = join(root, "dist/ruvector_healing.plv8.sql");
const LANGUAGE = join(root, "src/plv8-pglite");
const ENDING = ".tar.gz";

export interface Opened {
  readonly database: EmbeddedDatabase;
  /** Whether it came from a snapshot that was there; otherwise initdb ran. */
  readonly from_snapshot: boolean;
}

/**
 * Beside the packages, so that it goes with the checkout; in the user's cache where the checkout is
 * somebody else's.
 */
async function defaultFolder(): Promise<string> {
  const packages = join(root, "node_modules");
  const writable = await access(packages, constants.W_OK).then(
    () => true,
    () => false,
  );
  return writable ? join(packages, ".cache", "ruvector-healing") : join(cacheFolder(), "embedded");
}

/**
 * PGlite's files differ between versions; the language's objects and the script's are in the
 * snapshot.
 */
async function name(script: string): Promise<string> {
  const require = createRequire(join(LANGUAGE, "package.json"));
  const hash = createHash("sha256").update(script);
  for (const one of ["@electric-sql/pglite", "@electric-sql/pglite-pgvector"]) {
    hash.update(await readFile(join(dirname(require.resolve(one)), "../package.json")));
  }
  hash.update(await readFile(join(LANGUAGE, "plv8/extension.ts")));
  return `${hash.digest("hex").slice(0, 24)}${ENDING}`;
}

async function install(script: string): Promise<EmbeddedDatabase> {
  const database = await openEmbedded();
  try {
    await database.exec("CREATE EXTENSION vector");
    await database.exec(script);
    // So that opening the snapshot has nothing to recover.
    await database.exec("CHECKPOINT");
    return database;
  } catch (error) {
    // Its thread would keep the process for ever.
    await database.close();
    throw error;
  }
}

/** Replaces the snapshot in one step, and removes those of other versions. */
async function keep(file: string, snapshot: Uint8Array): Promise<void> {
  const draft = `${file}.${process.pid}`;
  try {
    await writeFile(draft, snapshot);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  const others = (await readdir(dirname(file))).filter(
    (other) => other.endsWith(ENDING) && !file.endsWith(other),
  );
  for (const other of others) await rm(join(dirname(file), other), { force: true });
}

async function fromSnapshot(file: string): Promise<Opened | undefined> {
  const snapshot = await readFile(file).catch(() => undefined);
  if (!snapshot) return undefined;
  try {
    return { database: await openEmbedded({ snapshot }), from_snapshot: true };
  } catch {
    // Damaged, though it was written in one step: made again.
    await rm(file, { force: true });
    return undefined;
  }
}

export interface Options {
  /** Where the snapshot is kept; by default beside the packages, or in the user's cache. */
  readonly folder?: string;
  /** Told when it takes longer than usual, and why. */
  readonly log?: (line: string) => void;
  /**
   * Gives up when it says so: with its lock and its drafts removed, and the database left to the
   * end of the process.
   */
  readonly signal?: AbortSignal;
}

async function place({
  folder,
}: Options): Promise<{ readonly script: string; readonly file: string }> {
  const script = await readFile(SCRIPT, "utf8");
  return { script, file: join(folder ?? (await defaultFolder()), await name(script)) };
}

/**
 * `npm run build` has to have written the install script. Two processes at once make one snapshot.
 */
export async function openHealing(options: Options = {}): Promise<Opened> {
  const { log = () => undefined, signal = new AbortController().signal } = options;
  const { script, file } = await place(options);
  const opened = await untilInterrupted(fromSnapshot(file), signal);
  if (opened) return opened;
  const make = async (): Promise<Opened> => {
    log(
      "Making the database: initdb and the install script (once; the next start opens a " +
        "snapshot)...",
    );
    const database = await untilInterrupted(install(script), signal);
    return { database, from_snapshot: false };
  };
  const kept = await mkdir(dirname(file), { recursive: true }).then(
    () => true,
    () => false,
  );
  // Nowhere to keep it: then every start makes it.
  if (!kept) return make();
  return withLock(
    `${file}.lock`,
    {
      waiting: (pid) => log(`Process ${pid} is making the database's snapshot: waiting for it...`),
    },
    async () => {
      const made = await untilInterrupted(fromSnapshot(file), signal);
      if (made) return made;
      const fresh = await make();
      await keep(file, await untilInterrupted(fresh.database.dumpDataDir(), signal));
      return fresh;
    },
  );
}

/**
 * The snapshot's file, made if need be: for tests, which open one database after another from it.
 */
export async function snapshotFile(options: Options = {}): Promise<string> {
  const { file } = await place(options);
  if (
    !(await access(file).then(
      () => true,
      () => false,
    ))
  )
    await (await openHealing(options)).database.close();
  return file;
}
