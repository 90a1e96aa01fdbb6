/** Talks to baselines.cpp, compiled when it is first asked for. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../build/project.ts";
import type { Columns } from "./families.ts";

export type Baseline = "lemon" | "built" | "boost";

export interface Baselines {
  /** Value of the cut, and the mean CPU milliseconds of these runs. */
  ask(which: Baseline, runs: number, graph: Columns): Promise<{ value: number; ms: number }>;
  end(): void;
}

/** LEMON adds capacities up in 32 bits. */
const LARGEST_TOTAL = 2 ** 29;

/** Why there are none here, in words, where the compiler or a library is missing. */
export function startBaselines(): Baselines | string {
  const program = join(mkdtempSync(join(tmpdir(), "mincut-baselines-")), "baselines");
  try {
    execFileSync(
      "g++",
      ["-O2", "-std=c++17", "-o", program, join(root, "bench/mincut/baselines.cpp")],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
  } catch {
    return "needs g++, LEMON and Boost: apt-get install g++ liblemon-dev libboost-dev";
  }
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(which, runs, graph) {
      let scale = 1;
      const total = graph.capacity.reduce((sum, c) => sum + c, 0);
      while (total * scale * 2 <= LARGEST_TOTAL) scale *= 2;
      while (total * scale > LARGEST_TOTAL) scale /= 2;
      const edges = Array.from(graph.u, (u, e) => {
        const units = Math.max(1, Math.round(graph.capacity[e]! * scale));
        return `${u} ${graph.v[e]} ${units}\n`;
      });
      child.stdin.write(`${which} ${runs} ${graph.n} ${edges.length}\n${edges.join("")}`);
      const line = await lines.next();
      if (line.done) throw new Error("the baselines ended");
      const [value, ...taken] = String(line.value).split(" ").map(Number);
      return { value: value! / scale, ms: taken.reduce((sum, ms) => sum + ms, 0) / runs };
    },
    end: () => child.stdin.end(),
  };
}
