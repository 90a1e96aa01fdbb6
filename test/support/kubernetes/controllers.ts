/**
 * What controllers do in a cluster: the replicas there are follow the replicas wanted, one at a
 * time, and become ready later.
 */
import type { Resource } from "./resources.ts";
import { at, type Obj, put, type Store } from "./store.ts";

export interface Pace {
  /** Milliseconds between two looks. */
  every: number;
  /** Looks between a replica's start and its being ready. */
  warmUp: number;
  /** At most so many replicas ever become ready: an image that cannot be pulled, a full cluster. */
  readyAtMost: number;
}

/** What kubectl rollout status asks of a Deployment: nothing here has an old template. */
function alike(resource: Resource, object: Obj): void {
  if (resource.group !== "apps") return;
  put(object, ["status", "updatedReplicas"], at(object, resource.scale!.status));
  put(object, ["status", "availableReplicas"], at(object, resource.ready!));
}

function step(
  resource: Resource,
  object: Obj,
  looks: Map<string, number>,
  { warmUp, readyAtMost }: Pace,
): void {
  const wanted = Number(at(object, resource.scale!.spec) ?? 1);
  const there = Number(at(object, resource.scale!.status) ?? 0);
  const ready = Number(at(object, resource.ready!) ?? 0);
  put(object, ["status", "observedGeneration"], object.metadata.generation);
  put(object, resource.scale!.selector, `app=${object.metadata.name}`);
  if (there > wanted) {
    put(object, resource.scale!.status, there - 1);
    put(object, resource.ready!, Math.min(ready, there - 1));
    return;
  }
  if (there < wanted) {
    put(object, resource.scale!.status, there + 1);
    looks.set(object.metadata.uid, 0);
    return;
  }
  if (ready >= Math.min(wanted, readyAtMost))
    return put(object, resource.ready!, Math.min(ready, wanted));
  const waited = (looks.get(object.metadata.uid) ?? 0) + 1;
  looks.set(object.metadata.uid, waited);
  if (waited <= warmUp) return;
  put(object, resource.ready!, ready + 1);
  looks.set(object.metadata.uid, 0);
}

export function runControllers(
  store: Store,
  resources: () => readonly Resource[],
  pace: Pace,
): () => void {
  const looks = new Map<string, number>();
  let timer: NodeJS.Timeout;
  const look = (): void => {
    for (const resource of resources()) {
      if (!resource.scale || !resource.ready) continue;
      for (const { metadata } of store.list(resource))
        store.update(resource, metadata.namespace, metadata.name, (object) => {
          step(resource, object, looks, pace);
          alike(resource, object);
        });
    }
    timer = setTimeout(look, pace.every);
  };
  timer = setTimeout(look, pace.every);
  return () => clearTimeout(timer);
}
