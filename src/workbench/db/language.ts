/** Which of the two languages is used in a database. */
import type pg from "pg";
import type { Language } from "../project.ts";
import { ServerProblem } from "./problem.ts";
import { wantedLanguage } from "./site.ts";

/** In the order in which they are taken. */
export const LANGUAGES: readonly Language[] = ["pljs", "plv8"];

/** What RUVECTOR_HEALING_LANGUAGE asks for, if it is among these; without it PLJS first. */
export function chosen(names: Iterable<string>): Language | undefined {
  const there = new Set(names);
  const wanted = wantedLanguage();
  if (wanted === undefined) return LANGUAGES.find((name) => there.has(name));
  return there.has(wanted) ? wanted : undefined;
}

/** "pljs or plv8", or the one that is asked for. */
export const wantedInWords = (): string => {
  const wanted = wantedLanguage();
  return wanted === undefined ? "pljs or plv8" : `${wanted} (RUVECTOR_HEALING_LANGUAGE)`;
};

/** The language of this database: its extension is there. */
export async function languageOf(client: pg.Client): Promise<Language> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT extname AS name FROM pg_extension WHERE extname = ANY ($1)",
    [LANGUAGES],
  );
  const language = chosen(rows.map(({ name }) => name));
  if (language !== undefined) return language;
  throw new ServerProblem(
    `${wantedInWords()} is not installed in this database.`,
    `CREATE EXTENSION ${wantedLanguage() ?? "pljs"};`,
  );
}
