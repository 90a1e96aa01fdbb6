// The Node.js that everything runs on: the one that is here or, where that is too old (Debian 12
// and 13 have 18 and 20), the pinned one, fetched once into the cache folder by npm. Must itself
// run on an old one. Where it is fetched into is that of src/workbench/db/places.ts.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const { engines } = read("../package.json");
const wanted = engines.node.match(/\d+/g).map(Number);
// nodejs.org's programs as packages of npm, with their checksums. Not the package "node": it
// fetches one of these by an install script, and npm 11 runs none unasked.
const PINNED = read("node.json");

const recent = (version) => {
  const [major, minor] = version.split(".").map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
};

/** A making that was killed leaves 200 MB. One that still goes on after an hour is none. */
function removeLeftovers(folder) {
  for (const name of readdirSync(dirname(folder))) {
    const path = join(dirname(folder), name);
    if (name.startsWith(`${basename(folder)}.`) && Date.now() - statSync(path).mtimeMs > 3_600_000)
      rmSync(path, { recursive: true, force: true });
  }
}

/** By npm ci, which compares what it got with the checksum of the lock file written here. */
function install(making, name, integrity) {
  const { version } = PINNED;
  const root = { name: "node-here", dependencies: { [name]: version } };
  const write = (file, content) => writeFileSync(join(making, file), JSON.stringify(content));
  write("package.json", root);
  write("package-lock.json", {
    name: root.name,
    lockfileVersion: 3,
    requires: true,
    packages: { "": root, [`node_modules/${name}`]: { version, integrity } },
  });
  const flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
  const { error, status } = spawnSync("npm", ["ci", ...flags, "--loglevel=error"], {
    cwd: making,
    stdio: ["ignore", 2, 2],
  });
  if (error) throw new Error(`npm, which would fetch it, does not start: ${error.message}`);
  if (status !== 0) throw new Error(`npm could not fetch ${name}@${version}, see the lines above`);
  const made = join(making, "node_modules", name);
  if (spawnSync(join(made, "bin/node"), ["--version"]).status !== 0)
    throw new Error(`${name}@${version}, which npm fetched, does not run on this system`);
  // Headers for what compiles: a third of it.
  rmSync(join(made, "include"), { recursive: true, force: true });
  return made;
}

/** Made beside and put in place as a whole: of two at once either's is as good. */
function fetchInto(folder, name, integrity) {
  mkdirSync(dirname(folder), { recursive: true });
  removeLeftovers(folder);
  const making = mkdtempSync(`${folder}.`);
  try {
    const made = install(making, name, integrity);
    try {
      renameSync(made, folder);
    } catch (error) {
      if (!existsSync(join(folder, "bin/node"))) throw error;
    }
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function giveUp(why) {
  console.error(
    `ruvector_healing needs Node.js ${wanted.join(".")} or newer. This is ${process.version}, ` +
      `and ${why}.\nInstall Node.js 22 (https://nodejs.org, or: nvm install 22), then type the ` +
      "same again.",
  );
  process.exit(1);
}

/**
 * Where the running one is too old, PATH begins with the other: npm, which is a script, and what
 * calls "node" by name run on it too.
 * @returns its program
 */
export function nodeProgram() {
  if (recent(process.versions.node)) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const { name, integrity } = PINNED.packages[platform] ?? {};
  if (name === undefined) giveUp(`there is none to be fetched for ${platform}`);
  const xdg = process.env.XDG_CACHE_HOME;
  const cache = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache");
  const folder = join(cache, "ruvector-healing", `node-${PINNED.version}-${platform}`);
  const program = join(folder, "bin/node");
  if (!existsSync(program)) {
    console.error(
      `Node.js ${wanted.join(".")} or newer is needed, this is ${process.version}: fetching ` +
        `${PINNED.version} from npm into ${folder} (once)...`,
    );
    try {
      fetchInto(folder, name, integrity);
    } catch (error) {
      giveUp(error.message);
    }
  }
  process.env.PATH = [dirname(program), process.env.PATH].filter(Boolean).join(delimiter);
  return program;
}
