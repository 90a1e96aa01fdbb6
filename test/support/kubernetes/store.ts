/**
 * Objects with what the API promises of them: uid, generation, resourceVersion, one optimistic
 * lock, and every change told to watchers.
 */
import { randomUUID } from "node:crypto";
import { groupVersion, type Resource } from "./resources.ts";
import { StatusError } from "./status.ts";

export interface Meta {
  name: string;
  namespace?: string;
  uid: string;
  generation: number;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Record<string, string>;
  [more: string]: unknown;
}

export interface Obj {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  [more: string]: unknown;
}

/** What is sent to be stored: the server adds the rest. */
export type NewObj = Partial<Omit<Obj, "metadata">> & { metadata?: Partial<Meta> };

export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly resource: Resource;
  readonly object: Obj;
  readonly version: number;
}

export type Path = readonly string[];

export function at(object: unknown, path: Path): unknown {
  let here = object;
  for (const key of path) here = (here as Record<string, unknown> | undefined)?.[key];
  return here;
}

export function put(object: object, path: Path, value: unknown): void {
  let here = object as Record<string, unknown>;
  for (const key of path.slice(0, -1)) here = (here[key] ??= {}) as Record<string, unknown>;
  here[path.at(-1)!] = value;
}

export class Store {
  private version = 1000;
  private readonly objects = new Map<string, { resource: Resource; object: Obj }>();
  private readonly watchers = new Set<(change: Change) => void>();
  /** What a watch that begins at an older version is told first. */
  private readonly history: Change[] = [];

  private key = (
    { group, plural }: Resource,
    namespace: string | undefined,
    name: string,
  ): string => `${group}/${plural}/${namespace ?? ""}/${name}`;

  now = (): string => String(this.version);

  get(resource: Resource, namespace: string | undefined, name: string): Obj {
    const found = this.objects.get(this.key(resource, namespace, name));
    if (!found) throw StatusError.notFound(resource, name);
    return structuredClone(found.object);
  }

  list = (resource: Resource, namespace?: string): Obj[] =>
    [...this.objects.values()]
      .filter(
        (one) =>
          one.resource === resource &&
          (namespace === undefined || one.object.metadata.namespace === namespace),
      )
      .map(({ object }) => structuredClone(object));

  create(resource: Resource, namespace: string | undefined, body: NewObj): Obj {
    const name = body.metadata?.name;
    if (typeof name !== "string" || name === "")
      throw StatusError.invalid(
        resource,
        "",
        "metadata.name: Required value: name or generateName is required",
      );
    const key = this.key(resource, namespace, name);
    if (this.objects.has(key))
      throw new StatusError(409, "AlreadyExists", `${resource.plural} "${name}" already exists`);
    const object = structuredClone({
      ...body,
      apiVersion: groupVersion(resource),
      kind: resource.kind,
      metadata: {
        ...body.metadata,
        name,
        ...(namespace !== undefined && { namespace }),
        uid: randomUUID(),
        generation: 1,
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z/, "Z"),
        resourceVersion: "",
      },
    }) as Obj;
    this.commit("ADDED", resource, object);
    return structuredClone(object);
  }

  /** @throws 409 where the object has changed since it was read, as its resourceVersion tells */
  update(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    change: (object: Obj) => void,
    expected?: string,
  ): Obj {
    const before = this.get(resource, namespace, name);
    if (expected !== undefined && expected !== "" && expected !== before.metadata.resourceVersion)
      throw StatusError.conflict(resource, name);
    const after = structuredClone(before);
    change(after);
    Object.assign(after.metadata, {
      name,
      uid: before.metadata.uid,
      creationTimestamp: before.metadata.creationTimestamp,
      resourceVersion: before.metadata.resourceVersion,
    });
    if (JSON.stringify(after) === JSON.stringify(before)) return after;
    if (JSON.stringify(after["spec"]) !== JSON.stringify(before["spec"]))
      after.metadata.generation = before.metadata.generation + 1;
    this.commit("MODIFIED", resource, after);
    return structuredClone(after);
  }

  delete(resource: Resource, namespace: string | undefined, name: string): Obj {
    const object = this.get(resource, namespace, name);
    this.objects.delete(this.key(resource, namespace, name));
    this.commit("DELETED", resource, object);
    return object;
  }

  /**
   * Everything that happened after the version, then everything that happens. Returns how to stop.
   */
  watch(after: number, listener: (change: Change) => void): () => void {
    if (after > 0) for (const change of this.history) if (change.version > after) listener(change);
    this.watchers.add(listener);
    return () => this.watchers.delete(listener);
  }

  private commit(type: Change["type"], resource: Resource, object: Obj): void {
    object.metadata.resourceVersion = String(++this.version);
    if (type !== "DELETED")
      this.objects.set(this.key(resource, object.metadata.namespace, object.metadata.name), {
        resource,
        object,
      });
    const change: Change = {
      type,
      resource,
      object: structuredClone(object),
      version: this.version,
    };
    this.history.push(change);
    for (const listener of this.watchers) listener(change);
  }
}
