/**
 * /apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}/{subresource}, and its shorter
 * forms.
 */
import type { Call } from "./handle.ts";
import type { Resource } from "./resources.ts";

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  PUT: "update",
  PATCH: "patch",
  POST: "create",
  DELETE: "delete",
};

/** null: it is no address of objects. */
export function parsePath(resources: readonly Resource[], method: string, url: URL): Call | null {
  const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const group = parts[0] === "api" ? "" : parts[0] === "apis" ? parts[1] : undefined;
  if (group === undefined) return null;
  const version = parts[group === "" ? 1 : 2];
  let rest = parts.slice(group === "" ? 2 : 3);
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural, name, subresource] = rest;
  const resource = resources.find(
    (one) => one.group === group && one.version === version && one.plural === plural,
  );
  if (!resource || rest.length > 3) return null;
  if (
    subresource !== undefined &&
    !(resource.scale && (subresource === "scale" || subresource === "status"))
  )
    return null;
  const watch = url.searchParams.get("watch");
  const verb =
    method === "GET"
      ? name !== undefined && watch === null
        ? "get"
        : watch === "true" || watch === "1"
          ? "watch"
          : "list"
      : VERBS[method];
  return verb === undefined ? null : { resource, verb, namespace, name, subresource };
}
