/**
 * The disk is full: a small file system of its own holds partitions, and something else fills it.
 */
import { existsSync } from "node:fs";
import { chown, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { adminEnvironment } from "../../../src/workbench/db/files.ts";
import { BUSY, partitionOf } from "../tables.ts";
import type { World } from "../world.ts";
import { type Fault, INTERRUPTED, SERVER_GONE } from "./fault.ts";

const SIZE = 24 * 1024 * 1024;

/**
 * The folder as the machine sees it, and as the server does. Unmounted with the server's data when
 * that is removed.
 */
async function smallDisk(world: World): Promise<string | null> {
  const folder = join(world.server.where, "small");
  if (!existsSync(folder)) {
    await mkdir(folder);
    const { failed } = await execa(
      "mount",
      ["-t", "tmpfs", "-o", `size=${SIZE},mode=0700`, "tmpfs", folder],
      { env: adminEnvironment, reject: false },
    );
    if (failed) {
      await rm(folder, { recursive: true });
      return null;
    }
    const { uid, gid } = await stat(join(world.server.where, "data"));
    await chown(folder, uid, gid);
    await world.ask("DROP TABLESPACE IF EXISTS chaos_small");
    // The server may see another root than this machine does.
    const inside = join(dirname(await world.value<string>("SHOW data_directory")), "small");
    await world.ask(`CREATE TABLESPACE chaos_small LOCATION '${inside}'`);
  }
  return folder;
}

export const diskFull: Fault = {
  name: "the disk is full",
  weight: 3,
  needs: "folder",
  // PostgreSQL gives up rather than trust a disk that did not take what it was given
  // (data_sync_retry = off): seen once in 40, seed 103.
  explains: {
    users: [...SERVER_GONE, "53100", "55P03"],
    ticks: ["53100", ...INTERRUPTED],
    crash: true,
  },
  inject: async (world, choices) => {
    const folder = await smallDisk(world);
    if (folder === null) return null;
    const table = partitionOf(choices.pick(BUSY.keys));
    // The target of moves, usually: it is there that rows do not fit any more.
    await world.ask(`ALTER TABLE ${table} SET TABLESPACE chaos_small`);
    const filler = join(folder, "filler");
    try {
      for (let chunk = SIZE; chunk >= 4096; chunk = Math.floor(chunk / 2))
        await writeFile(filler, Buffer.alloc(chunk), { flag: "a" }).catch(() => undefined);
      // As much again as the pages that are there have room for; then nothing goes in.
      await world.whileTicks(choices.int(2, 4), 3);
    } finally {
      await rm(filler, { force: true });
    }
    await world.ask(`ALTER TABLE ${table} SET TABLESPACE pg_default`);
    // Where PostgreSQL gives up, it is at a checkpoint, and minutes later in the middle of another
    // fault (seed 4002).
    await world.ask("CHECKPOINT");
    return `${table}, in ${dirname(filler).split("/").pop()}`;
  },
};
