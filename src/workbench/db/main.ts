import { Command, InvalidArgumentError, Option } from "commander";
import { execa } from "execa";
import pc from "../../commands/colours.ts";
import { describe, row } from "./describe.ts";
import { externalUrl } from "./external.ts";
import {
  allRecords,
  cacheFolder,
  database as defaultDatabase,
  readRecord,
  recordedNames,
  removeEmptyFolders,
  superuser,
} from "./places.ts";
import { ServerProblem } from "./problem.ts";
import {
  findServer,
  providers,
  startServer,
  whyNot,
  type Server,
  type StopMode,
} from "./server.ts";
import { dbCommand, givenSite } from "./site.ts";

const log = (line: string): void => console.error(pc.dim(line));

const nameOption = (): Option =>
  new Option("-n, --name <name>", "which server; several may run side by side").default("default");

function collectSetting(text: string, before: Record<string, string> = {}): Record<string, string> {
  const match = /^([a-z_][a-z0-9_.]*)=(.*)$/i.exec(text);
  if (match === null)
    throw new InvalidArgumentError("Write it as setting=value, for example fsync=off.");
  return { ...before, [match[1] ?? ""]: match[2] ?? "" };
}

function collectReplicas(text: string): number {
  // As many as max_wal_senders and max_replication_slots of recipe/postgresql.conf leave room
  // for, with two to spare.
  if (!/^[0-8]$/.test(text)) throw new InvalidArgumentError("Write a number from 0 to 8.");
  return Number(text);
}

async function isRunning(server: Server): Promise<boolean> {
  if (server.kind === "external") return true;
  return (await providers[server.kind].state(server.name)).running;
}

async function running(name: string): Promise<Server> {
  const server = await findServer(name);
  if (await isRunning(server)) return server;
  throw new ServerProblem(`The server "${name}" is not running.`, dbCommand("start", name));
}

async function start(options: {
  name: string;
  fresh: boolean;
  set?: Record<string, string>;
  replicas?: number;
}): Promise<void> {
  const { name, fresh, set, replicas } = options;
  const server = await startServer({
    name,
    fresh,
    log,
    ...(set === undefined ? {} : { settings: set }),
    ...(replicas === undefined ? {} : { replicas }),
  });
  console.log(`${pc.green("running")}: the server "${server.name}" (${server.made_of})`);
  row("url", server.url());
  for (const replica of server.replicas) row(replica.name, replica.url());
  row("psql", server.psql);
}

async function status({ name }: { name: string }): Promise<void> {
  const server = await findServer(name);
  if (await isRunning(server)) await describe(server);
  else {
    console.log(`${pc.yellow("stopped")}: the server "${name}" (${server.made_of})`);
    row("where", server.where);
    row("start", dbCommand("start", name));
    process.exitCode = 3;
  }
  if (server.kind === "external") return;
  const others = recordedNames(providers[server.kind].records()).filter((other) => other !== name);
  if (others.length > 0) row("others", others.join(", "));
  for (const { made_of, command } of await elsewhere())
    row("elsewhere", `${made_of}: ${command("status")}`);
}

/** The address of the server, or of one of its replicas: "1" or "replica1". */
function addressOf(server: Server, replica: string | undefined, database?: string): string {
  if (replica === undefined) return server.url(database);
  const found = server.replicas.find(
    (other) => other.name === replica || other.name === `replica${replica}`,
  );
  if (found !== undefined) return found.url(database);
  const known = server.replicas.map((other) => other.name).join(", ");
  throw new ServerProblem(
    `The server "${server.name}" has no replica "${replica}" ` +
      `(${known === "" ? "it has none" : `it has ${known}`}).`,
    dbCommand("start", server.name, "--replicas 1"),
  );
}

const replicaOption = (): Option =>
  new Option("-r, --replica <replica>", "of this replica, e.g. 1, instead of the primary");

async function psql(
  args: string[],
  { name, replica }: { name: string; replica?: string },
): Promise<void> {
  const server = await running(name);
  // psql handles Ctrl-C itself; this process must not go away under it.
  process.on("SIGINT", () => undefined);
  const url = new URL(addressOf(server, replica));
  const connection = {
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: superuser,
    PGDATABASE: defaultDatabase,
  };
  const options = {
    stdio: "inherit",
    reject: false,
    ...(server.kind === "external" ? {} : { env: connection }),
  } as const;
  let result = await execa(
    "psql",
    server.kind === "external" ? [server.url(), ...args] : args,
    options,
  );
  if (result.code === "ENOENT") {
    if (server.kind === "external") {
      throw new ServerProblem(
        "There is no psql on this machine.",
        "apt-get install postgresql-client (or the like), then again",
      );
    }
    const own = providers[server.kind].ownPsql(name, args);
    result = await execa(own.file, own.args, options);
  }
  process.exitCode = result.exitCode ?? 1;
}

