/**
 * The files of the extension where the server finds them: in a folder of its own data directory,
 * which `extension_control_path` (PostgreSQL 18 and newer) names for a session. So nothing is
 * copied to a SHAREDIR that others use. Before 18 a control file has to be there: it is put into
 * that of RUVECTOR_HEALING_ROOT, a folder given for tests, names the same folder, and goes again.
 */
import { access, constants, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type pg from "pg";
import { type Language, root } from "../../../build/project.ts";
import { withLock } from "../../../src/workbench/db/lock.ts";

const CONTROL = "ruvector_healing.control";

async function value(client: pg.Client, query: string): Promise<string | null> {
  const { rows } = await client.query<{ value: string | null }>(`SELECT ${query} AS value`);
  return rows[0]!.value;
}

/** Of a server before 18, as this process sees it; null: it may not write there. */
async function sharedFolder(client: pg.Client): Promise<string | null> {
  const given = process.env["RUVECTOR_HEALING_ROOT"];
  if (given === undefined || given === "" || process.env["DATABASE_URL"]) return null;
  const shared = await value(client, "(SELECT setting FROM pg_config WHERE name = 'SHAREDIR')");
  const folder = join(given, shared!, "extension");
  return access(folder, constants.W_OK).then(
    () => folder,
    () => null,
  );
}

const findsAnywhere = async (client: pg.Client): Promise<boolean> =>
  (await value(client, "current_setting('extension_control_path', true)")) !== null;

/** Whether the server can be told where to look. */
export const canPlace = async (client: pg.Client): Promise<boolean> =>
  (await findsAnywhere(client)) || (await sharedFolder(client)) !== null;

/** Why a test is skipped where it cannot. */
export const CANNOT_PLACE =
  "before PostgreSQL 18 an extension is found in SHAREDIR alone, which is written to only in a " +
  "RUVECTOR_HEALING_ROOT";

/** The one place that all files of tests share: whoever comes second waits. */
class SharedControl {
  readonly #path: string;
  #release: (() => void) | undefined;
  #held: Promise<void> | undefined;

  constructor(folder: string) {
    this.#path = join(folder, CONTROL);
  }

  async put(text: string): Promise<void> {
    if (this.#held === undefined) await this.#take();
    const there = await readFile(this.#path, "utf8").catch(() => "");
    if (there !== "" && !there.includes("\ndirectory = "))
      throw new Error(`${this.#path} is not one of a test: remove it to have the tests run`);
    await writeFile(this.#path, text);
  }

  /** Held until it is let go; the lock of a run that was killed is taken over. */
  #take(): Promise<void> {
    return new Promise((taken, failed) => {
      const hold = (): Promise<void> =>
        new Promise((release) => {
          this.#release = release;
          taken();
        });
      this.#held = withLock(`${this.#path}.lock`, {}, hold);
      this.#held.catch(failed);
    });
  }

  async remove(): Promise<void> {
    if (this.#release === undefined) return;
    await rm(this.#path, { force: true });
    this.#release();
    await this.#held;
  }
}

export class ExtensionFiles {
  readonly #client: pg.Client;
  readonly #folder: string;
  readonly #shared: SharedControl | null;

  private constructor(client: pg.Client, folder: string, shared: SharedControl | null) {
    this.#client = client;
    this.#folder = folder;
    this.#shared = shared;
  }

  static async make(client: pg.Client, name: string): Promise<ExtensionFiles> {
    const data = await value(client, "current_setting('data_directory')");
    const shared = (await findsAnywhere(client)) ? null : await sharedFolder(client);
    const control = shared === null ? null : new SharedControl(shared);
    return new ExtensionFiles(client, `${data}/${name}`, control);
  }

  /** For each session that makes, alters or drops the extension; before 18 none is needed. */
  get setting(): string {
    return this.#shared ? "" : `SET extension_control_path = '${this.#folder}:$system'`;
  }

  async put(name: string, text: string): Promise<void> {
    const folder = `${this.#folder}/extension`;
    // COPY ends each row with a line feed, and writes nothing of base64 otherwise than it is.
    await this.#client.query(
      `COPY (SELECT '${Buffer.from(text).toString("base64")}')
        TO PROGRAM 'mkdir -p ${folder} && base64 -d > ${folder}/${name}'`,
    );
  }

  async putFiles(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.put(basename(path), await readFile(path, "utf8"));
  }

  async putControl(language: Language, version: string): Promise<void> {
    const made = await readFile(join(root, "extension", language, CONTROL), "utf8");
    const control = made.replace(/default_version = '.*'/, `default_version = '${version}'`);
    if (this.#shared === null) await this.put(CONTROL, control);
    else await this.#shared.put(`${control}directory = '${this.#folder}/extension'\n`);
  }

  async remove(): Promise<void> {
    await this.#client.query(`COPY (SELECT) TO PROGRAM 'rm -rf ${this.#folder}'`);
    await this.#shared?.remove();
  }
}
