/** How many replicas of a workload are ready, as its kind tells it. */

interface Status {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly [field: string]: unknown;
}

export interface WorkloadObject {
  readonly metadata: { readonly generation?: number };
  readonly status?: Status;
}

export interface Readiness {
  readonly ready: number;
  /** Its controller has seen what is wanted now: the other numbers are about that. */
  readonly current: boolean;
  /** Replicas there are, ready or not; null: the kind does not say. */
  readonly there: number | null;
}

const whole = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : null;

/**
 * Deployment, StatefulSet and ReplicaSet have status.readyReplicas, a CloudNativePG Cluster has
 * status.readyInstances; fields that are 0 are left out. A kind that has neither says by its scale
 * subresource how many there are, which is the best that is known of it.
 */
export function readiness(
  { metadata, status = {} }: WorkloadObject,
  kind: string,
  scaleStatus: number,
): Readiness {
  const current =
    status.observedGeneration === undefined ||
    metadata.generation === undefined ||
    status.observedGeneration >= metadata.generation;
  const named = whole(status["readyReplicas"]) ?? whole(status["readyInstances"]);
  if (named !== null)
    return { ready: named, current, there: whole(status.replicas) ?? whole(status["instances"]) };
  const known =
    kind === "Deployment" || kind === "StatefulSet" || kind === "ReplicaSet" || kind === "Cluster";
  return {
    ready: known ? 0 : scaleStatus,
    current,
    there: whole(status.replicas) ?? whole(status["instances"]) ?? (known ? 0 : scaleStatus),
  };
}
