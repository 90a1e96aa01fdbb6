/**
 * What SQL and documentation repeat of the sources, as data: src/api/definitions.ts is bundled and
 * run. The sources are what is built, and nothing here imports them.
 */
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { root } from "./project.ts";

interface Definitions {
  readonly WINDOW_DAYS: number;
  readonly SETTINGS: readonly {
    readonly key: string;
    readonly default: unknown;
    readonly unit: string;
    readonly min?: number;
    readonly max?: number;
    readonly description: string;
  }[];
  readonly STRATEGIES: readonly {
    readonly name: string;
    readonly handles: readonly string[];
    readonly impact: number;
    readonly reversible: boolean;
    readonly description: string;
  }[];
  readonly OPERATIONS: Readonly<
    Record<
      string,
      {
        readonly locks: string;
        readonly when_busy: string;
        readonly writes: boolean;
        readonly level: string;
        readonly most_bytes: number;
      }
    >
  >;
}

async function readDefinitions(): Promise<Definitions> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "src/api/definitions.ts")],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "definitions",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    logLevel: "warning",
  });
  return runInNewContext(`${outputFiles[0]!.text}definitions;`) as Definitions;
}

export const { SETTINGS, STRATEGIES, OPERATIONS, WINDOW_DAYS } = await readDefinitions();