/** Servers of places that are not named now: what they are of, and a command that means them. */
async function elsewhere(): Promise<{ made_of: string; command: (what: string) => string }[]> {
  const now = givenSite();
  const own = ["docker", "debootstrap"];
  const here = now === undefined ? own : [providers[now].records()];
  const found = [];
  for (const records of allRecords().filter(
    (one) => !here.includes(one) && !(now !== undefined && own.includes(one)),
  )) {
    const name = recordedNames(records)[0];
    const record = name === undefined ? undefined : await readRecord(records, name);
    if (record === undefined) continue;
    const command = (what: string): string => `${record.variables ?? ""}npm run db -- ${what}`;
    found.push({ made_of: record.made_of ?? records, command });
  }
  return found;
}

async function destroyAll(): Promise<void> {
  if (externalUrl() !== undefined) log("DATABASE_URL is set; that server is left alone.");
  const given = givenSite();
  for (const kind of given === undefined ? (["docker", "debootstrap"] as const) : [given]) {
    const reason = await whyNot[kind]();
    if (reason === undefined) await providers[kind].destroyAll(log);
    else if (recordedNames(providers[kind].records()).length > 0) {
      throw new ServerProblem(
        `Servers made with ${kind} are left ` +
          `(${recordedNames(providers[kind].records()).join(", ")}), and it cannot be used ` +
          `now: ${reason}.`,
        "Make it usable, then: npm run db -- destroy --all",
      );
    }
  }
  removeEmptyFolders();
  if (given !== undefined)
    return console.log(`Every server of ${providers[given].title()} is removed.`);
  console.log(`Everything is removed (it was in ${cacheFolder()}).`);
  for (const { made_of, command } of await elsewhere())
    console.log(`Left are servers of ${made_of}: ${command("destroy --all")}`);
}

const program = new Command("npm run db --")
  .description(
    "A throwaway PostgreSQL with PLJS or plv8, pg_cron and pgvector, for the demo, the tests " +
      "and you.",
  )
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nWhere the server comes from: DATABASE_URL if it is set; else Docker if it answers; else, " +
      "as root on Debian or Ubuntu,\n" +
      "a folder made with debootstrap. RUVECTOR_HEALING_SERVER=docker or =debootstrap decides. " +
      "RUVECTOR_HEALING_ROOT or\n" +
      "RUVECTOR_HEALING_BINDIR names another PostgreSQL, RUVECTOR_HEALING_LANGUAGE (pljs, plv8) " +
      "the language. See docs/development-server.md.",
  );

program
  .command("start")
  .description("start the server; makes it first if it is not there")
  .addOption(nameOption())
  .option("--fresh", "drop its data first", false)
  .option(
    "--set <setting=value>",
    "a PostgreSQL setting, remembered (may be repeated)",
    collectSetting,
  )
  .option(
    "--replicas <number>",
    "how many streaming replicas it shall have (kept when left out)",
    collectReplicas,
  )
  .action(start);

program
  .command("stop")
  .description("stop the server, keep its data")
  .addOption(nameOption())
  .addOption(new Option("--mode <mode>", "how").choices(["fast", "immediate"]).default("fast"))
  .action(async ({ name, mode }: { name: string; mode: StopMode }) => {
    await (await findServer(name)).stop(mode);
    console.log(`stopped: the server "${name}"`);
  });

program.command("status").description("what runs, where").addOption(nameOption()).action(status);

program
  .command("url")
  .description("print the address")
  .addOption(nameOption())
  .option("-d, --database <database>", "of this database")
  .addOption(replicaOption())
  .action(
    async ({ name, database, replica }: { name: string; database?: string; replica?: string }) => {
      console.log(addressOf(await running(name), replica, database));
    },
  );

program
  .command("psql")
  .description("open psql; what follows -- goes to it: npm run db -- psql -- -c 'select 1'")
  .addOption(nameOption())
  .addOption(replicaOption())
  .argument("[args...]", "for psql")
  .action(psql);

program
  .command("reset")
  .description("drop the server's data and start it empty")
  .addOption(nameOption())
  .action(async ({ name }: { name: string }) => {
    if (externalUrl() !== undefined) await (await findServer(name)).destroy();
    await start({ name, fresh: true });
  });

program
  .command("destroy")
  .description("stop the server and remove its data")
  .addOption(nameOption())
  .option("--all", "remove every server, and what they were made from", false)
  .action(async ({ name, all }: { name: string; all: boolean }) => {
    if (all) return destroyAll();
    await (await findServer(name)).destroy();
    console.log(`removed: the server "${name}"`);
  });

// A reader that has seen enough (| head) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ServerProblem)) throw error;
  console.error(pc.red(error.message));
  process.exitCode = 1;
}
