/** ruvector_healing_configure: settings are merged, checked together, and told of. */
import type { Configuration } from "../model/configuration.ts";
import sql from "sql-template-tag";
import { recordEvent } from "../store/events.ts";
import { collectionName } from "../store/collections.ts";
import { effectiveSettings, mergeSettings } from "../store/settings.ts";
import type { Host } from "../host/host.ts";
import { checkTogether, validateSettings } from "./validate.ts";
import { checkTimeZones } from "./windows.ts";

/**
 * What one setting was and is, as it works in the scope that was configured, and where that comes
 * from.
 */
interface Changed {
  readonly key: string;
  readonly old: unknown;
  readonly old_source: string;
  readonly new: unknown;
  readonly new_source: string;
}

/** What it answers: old and new by setting; nothing of those that work as they did. */
export type Answered = Readonly<Record<string, { readonly old: unknown; readonly new: unknown }>>;

/**
 * `ruvector_healing_configure`: merges the given settings into those of the installation (0) or of
 * one collection; null takes a setting back. Returns what changed. ruvector.healing_call
 * lets one session at a time do this, because rules between settings hold over all layers, and two
 * sessions could each keep them and break them together.
 */
export function configure(
  host: Host,
  collectionId: number,
  input: unknown,
  strategies: readonly string[],
): Answered {
  const name = collectionId === 0 ? null : collectionName(host, collectionId);
  const settings = validateSettings(input, strategies, name);
  checkTimeZones(
    host,
    (settings["maintenance_windows"] ?? []) as Configuration["maintenance_windows"],
  );
  const before = inForce(host, collectionId, settings);
  mergeSettings(host, collectionId, settings);
  // A change for all must not contradict a collection's own settings either.
  for (const one of effectiveSettings(host))
    checkTogether(one.settings, settings, { name: one.name, own: one.id === collectionId });
  const changes = changed(before, inForce(host, collectionId, settings));
  if (changes.length > 0) {
    const told = changes
      .map(({ key, old, new: now, new_source: source }) =>
        same(old, now)
          ? `${key} stays ${brief(now)} (by ${source})`
          : `${key} ${brief(old)} -> ${brief(now)}`,
      )
      .join(", ");
    recordEvent(host, {
      collection_id: collectionId === 0 ? null : collectionId,
      collection: name,
      kind: "configured",
      message: `Settings changed for ${name ?? "all collections"}: ${told}.`,
      details: { changes, asked_for: settings },
    });
  }
  return Object.fromEntries(
    changes
      .filter(({ old, new: now }) => !same(old, now))
      .map(({ key, old, new: now }) => [key, { old, new: now }]),
  );
}

/** A setting as it works, and where that comes from. */
interface InForce {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

const inForce = (host: Host, collectionId: number, settings: Record<string, unknown>) =>
  host.query<InForce>(sql`
    SELECT key, value, source FROM ruvector.healing_settings_in_force(${collectionId}::int)
     WHERE key IN (SELECT jsonb_object_keys(${JSON.stringify(settings)}::jsonb))`);

/** Those that are not what they were; both lists have the same keys. */
const changed = (before: readonly InForce[], now: readonly InForce[]): Changed[] =>
  now.flatMap(({ key, value, source }, place): Changed[] => {
    const then = before[place]!;
    if (same([then.value, then.source], [value, source])) return [];
    return [{ key, old: then.value, old_source: then.source, new: value, new_source: source }];
  });

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const brief = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
};
