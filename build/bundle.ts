/**
 * The bundles, each one function body that returns { call }: the loop, and beside it the signatures
 * of the audit trail.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./project.ts";
import { MINIFIED, sectioned, TARGET } from "./sections.ts";

export interface Bundle {
  readonly source: string;
  /** SHA-256 of the source, hex: sessions that hold an older one notice by it and reload. */
  readonly hash: string;
}

/**
 * Two, because the loop's is loaded by every connection of pg_cron, and signatures are rarely
 * needed: 22 KiB, 16 ms.
 */
export interface Bundles {
  readonly loop: Bundle;
  readonly audit: Bundle;
}

export const makeBundles = async (): Promise<Bundles> => ({
  loop: finished(await sectioned("src/api/bundle.ts")),
  audit: await makeBundle("src/audit/ed25519.ts"),
});

/** The dollar quote that wraps the bundle in SQL. */
export const QUOTE = "$ruvector_healing_bundle$";

/**
 * What the function that holds the bundle cannot carry, or a dump of it. The build refuses it
 * rather than escape it: a bundle that differs from what was tested is worse than no bundle. On the
 * way there it is base64, in which no tool finds anything (build/rewritten.ts).
 */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\$(ruvector_healing_bundle|function)\$/, "it would end the dollar quote"],
  [/[^\x01-\x7f]/, "a dump must load in any client encoding"],
];

/** @throws Error naming the token, its surroundings and why */
export function refuseUncarried(source: string): void {
  for (const [token, why] of REFUSED) {
    const found = token.exec(source);
    if (found) {
      const around = source.slice(Math.max(0, found.index - 60), found.index + 60);
      throw new Error(
        `the bundle holds ${JSON.stringify(found[0])} (${why}), near: ${JSON.stringify(around)}`,
      );
    }
  }
}

function finished(source: string): Bundle {
  refuseUncarried(source);
  return { source, hash: createHash("sha256").update(source).digest("hex") };
}

/**
 * In one piece, parsed at once.
 * @param entry a module that exports `call`; tests bundle their own, to call a part of the product
 *   inside the database
 */
export async function makeBundle(entry: string): Promise<Bundle> {
  const result = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "bundle",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    target: TARGET,
    charset: "ascii",
    legalComments: "none",
    ...MINIFIED,
    lineLimit: 2000,
    logLevel: "warning",
  });
  return finished(`${result.outputFiles[0]!.text}return bundle;\n`);
}
