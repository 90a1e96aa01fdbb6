/** Where Debian's packages come from on this machine: the mirror, and the proxy before it. */
import { execa } from "execa";
import {
  chooseDebianMirror,
  mirrorListPath,
  parseDeb822,
  parseMirrorList,
  parseOneLine,
  type AptSource,
} from "./apt-sources.ts";
import { adminEnvironment, filesIn, textOf } from "./files.ts";
import { ServerProblem } from "./problem.ts";

async function machineSources(): Promise<AptSource[]> {
  const oneLine = ["/etc/apt/sources.list", ...(await filesIn("/etc/apt/sources.list.d", ".list"))];
  const deb822 = await filesIn("/etc/apt/sources.list.d", ".sources");
  const sources: AptSource[] = [];
  for (const file of oneLine) sources.push(...parseOneLine(await textOf(file)));
  for (const file of deb822) sources.push(...parseDeb822(await textOf(file)));
  for (const source of sources) {
    const uris: string[] = [];
    for (const uri of source.uris) {
      const list = mirrorListPath(uri);
      uris.push(...(list === undefined ? [uri] : parseMirrorList(await textOf(list))));
    }
    source.uris = uris;
  }
  return sources;
}

export async function mirror(): Promise<string> {
  const given = process.env["RUVECTOR_HEALING_DEBIAN_MIRROR"];
  if (given !== undefined && given !== "") return given.replace(/\/+$/, "");
  const found = chooseDebianMirror(await machineSources());
  if (found !== undefined) return found;
  throw new ServerProblem(
    "This machine's apt sources name no http(s) mirror of Debian itself, which the throwaway " +
      "server is made from.",
    "Any one of these helps:",
    "- name one: RUVECTOR_HEALING_DEBIAN_MIRROR=<address of a Debian mirror>",
    "- install Docker with the compose plugin, and start it",
    "- use a PostgreSQL of yours: DATABASE_URL=postgresql://...",
  );
}

/**
 * The proxy that apt is told to use here, for debootstrap's own downloads and for apt in the
 * folder.
 */
export async function proxyEnvironment(): Promise<Record<string, string>> {
  const { stdout } = await execa(
    "apt-config",
    ["shell", "http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy"],
    { env: adminEnvironment, reject: false },
  );
  const found: Record<string, string> = {};
  for (const name of ["http_proxy", "https_proxy"]) {
    const value = new RegExp(`^${name}='(.*)'$`, "m").exec(stdout ?? "")?.[1];
    if (value !== undefined && value !== "" && value !== "DIRECT") found[name] = value;
  }
  return found;
}
