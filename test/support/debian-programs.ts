/**
 * Programs that tests need beside the server: those on the PATH, else Debian's packages unpacked
 * into the cache folder (nothing is installed, no service starts). Where they cannot be had the
 * tests that need them are skipped, loudly; on CI they fail.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { adminEnvironment } from "../../src/workbench/db/files.ts";
import { withLock } from "../../src/workbench/db/lock.ts";
import { cacheFolder } from "../../src/workbench/db/places.ts";

interface Wanted<Names> {
  /** For messages: "Prometheus and its exporter". */
  readonly what: string;
  readonly packages: readonly string[];
  /** Those of the first package's libraries that a bare machine lacks; their names differ. */
  readonly libraries?: RegExp;
  /** In the cache folder; another one when the packages change. */
  readonly folder: string;
  /** Their names on the PATH, by what the tests call them. */
  readonly programs: Names;
}

/** A path for each. */
export type Programs<Names> = Readonly<Record<keyof Names, string>>;

/** @returns null where they cannot be had and the tests are to be skipped */
export async function debianPrograms<const Names extends Readonly<Record<string, string>>>(
  wanted: Wanted<Names>,
): Promise<Programs<Names> | null> {
  try {
    return (await onPath(wanted)) ?? (await fromDebian(wanted));
  } catch (error) {
    const message =
      `${wanted.what} cannot be had here: ` +
      `${error instanceof Error ? error.message : String(error)}`;
    if (process.env["CI"]) throw new Error(message, { cause: error });
    console.error(
      `\n*** ${message}\n*** The tests that need that ARE SKIPPED. As root on Debian it is ` +
        `fetched; elsewhere put it on the PATH.\n`,
    );
    return null;
  }
}

async function onPath<Names extends Readonly<Record<string, string>>>({
  programs,
}: Wanted<Names>): Promise<Programs<Names> | null> {
  const found = await Promise.all(
    Object.entries(programs).map(async ([key, name]) => {
      // Daemons lie where only root looks.
      const { stdout, failed } = await execa("which", [name], {
        reject: false,
        env: { PATH: `${process.env["PATH"]}:/usr/sbin` },
      });
      return failed ? null : [key, stdout.trim()];
    }),
  );
  return found.includes(null) ? null : (Object.fromEntries(found as string[][]) as Programs<Names>);
}

async function fromDebian<Names extends Readonly<Record<string, string>>>({
  what,
  packages,
  libraries,
  folder: name,
  programs,
}: Wanted<Names>): Promise<Programs<Names>> {
  const folder = join(cacheFolder(), name);
  await withLock(
    `${folder}.lock`,
    { waiting: () => console.error(`Another process is fetching ${what}; waiting for it...`) },
    async () => {
      if (existsSync(folder)) return;
      const making = `${folder}.making-${process.pid}`;
      await mkdir(making, { recursive: true });
      const apt = (...args: string[]) =>
        execa("apt-get", args, { cwd: making, env: adminEnvironment, stdin: "ignore" });
      try {
        console.error(`Fetching ${what} from Debian (once)...`);
        await apt("download", ...packages).catch(async () => {
          await apt("update");
          await apt("download", ...packages);
        });
        if (libraries) {
          const { stdout } = await execa("apt-cache", ["depends", packages[0]!]);
          const depended = stdout.matchAll(/Depends: (\S+)/g);
          const needed = [...depended].map(([, one]) => one!).filter((one) => libraries.test(one));
          await apt("download", ...needed);
        }
        for (const file of (await readdir(making)).filter((one) => one.endsWith(".deb"))) {
          await execa("dpkg-deb", ["-x", file, "."], { cwd: making });
          await rm(join(making, file));
        }
        await rename(making, folder);
      } finally {
        await rm(making, { recursive: true, force: true });
      }
    },
  );
  const places = Object.entries(programs).map(([key, program]) => {
    const found = ["usr/bin", "usr/sbin"]
      .map((place) => join(folder, place, program))
      .find((path) => existsSync(path));
    if (found === undefined) throw new Error(`the packages hold no ${program}`);
    return [key, found];
  });
  return Object.fromEntries(places) as Programs<Names>;
}
