/** npm run demo as a person runs it, in a process of its own; and the snapshot it opens. */
import { readdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa, type Options } from "execa";
import { describe, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { openHealing } from "../../src/workbench/embedded/database-snapshot.ts";
import type {} from "../support/embedded-setup.ts";

const demo = (flags: readonly string[], options: Options = {}) =>
  execa(
    process.execPath,
    [join(root, "build/run.mjs"), join("src/workbench/demo/main.ts"), ...flags],
    {
      cwd: root,
      reject: false,
      ...options,
    },
  );

describe("npm run demo", () => {
  it("heals a collection in this process, and proves it", async () => {
    const { exitCode, stdout, stderr } = await demo(["--json", "--rows", "3000"]);
    const result = JSON.parse(String(stdout));
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining("stabilize_seconds 1 (default 10)"),
    });
    expect(result).toMatchObject({
      ok: true,
      outcome: "well",
      verdict: expect.stringMatching(/^(healthy|recovering)$/),
      left: null,
      server: "embedded",
      language: "plv8",
      schedule: "0.5 seconds",
      strategy: "rebalance_partitions",
      action_state: "succeeded",
      verified: true,
      lambda_after: 1,
      weight_before: 1,
      settings: { stabilize_seconds: 1 },
      rows_check: { before: 3000, missing: 0, changed: 0, doubled: 0, ok: true },
      writer: { errors: {} },
      searcher: { errors: {} },
      last_tick_error: null,
    });
    expect(result.weight_after).toBeGreaterThan(2);
    expect(result.rows_check.checksum_after).toBe(result.rows_check.checksum_before);
    expect(Object.keys(result.timings)).toEqual([
      "start_seconds",
      "build_seconds",
      "open_snapshot_seconds",
      "table_seconds",
      "healing_seconds",
      "check_seconds",
      "total_seconds",
    ]);
  });

  it("leaves nothing when it is interrupted", async () => {
    const running = demo([], { buffer: true });
    const seen = new Promise<void>((resolve) =>
      running.stderr!.on(
        "data",
        (chunk) => String(chunk).includes("A timer in this process") && resolve(),
      ),
    );
    await seen;
    running.kill("SIGINT");
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(130);
    expect(stderr).toContain("nothing is left of it");
    const folder = join(inject("healingSnapshot"), "..");
    expect(await readdir(folder)).toEqual([basename(inject("healingSnapshot"))]);
  });

  it("says at once that the port is taken, and refuses what belongs to a server", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const taken = await demo(["--listen", String(port)]);
    other.close();
    expect(taken).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringContaining(`Port ${port} of 127.0.0.1 is taken`),
    });
    expect(taken.stderr).not.toContain("Making embeddings");
    expect(await demo(["--no-keep"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("--server"),
    });
    expect(await demo(["--server", "--listen"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("in this process"),
    });
  });
});

it("the snapshot is made again when it is damaged, once by two at a time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ruvector-healing-snapshot-"));
  try {
    const file = join(folder, basename(inject("healingSnapshot")));
    await writeFile(file, "not a snapshot");
    await writeFile(join(folder, "of-another-version.tar.gz"), "");
    const opened = await Promise.all([openHealing({ folder }), openHealing({ folder })]);
    expect(opened.map(({ from_snapshot }) => String(from_snapshot)).sort()).toEqual([
      "false",
      "true",
    ]);
    for (const { database } of opened) {
      expect(
        await database.query("SELECT ruvector_healing_status() ->> 'enabled' AS enabled"),
      ).toEqual([{ enabled: "true" }]);
      await database.close();
    }
    expect(await readdir(folder)).toEqual([basename(file)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
