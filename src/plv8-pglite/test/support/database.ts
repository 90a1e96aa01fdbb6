/** An embedded database for a test file, from the common snapshot. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, inject } from "vitest";
import {
  type DatabaseNotice,
  type EmbeddedDatabase,
  type EmbeddedError,
  openEmbedded,
} from "../../index.ts";
import type {} from "./global-setup.ts";

export interface TestEmbedded {
  readonly database: EmbeddedDatabase;
  /** First column of the first row. */
  value<Value>(statement: string, parameters?: readonly unknown[]): Promise<Value>;
  /** The error that a statement raises; fails when it raises none. */
  raised(statement: string): Promise<EmbeddedError>;
  /** Notices since the last call. */
  notices(): DatabaseNotice[];
}

/** Call at the top of a file. */
export function testEmbedded(): TestEmbedded {
  let database: EmbeddedDatabase | undefined;
  let seen: DatabaseNotice[] = [];
  beforeAll(async () => {
    database = await openEmbedded({ snapshot: await readFile(inject("embeddedSnapshot")) });
    database.onNotice((notice) => seen.push(notice));
  });
  afterAll(() => database?.close());
  return {
    get database() {
      return database!;
    },
    value: async <Value>(statement: string, parameters: readonly unknown[] = []) =>
      Object.values((await database!.query(statement, parameters))[0] ?? {})[0] as Value,
    async raised(statement) {
      try {
        await database!.query(statement);
      } catch (error) {
        return error as EmbeddedError;
      }
      throw new Error(`no error was raised by: ${statement}`);
    },
    notices: () => seen.splice(0),
  };
}
