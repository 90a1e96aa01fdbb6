/** Servers as containers: one compose project of docker-compose.server.yml per instance. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { compose } from "./compose.ts";
import { answers, ensureDatabase } from "./connection.ts";
import { until } from "./files.ts";
import { withLock } from "./lock.ts";
import {
  cacheFolder,
  lockFile,
  readRecord,
  recipe,
  removeRecord,
  superuser,
  database,
  writeRecord,
} from "./places.ts";
import { root } from "../project.ts";
import { anyFreePort, isFree } from "./ports.ts";
import { ServerProblem } from "./problem.ts";
import type {
  Command,
  InstanceOptions,
  InstanceState,
  Log,
  Provider,
  StopMode,
} from "./provider.ts";
import { quoted, sameSettings } from "./settings.ts";
import { dbCommand, isOwnVersion, otherVersion, wantedVersion } from "./site.ts";

const kind = "docker";
const image = "ruvector-healing-server";
const prefix = "ruvector-healing-";
const project = (name: string): string => `${prefix}${name}`;
const container = (name: string): string => `${project(name)}-server-1`;
const buildLog = (): string => join(cacheFolder(), "docker-build.log");

/** The image's tag is what it is made from, so an edited recipe is a new image. */
function imageTag(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(recipe.folder).sort())
    hash.update(file).update(readFileSync(join(recipe.folder, file)));
  return hash.digest("hex").slice(0, 12);
}

interface Variables {
  port?: number;
  settings?: Record<string, string>;
}

async function inProject(name: string, args: string[], { port, settings = {} }: Variables = {}) {
  const command = await compose();
  if (typeof command === "string") throw new ServerProblem(`${command}.`, "Start it, then again.");
  const lines = Object.entries(settings).map(([setting, value]) => `${setting} = ${quoted(value)}`);
  const where = ["-f", join(root, "docker-compose.server.yml"), "-p", project(name)];
  return execa(command.file, [...command.args, ...where, ...args], {
    reject: false,
    stdin: "ignore",
    all: true,
    env: {
      RUVECTOR_HEALING_IMAGE_TAG: imageTag(),
      RUVECTOR_HEALING_SETTINGS: lines.join("\n"),
      ...(port === undefined ? {} : { RUVECTOR_HEALING_PORT: String(port) }),
    },
  });
}

interface Outcome {
  failed: boolean;
  all?: string | undefined;
  shortMessage?: string | undefined;
}

async function must(what: string, run: PromiseLike<Outcome>, ...todo: string[]): Promise<void> {
  const result = await run;
  if (!result.failed) return;
  const tail = (result.all || (result.shortMessage ?? "")).trimEnd().split("\n").slice(-12);
  throw new ServerProblem(
    `${what} failed. Its last lines:`,
    ...tail.map((line) => `| ${line}`),
    ...todo,
  );
}

interface Container {
  running: boolean;
  image: string;
  port?: number;
}

async function look(name: string): Promise<Container | undefined> {
  const format =
    "{{.State.Running}} {{.Config.Image}} {{with index .HostConfig.PortBindings " +
    '"5432/tcp"}}{{(index . 0).HostPort}}{{end}}';
  const result = await execa(
    "docker",
    ["container", "inspect", "--format", format, container(name)],
    { reject: false },
  );
  if (result.failed) return undefined;
  const [up, from = "", port] = result.stdout.trim().split(" ");
  return {
    running: up === "true",
    image: from,
    ...(port === undefined || port === "" ? {} : { port: Number(port) }),
  };
}

async function build(name: string, log: Log): Promise<void> {
  const inspected = await execa("docker", ["image", "inspect", `${image}:${imageTag()}`], {
    reject: false,
  });
  if (!inspected.failed) return;
  log(`Building the image ${image} with PostgreSQL 18: once, a minute or so...`);
  await mkdir(cacheFolder(), { recursive: true });
  const result = inProject(name, ["build"]);
  await writeFile(buildLog(), (await result).all ?? "");
  await must(
    "docker compose build",
    result,
    `All of it: ${buildLog()}`,
    "Another base image: BASE_IMAGE=... ; another mirror: DEBIAN_MIRROR=... ; options for " +
      "apt-get: APT_OPTIONS=...",
    "Without Docker: RUVECTOR_HEALING_SERVER=debootstrap (root, Debian or Ubuntu), or " +
      "DATABASE_URL=postgresql://...",
  );
}

async function up(
  name: string,
  remembered: number | undefined,
  settings: Record<string, string>,
): Promise<number> {
  const current = await look(name);
  const own = current?.running === true ? current.port : undefined;
  const wanted = own ?? remembered ?? current?.port;
  for (let attempt = 1; ; attempt += 1) {
    const keep =
      attempt === 1 && wanted !== undefined && (wanted === own || (await isFree(wanted)));
    const port = keep ? wanted : await anyFreePort();
    const result = inProject(name, ["up", "-d"], { port, settings });
    // Somebody may take the port between the look and the start.
    const taken = /address already in use|port is already allocated/i.test(
      (await result).all ?? "",
    );
    if (taken && attempt < 5) continue;
    await must("docker compose up", result);
    await answering(name, port);
    return port;
  }
}

