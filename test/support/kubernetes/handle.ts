/** What is done with a request for objects. */
import type { ServerResponse } from "node:http";
import { groupVersion, type Resource } from "./resources.ts";
import { StatusError } from "./status.ts";
import { at, type Change, type NewObj, type Obj, put, type Store } from "./store.ts";
import { table, wantsTable } from "./table.ts";

export interface Call {
  readonly resource: Resource;
  readonly verb: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly stream?: (response: ServerResponse) => void;
}

interface Sent {
  readonly accept: string;
  readonly type: string;
  readonly body: unknown;
  readonly query: URLSearchParams;
}

type Body = NewObj & { spec?: Record<string, unknown> };

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = {
    ...(typeof target === "object" && target !== null && !Array.isArray(target) ? target : {}),
  };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

const scaleOf = (resource: Resource, object: Obj): Obj => {
  const { spec, status, selector } = resource.scale!;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { ...object.metadata },
    spec: { replicas: Number(at(object, spec) ?? 0) },
    status: {
      replicas: Number(at(object, status) ?? 0),
      selector: String(at(object, selector) ?? ""),
    },
  };
};

/** What the body of an update or a patch makes of the object (or of its scale). */
function changed(before: Obj, { type, body }: Sent, verb: string): Body {
  if (verb === "update") return body as Body;
  // A strategic merge differs from a merge in lists only; nothing that is patched here has one.
  if (/^application\/(strategic-)?merge-patch\+json/.test(type))
    return mergePatch(before, body) as Body;
  throw new StatusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format (${type})`,
  );
}

function write(
  store: Store,
  { resource, verb, namespace, name, subresource }: Call,
  sent: Sent,
): Obj {
  const before = store.get(resource, namespace, name!);
  const shown = subresource === "scale" ? scaleOf(resource, before) : before;
  const wanted = changed(shown, sent, verb);
  const expected = (sent.body as Body | undefined)?.metadata?.resourceVersion;
  if (subresource === "scale") {
    const replicas = wanted.spec?.["replicas"];
    if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas < 0)
      throw StatusError.invalid(
        resource,
        name!,
        `spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be greater than or ` +
          "equal to 0",
      );
    return scaleOf(
      resource,
      store.update(
        resource,
        namespace,
        name!,
        (object) => put(object, resource.scale!.spec, replicas),
        expected,
      ),
    );
  }
  return store.update(
    resource,
    namespace,
    name!,
    (object) => {
      if (subresource === "status") object["status"] = wanted["status"];
      else
        Object.assign(object, wanted, {
          status: object["status"],
          metadata: { ...object.metadata, ...wanted.metadata },
        });
    },
    expected,
  );
}

/** metadata.name=x, and labels: what kubectl asks for when it watches one object. */
function selected({ query }: Sent): (object: Obj) => boolean {
  const name = /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get("fieldSelector") ?? "")?.[1];
  const labels = (query.get("labelSelector") ?? "")
    .split(",")
    .filter(Boolean)
    .map((one) => one.split(/==?/) as [string, string]);
  return ({ metadata }) =>
    (name === undefined || metadata.name === name) &&
    labels.every(([key, value]) => metadata.labels?.[key] === value);
}

function watch(store: Store, { resource, namespace, name }: Call, sent: Sent): Answer {
  const fits = selected(sent);
  const from = Number(sent.query.get("resourceVersion") ?? 0);
  const asTable = wantsTable(sent.accept);
  return {
    status: 200,
    stream: (response) => {
      response.writeHead(200, {
        "content-type": "application/json",
        "transfer-encoding": "chunked",
      });
      response.flushHeaders();
      let first = true;
      const tell = ({
        type,
        resource: of,
        object,
      }: Pick<Change, "type" | "resource" | "object">): void => {
        if (
          of !== resource ||
          (namespace !== undefined && object.metadata.namespace !== namespace) ||
          (name !== undefined && object.metadata.name !== name) ||
          !fits(object)
        )
          return;
        const shown = asTable
          ? table(resource, [object], object.metadata.resourceVersion, first)
          : object;
        response.write(`${JSON.stringify({ type, object: shown })}\n`);
        first = false;
      };
      if (from === 0)
        for (const object of store.list(resource, namespace))
          tell({ type: "ADDED", resource, object });
      const stop = store.watch(from, tell);
      const seconds = Number(sent.query.get("timeoutSeconds") ?? 0);
      const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
      response.on("close", () => {
        clearTimeout(timer);
        stop();
      });
    },
  };
}

export function handle(store: Store, call: Call, sent: Sent): Answer {
  const { resource, verb, namespace, name, subresource } = call;
  const dry = sent.query.get("dryRun") === "All";
  if (verb === "watch") return watch(store, call, sent);
  if (verb === "list") {
    const items = store.list(resource, namespace).filter(selected(sent));
    const version = store.now();
    if (wantsTable(sent.accept)) return { status: 200, body: table(resource, items, version) };
    return {
      status: 200,
      body: {
        kind: `${resource.kind}List`,
        apiVersion: groupVersion(resource),
        metadata: { resourceVersion: version },
        items,
      },
    };
  }
  if (verb === "get") {
    const object = store.get(resource, namespace, name!);
    if (subresource === "scale") return { status: 200, body: scaleOf(resource, object) };
    return {
      status: 200,
      body: wantsTable(sent.accept)
        ? table(resource, [object], object.metadata.resourceVersion)
        : object,
    };
  }
  if (verb === "create" && name === undefined) {
    if (dry) return { status: 201, body: sent.body };
    return { status: 201, body: store.create(resource, namespace, sent.body as Body) };
  }
  if (verb === "delete" && name !== undefined && subresource === undefined) {
    store.delete(resource, namespace, name);
    return {
      status: 200,
      body: {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Success",
        details: { name, kind: resource.plural },
      },
    };
  }
  if ((verb === "update" || verb === "patch") && name !== undefined) {
    if (dry) return { status: 200, body: store.get(resource, namespace, name) };
    return { status: 200, body: write(store, call, sent) };
  }
  throw new StatusError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
  );
}
