/**
 * Maintenance that cannot go on: it waits for its lock on the collection, or (CONCURRENTLY) for
 * transactions older than its phase.
 */
export const waitingSession = ({
  kind,
  phase,
}: {
  readonly kind: string;
  readonly phase: string | null;
}): boolean => kind === "queued" || (phase?.startsWith("waiting") ?? false);
