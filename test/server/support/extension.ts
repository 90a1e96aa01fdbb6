/**
 * The files of the extension where the server finds them: in a folder of its own data directory,
 * which `extension_control_path` (PostgreSQL 18 and newer) names for a session. So nothing is
 * copied to a SHAREDIR that others use.
 */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type pg from "pg";
import { type Language, root } from "../../../build/project.ts";

/** Whether the server can be told where to look. */
export const canPlace = async (client: pg.Client): Promise<boolean> =>
  (
    (await client.query("SELECT current_setting('extension_control_path', true) AS path"))
      .rows[0] as { path: string | null }
  ).path !== null;

export class ExtensionFiles {
  readonly #client: pg.Client;
  readonly #folder: string;

  private constructor(client: pg.Client, folder: string) {
    this.#client = client;
    this.#folder = folder;
  }

  static async make(client: pg.Client, name: string): Promise<ExtensionFiles> {
    const { rows } = await client.query<{ data: string }>(
      "SELECT current_setting('data_directory') AS data",
    );
    return new ExtensionFiles(client, `${rows[0]!.data}/${name}`);
  }

  /** For each session that makes, alters or drops the extension. */
  get setting(): string {
    return `SET extension_control_path = '${this.#folder}:$system'`;
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
    const control = await readFile(
      join(root, `extension/${language}/ruvector_healing.control`),
      "utf8",
    );
    await this.put(
      "ruvector_healing.control",
      control.replace(/default_version = '.*'/, `default_version = '${version}'`),
    );
  }

  async remove(): Promise<void> {
    await this.#client.query(`COPY (SELECT) TO PROGRAM 'rm -rf ${this.#folder}'`);
  }
}
