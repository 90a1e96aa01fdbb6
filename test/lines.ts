/** Lines of the sources that are longer than 100 columns: texts, which no formatter breaks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../build/project.ts";

const COLUMNS = 100;

export const longLines = (): string[] =>
  ["bench", "build", "monitoring", "sql", "src", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(ts|mjs|sql)$/.test(path))
      .flatMap((path) =>
        readFileSync(join(root, folder, path), "utf8")
          .split("\n")
          .flatMap((line, place) => {
            const columns = Array.from(line).length;
            return columns > COLUMNS ? [`${folder}/${path}:${place + 1}: ${columns} columns`] : [];
          }),
      ),
  );
