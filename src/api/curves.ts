/** The operation recall_curve: what each vector index finds, and costs, at several settings. */
import { HealingError, SqlError } from "../base/errors.ts";
import { list, printable } from "../base/text.ts";
import { loadCollection, lockTable } from "../collection/lookup.ts";
import type { Host } from "../host/host.ts";
import { vectorIndexes } from "../sense/collect/centroids.ts";
import { inEffect } from "../sense/collect/probes.ts";
import { recallCurve } from "../sense/recall-curve.ts";

/**
 * Points of all indexes, or of the one that is named (`name` or `schema.name`); the one in effect
 * is `current`. An index that cannot be measured has one row with a note.
 * @throws HealingError RV001 where there is no such index
 */
export function curves(host: Host, collectionId: number, asked: unknown): { points: object[] } {
  const collection = loadCollection(host, collectionId);
  const all = vectorIndexes(host, collection);
  const chosen = all.filter(
    ({ index }) =>
      asked === null || asked === index || index === `${collection.schema_name}.${String(asked)}`,
  );
  if (asked !== null && chosen.length === 0)
    throw new HealingError(
      "invalid_argument",
      `there is no vector index ${printable(String(asked), 200)} on ${collection.name}`,
      {
        detail: `Got ${printable(JSON.stringify(asked), 200)}.`,
        hint: `Its vector indexes: ${list(
          all.map(({ index }) => index),
          10,
        )}.`,
      },
    );
  return {
    points: chosen.flatMap((one): object[] => {
      const said = { index: one.index, method: one.method, setting: settingOf(one.method) };
      const probes = inEffect(host, collection, one.oid);
      try {
        lockTable(host, collection, "ACCESS SHARE");
        const curve = recallCurve(host, collection, { ...one, probes });
        return "why" in curve
          ? [{ ...said, note: curve.why }]
          : curve.points.map((point) => ({ ...said, ...point, current: point.value === probes }));
      } catch (error) {
        if (!(error instanceof SqlError)) throw error;
        return [{ ...said, note: printable(error.message, 300) }];
      }
    }),
  };
}

const settingOf = (method: string): string =>
  method === "hnsw" ? "hnsw.ef_search" : "ivfflat.probes";
