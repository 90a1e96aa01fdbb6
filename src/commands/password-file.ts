/**
 * The password that libpq would find in a password file: ~/.pgpass, PGPASSFILE or passfile. pg
 * reads one itself, with a warning of Node.js that it will not any more.
 */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** Of a line "host:port:database:user:password"; what is written with a backslash is itself. */
function fieldsOf(line: string): readonly string[] {
  const fields = line.match(/(?:\\.|[^\\:])*(?::|$)/gy) ?? [];
  const four = fields.slice(0, 4);
  // What follows the fourth colon is the password, colons that are not escaped too.
  const rest = line.slice(four.join("").length);
  return [...four.map((field) => field.slice(0, -1)), rest].map((field) =>
    field.replace(/\\(.)/g, "$1"),
  );
}

/** @returns undefined: the file says nothing of this place */
export function passwordIn(text: string, wanted: Wanted): string | undefined {
  // A socket's folder is "localhost" there.
  const host = wanted.host.startsWith("/") ? "localhost" : wanted.host;
  const place = [host, String(wanted.port), wanted.database, wanted.user];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    const fits = place.every((value, at) => fields[at] === "*" || fields[at] === value);
    if (fields.length === 5 && fits && fields[4] !== "") return fields[4];
  }
  return undefined;
}

export const passwordFile = (environment: Readonly<Record<string, string | undefined>>): string =>
  environment["PGPASSFILE"] ||
  (process.platform === "win32"
    ? join(environment["APPDATA"] ?? ".", "postgresql", "pgpass.conf")
    : join(environment["HOME"] || homedir(), ".pgpass"));

/**
 * As libpq: a file that others may read is left unread, and that is said.
 * @param say is told what is wrong with the file
 */
export function filedPassword(
  file: string,
  wanted: Wanted,
  say: (problem: string) => void,
): string | undefined {
  let text: string;
  try {
    const { mode } = statSync(file);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      say(`The password file ${file} is not read, because others may: chmod 600 ${file}`);
      return undefined;
    }
    text = readFileSync(file, "utf8");
  } catch {
    // There is none, mostly.
    return undefined;
  }
  return passwordIn(text, wanted);
}
