/** The operation recall_curve: what each vector index finds, and costs, at several settings. */
import { isNamed } from "../base/names.ts";
import { HealingError } from "../base/errors.ts";
import { list, printable } from "../base/text.ts";
import { loadCollection } from "../collection/lookup.ts";
import type { Host } from "../host/host.ts";
import { vectorIndexes } from "../sense/collect/centroids.ts";
import { inEffect } from "../sense/collect/probes.ts";
import { lockedNow } from "../strategies/locked.ts";
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
    ({ index }) => asked === null || isNamed(index, String(asked), collection.schema_name),
  );
  if (asked !== null && chosen.length === 0)
    throw new HealingError(
      "invalid_argument",
      `there is no vector index ${printable(String(asked), 200)} on ${collection.name}`,
      {
        detail: `Got ${printable(JSON.stringify(asked), 200)}.`,
        hint:
          all.length === 0
            ? "It has none: curves are of hnsw and ivfflat indexes on it and its partitions."
            : `Its vector indexes: ${list(
                all.map(({ index }) => index),
                10,
              )}.`,
      },
    );
  return {
    points: chosen.flatMap((one): object[] => {
      const said = { index: one.index, method: one.method, setting: settingOf(one.method) };
      const barred = lockedNow(host, collection);
      if (barred) return [{ ...said, note: barred.nothing }];
      const probes = inEffect(host, collection, one.oid);
      const curve = recallCurve(host, collection, { ...one, probes });
      return "why" in curve
        ? [{ ...said, note: curve.why }]
        : curve.points.map((point) => ({ ...said, ...point, current: point.value === probes }));
    }),
  };
}

const settingOf = (method: string): string =>
  method === "hnsw" ? "hnsw.ef_search" : "ivfflat.probes";
