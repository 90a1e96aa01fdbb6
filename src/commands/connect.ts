/**
 * Connections as psql makes them: a URL, a conninfo string or a database's name, else DATABASE_URL,
 * then the PG* variables, then the local socket. TLS as libpq's sslmode has it (pg reads "require"
 * as "verify-full", and knows no "prefer", which managed servers that insist on TLS rely on).
 */
import { existsSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { parse, toClientConfig } from "pg-connection-string";
import { filedPassword, passwordFile } from "./password-file.ts";

const TLS_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type TlsMode = (typeof TLS_MODES)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/** Where to connect to; made once, used for every connection. */
export interface Target {
  readonly config: Readonly<pg.ClientConfig>;
  /** Whether a server that has no TLS is spoken to without it. */
  readonly tlsIsOptional: boolean;
  /** Without the password: for messages and logs. */
  readonly shown: string;
}

/** What is wrong with what the user typed, and what to type instead. */
export class ConnectionProblem extends Error {
  override readonly name = "ConnectionProblem";
}

/** "host=db port=5433 dbname='my db'", as libpq has it. */
function fromConninfo(text: string): URLSearchParams {
  const found = new URLSearchParams();
  const rest = text.replace(
    /([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?!')(?:[^\s\\]|\\.)*))\s*/gy,
    (_, key: string, quoted: string | undefined, plain: string | undefined) => {
      found.set(key, (quoted ?? plain ?? "").replace(/\\(.)/g, "$1"));
      return "";
    },
  );
  if (rest.trim() !== "") {
    // What is left may be a part of a password.
    const where = /password/i.test(text)
      ? `from character ${text.length - rest.length + 1} on`
      : JSON.stringify(rest.trim());
    throw new ConnectionProblem(
      `This is no connection string: ${where}. Write ` +
        "postgresql://user@host:5432/database, or host=... dbname=...",
    );
  }
  return found;
}

const isUrl = (text: string): boolean => /^postgres(ql)?:\/\//i.test(text);

/**
 * @param where as psql takes it: a URL, a conninfo string, or the name of a database; undefined:
 *   what the environment says, DATABASE_URL before the PG* variables
 */
export function target(where: string | undefined, environment: Environment = process.env): Target {
  // Docker's --env-file leaves the quotes that a shell would have taken.
  const text = (where || environment["DATABASE_URL"] || "")
    .trim()
    .replace(/^(["'])(postgres(?:ql)?:\/\/.*)\1$/is, "$2");
  const url = addressOf(text);
  refuseOthers(text, url, environment);
  const mode = setTls(url.searchParams, environment);
  const { dbname, hostaddr, passfile, ...parsed } = read(url);
  const port = portOf(parsed.port ?? environment["PGPORT"]);
  const host =
    parsed.host ||
    hostaddr ||
    environment["PGHOST"] ||
    environment["PGHOSTADDR"] ||
    localSocket(port);
  const user = parsed.user || environment["PGUSER"] || userInfo().username;
  const database =
    databaseOf(url) || parsed.database || dbname || environment["PGDATABASE"] || user;
  const socket = host.startsWith("/");
  // Looked for when the server asks for one.
  const asked = (): string =>
    filedPassword(
      passfile || passwordFile(environment),
      { host, port, user, database },
      (problem) => void process.stderr.write(`${problem}\n`),
    ) ?? none();
  const seconds = Number(
    url.searchParams.get("connect_timeout") ?? environment["PGCONNECT_TIMEOUT"] ?? 10,
  );
  return {
    config: {
      ...parsed,
      host,
      port,
      user,
      database,
      password: parsed.password || environment["PGPASSWORD"] || asked,
      ssl: socket || mode === "disable" ? false : (parsed.ssl ?? false),
      application_name: parsed.application_name ?? environment["PGAPPNAME"] ?? "ruvector-healing",
      connectionTimeoutMillis: (Number.isFinite(seconds) && seconds > 0 ? seconds : 10) * 1000,
      keepAlive: true,
    },
    tlsIsOptional: mode === "allow" || mode === "prefer",
    shown: `${user}@${host}:${port}/${database}`,
  };
}

/** What a server that asks for a password is told where there is none. */
export const NO_PASSWORD = "a password is asked for, and none was given";

function none(): never {
  throw new Error(NO_PASSWORD);
}

/** pg leaves what separates a URL's parts as it is written: "a%2Fb". */
function databaseOf({ pathname }: URL): string | null {
  try {
    return decodeURIComponent(pathname.slice(1));
  } catch {
    return null;
  }
}

const HOSTLESS = /^postgres(?:ql)?:\/\/([^:@/?#]*)(?::([^@/?#]*))?@(\/.*)$/i;
const ONE_HOST =
  "More than one host: write the primary's alone, or the name or proxy that leads to it.";

/** What cannot be asked for here, and would quietly lead to another server than psql's. */
function refuseOthers(text: string, url: URL, environment: Environment): void {
  if (/^[a-z][a-z0-9+.-]*:/i.test(text) && text.includes("://") && !isUrl(text))
    throw new ConnectionProblem(
      `This is no address of a PostgreSQL: it begins with "${text.split("://")[0]}://". It looks ` +
        "like postgresql://user@host:5432/database",
    );
  // To psql it would be the name of a database.
  if (/^(?:[\w.-]+|\[[\da-f:.]+\]):\d+(?:\/|$)/i.test(text))
    throw new ConnectionProblem(
      `This is no address of a PostgreSQL: write postgresql://${text}, with user@ where it is ` +
        "another one",
    );
  const service =
    url.searchParams.get("service") ?? (text === "" ? environment["PGSERVICE"] : undefined);
  if (service)
    throw new ConnectionProblem(
      `Service files are not read, and so not what ${JSON.stringify(service)} stands for. Write ` +
        "postgresql://user@host:5432/database, or host=... dbname=...",
    );
  if ((url.searchParams.get("host") || url.hostname || environment["PGHOST"] || "").includes(","))
    throw new ConnectionProblem(ONE_HOST);
}

/** Of an address that is none: a password may hold what separates the parts of one. */
export const withoutPassword = (text: string): string =>
  text.replace(/(:\/\/[^:/?#@]*):.*@/s, "$1:***@");

/** What the user typed as a URL, a conninfo string's settings as its parameters. */
function addressOf(text: string): URL {
  let url: URL;
  const conninfo = settingsOf(text);
  // libpq's "postgresql://user@/database?host=/folder" (Cloud SQL's) is no URL of the web's.
  const [, user, password, rest] = HOSTLESS.exec(text) ?? [];
  const typed = isUrl(text) ? text : "postgresql://";
  try {
    url = new URL(rest === undefined ? typed : `postgresql://${rest}`);
    if (user) conninfo.set("user", decodeURIComponent(user));
    if (password) conninfo.set("password", decodeURIComponent(password));
  } catch {
    if (/^[^/]*\/\/[^/]*,/.test(text)) throw new ConnectionProblem(ONE_HOST);
    const shown = withoutPassword(text);
    throw new ConnectionProblem(
      `This is no address of a database: ${shown}. It looks like ` +
        "postgresql://user@host:5432/database" +
        (shown === text ? "" : "; in a password, / ? # and % are written %2F %3F %23 %25"),
    );
  }
  for (const [key, value] of conninfo) url.searchParams.set(key, value);
  return url;
}

/** Of a conninfo string, or a database's name; a URL has its own. */
function settingsOf(text: string): URLSearchParams {
  if (text === "" || isUrl(text)) return new URLSearchParams();
  return text.includes("=") ? fromConninfo(text) : new URLSearchParams({ dbname: text });
}

/** Puts into the parameters what pg-connection-string is to make of sslmode and its files. */
function setTls(parameters: URLSearchParams, environment: Environment): TlsMode {
  const named = (key: string, variable: string, fallback?: string): void => {
    const value = environment[variable] || fallback;
    if (!parameters.has(key) && value !== undefined && value !== "") parameters.set(key, value);
  };
  // As libpq has JDBC's ssl=true; and Node.js's own word for what libpq's require is.
  const ssl = parameters.get("ssl");
  if (ssl !== null && !parameters.has("sslmode"))
    parameters.set("sslmode", /^(true|1)$/.test(ssl) ? "require" : "disable");
  parameters.delete("ssl");
  if (parameters.get("sslmode") === "no-verify") {
    parameters.set("sslmode", "require");
    parameters.delete("sslrootcert");
  }
  named("sslmode", "PGSSLMODE", "prefer");
  named("sslcert", "PGSSLCERT");
  named("sslkey", "PGSSLKEY");
  const roots = join(homedir(), ".postgresql", "root.crt");
  named("sslrootcert", "PGSSLROOTCERT", existsSync(roots) ? roots : undefined);
  const mode = parameters.get("sslmode") as TlsMode;
  if (!TLS_MODES.includes(mode))
    throw new ConnectionProblem(`sslmode is "${mode}"; it is one of ${TLS_MODES.join(", ")}.`);
  // "system" stands for the certificates that Node.js trusts anyway.
  if (parameters.get("sslrootcert") === "system") parameters.delete("sslrootcert");
  if (mode === "allow" || mode === "prefer") parameters.delete("sslrootcert");
  if (mode === "allow") parameters.set("sslmode", "prefer");
  parameters.delete("uselibpqcompat");
  return mode;
}

/** What is none ends a connection before it is one, without a word. */
function portOf(given: string | number | undefined): number {
  const port = Number(given || 5432);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new ConnectionProblem(
    `The port is ${JSON.stringify(given)}; it is a number from 1 to 65535 (PGPORT, or port=).`,
  );
}

type Read = pg.ClientConfig & { dbname?: string; hostaddr?: string; passfile?: string };

function read(url: URL): Read {
  try {
    return toClientConfig(parse(url.href, { useLibpqCompat: true })) as Read;
  } catch (error) {
    throw new ConnectionProblem(error instanceof Error ? error.message : String(error));
  }
}

/** Where psql looks when nothing names a host. */
function localSocket(port: number): string {
  const folder = "/var/run/postgresql";
  return existsSync(`${folder}/.s.PGSQL.${port}`) ? folder : "localhost";
}

export const NO_TLS = "The server does not support SSL connections";

/** A connected client. One that is lost later does not end the process: its next query fails. */
export async function connect(
  { config, tlsIsOptional }: Target,
  more: pg.ClientConfig = {},
): Promise<pg.Client> {
  const open = async (ssl: pg.ClientConfig["ssl"]): Promise<pg.Client> => {
    const client = new pg.Client({ ...config, ...more, ...(ssl !== undefined && { ssl }) });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  };
  try {
    return await open(config.ssl);
  } catch (error) {
    if (tlsIsOptional && config.ssl !== false && error instanceof Error && error.message === NO_TLS)
      return open(false);
    throw error;
  }
}
