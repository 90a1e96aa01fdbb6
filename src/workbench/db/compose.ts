/** Docker here: the command that understands docker-compose.server.yml, or why there is none. */
import { execa } from "execa";
import type { Command } from "./provider.ts";

let found: Promise<Command | string> | undefined;

/** The command that understands docker-compose.server.yml, or why there is none. */
export function compose(): Promise<Command | string> {
  found ??= findCompose();
  return found;
}

const NO_PLUGIN =
  "Docker answers, but has no compose plugin of version 2 (packages docker-compose-plugin, " +
  "docker-compose-v2)";

async function findCompose(): Promise<Command | string> {
  const answer = async (file: string, ...args: string[]): Promise<string | undefined> => {
    const result = await execa(file, args, { reject: false, stdin: "ignore", timeout: 15_000 });
    return result.failed ? undefined : result.stdout.trim();
  };
  const engine = await answer("docker", "info", "--format", "{{.ServerVersion}}");
  if (engine === undefined || engine === "") {
    return (await answer("docker", "--version")) === undefined
      ? "Docker is not installed"
      : "Docker's engine does not answer";
  }
  if ((await answer("docker", "compose", "version")) !== undefined)
    return { file: "docker", args: ["compose"] };
  const standalone = await answer("docker-compose", "version", "--short");
  if (standalone !== undefined && !/^v?1\./.test(standalone))
    return { file: "docker-compose", args: [] };
  return NO_PLUGIN;
}

/** Whether it is there, and only what it is driven with is missing. */
export const lacksPlugin = (reason: string | undefined): boolean => reason === NO_PLUGIN;

/** Why servers cannot be made with Docker here, or undefined when they can. */
export async function whyNoDocker(): Promise<string | undefined> {
  const command = await compose();
  return typeof command === "string" ? command : undefined;
}