/**
 * Waits for the server itself; its health check looks only every two seconds.
 */
async function answering(name: string, port: number): Promise<void> {
  const deadline = Date.now() + 180_000;
  while (!(await answers(port))) {
    if ((await look(name))?.running === true && Date.now() < deadline) await sleep(50);
    else {
      const logs = await execa("docker", ["logs", "--tail", "12", container(name)], {
        reject: false,
        all: true,
      });
      throw new ServerProblem(
        `The server "${name}" did not start. The end of its log:`,
        ...logs.all.split("\n").map((line) => `| ${line}`),
        `All of it: docker logs ${container(name)}`,
        `Start over with an empty one: ${dbCommand("reset", name)}`,
      );
    }
  }
}

/**
 * A replica needs the primary's network and a base backup of it: that is made in the folder only.
 */
const noReplicas = (): never => {
  throw new ServerProblem(
    "Servers made with Docker have no replicas.",
    "The folder made with debootstrap (root, Debian or Ubuntu) has them: " +
      "RUVECTOR_HEALING_SERVER=debootstrap npm run db -- start --replicas 1",
  );
};

async function start(name: string, options: InstanceOptions): Promise<void> {
  if ((options.replicas ?? 0) > 0) noReplicas();
  const version = wantedVersion();
  if (!isOwnVersion(version)) throw otherVersion(version!);
  const waiting = (pid: number): void =>
    options.log(`Process ${pid} is busy with the server "${name}"; waiting...`);
  await withLock(`${lockFile(kind, name)}.build`, { waiting }, () => build(name, options.log));
  await withLock(lockFile(kind, name), { waiting }, async () => {
    const record = await readRecord(kind, name);
    if (options.fresh) await down(name);
    const settings = options.settings ?? record?.settings ?? {};
    const current = await look(name);
    const same =
      sameSettings(settings, record?.settings ?? {}) && current?.image === `${image}:${imageTag()}`;
    if (current?.running === true && current.port !== undefined && same)
      return ensureDatabase(current.port);
    const port = await up(name, record?.port, settings);
    await writeRecord(kind, name, { port, settings });
    await ensureDatabase(port);
  });
}

/** Removes the container, its network and its data. */
const down = (name: string): Promise<void> =>
  must("docker compose down", inProject(name, ["down", "-v", "--timeout", "0"]));

async function stop(name: string, mode: StopMode): Promise<void> {
  await withLock(lockFile(kind, name), {}, async () => {
    if ((await look(name))?.running !== true) return;
    // SIGQUIT is PostgreSQL's immediate shutdown; the image's own stop signal is the fast one.
    if (mode === "immediate")
      await must("docker compose kill", inProject(name, ["kill", "-s", "QUIT"]));
    await must("docker compose stop", inProject(name, ["stop"]));
  });
}

/** The postmaster is the container's first process: the kernel kills all others with it. */
async function kill9(name: string): Promise<void> {
  if ((await look(name))?.running !== true) return;
  const kill = ["kill", "--signal", "KILL", container(name)];
  await must("docker kill", execa("docker", kill, { reject: false, stdin: "ignore", all: true }));
  await until(async () => (await look(name))?.running !== true, 10);
}

async function state(name: string): Promise<InstanceState> {
  const current = await look(name);
  const port = current?.port ?? (await readRecord(kind, name))?.port;
  return {
    running: current?.running === true,
    replicas: [],
    where: `container ${container(name)}, volume ${project(name)}_data`,
    ...(port === undefined ? {} : { port }),
  };
}

async function destroy(name: string): Promise<void> {
  await withLock(lockFile(kind, name), {}, async () => {
    await down(name);
    removeRecord(kind, name);
  });
}

async function destroyAll(log: Log): Promise<void> {
  const lines = async (...args: string[]): Promise<string[]> =>
    (await execa("docker", args)).stdout.split("\n").filter(Boolean);
  const projects = await lines(
    ...["ps", "-a", "--filter", "label=com.docker.compose.service=server"],
    ...["--format", '{{.Label "com.docker.compose.project"}}'],
  );
  for (const name of projects
    .filter((each) => each.startsWith(prefix))
    .map((each) => each.slice(prefix.length))) {
    log(`Removing the server "${name}"...`);
    await destroy(name);
  }
  const images = [...new Set(await lines("image", "ls", "--quiet", image))];
  if (images.length > 0) {
    log(`Removing the image ${image}...`);
    await execa("docker", ["image", "rm", "--force", ...images]);
  }
  await rm(buildLog(), { force: true });
}

function ownPsql(name: string, args: string[]): Command {
  const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["-it"] : ["-i"];
  return {
    file: "docker",
    args: ["exec", ...terminal, container(name), "psql", "-U", superuser, "-d", database, ...args],
  };
}

export const dockerProvider: Provider = {
  kind,
  records: () => kind,
  title: () => "Docker",
  start,
  stop,
  kill9,
  follow: async () => noReplicas(),
  state,
  destroy,
  destroyAll,
  ownPsql,
};
