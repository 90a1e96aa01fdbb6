/**
 * Which resource of the API a workload's kind means: asked of the API itself, so that any kind with
 * a scale subresource will do.
 */
import type { Deadline } from "../clock.ts";
import type { KubernetesApi } from "./api.ts";
import { ApiError, KubernetesProblem } from "./errors.ts";
import type { WorkloadName } from "./workload.ts";

interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly namespaced: boolean;
}

interface ApiGroup {
  readonly name: string;
  readonly preferredVersion: { readonly groupVersion: string };
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
}

export interface ScalableResource {
  /**
   * Of the object: /apis/apps/v1/namespaces/default/deployments/ruvector-read; "/scale" after it is
   * its scale.
   */
  readonly path: string;
  readonly kind: string;
  readonly namespace: string;
}

const resourcesOf = async (
  api: KubernetesApi,
  groupVersion: string,
  deadline: Deadline,
  tries: number,
): Promise<readonly ApiResource[]> =>
  (
    await api.read<{ resources?: readonly ApiResource[] }>(
      groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`,
      deadline,
      tries,
    )
  ).resources ?? [];

const isCalled = ({ name, singularName, kind, shortNames }: ApiResource, wanted: string): boolean =>
  name === wanted ||
  singularName === wanted ||
  kind.toLowerCase() === wanted ||
  (shortNames?.includes(wanted) ?? false);

/** "apps", or "v1.apps" as kubectl takes it too. */
function versionsWanted(groups: readonly ApiGroup[], group: string): readonly string[] {
  const exact = groups.find(({ name }) => name === group);
  if (exact) return [exact.preferredVersion.groupVersion];
  const [version, ...rest] = group.split(".");
  const found = groups
    .find(({ name }) => name === rest.join("."))
    ?.versions.find((one) => one.version === version);
  return found ? [found.groupVersion] : [];
}

interface Found {
  readonly groupVersion: string;
  readonly resource: ApiResource;
  readonly scalable: boolean;
}

/**
 * @param anywhere whether groups are only looked through, and one that does not answer is passed
 *   by: an aggregated API whose server is away
 */
async function search(
  api: KubernetesApi,
  groupVersions: readonly string[],
  wanted: string,
  deadline: Deadline,
  anywhere: boolean,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const groupVersion of groupVersions) {
    let resources: readonly ApiResource[];
    try {
      resources = await resourcesOf(api, groupVersion, deadline, anywhere ? 2 : Infinity);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || (anywhere && error.status >= 500)))
        continue;
      throw error;
    }
    const resource = resources.find((one) => !one.name.includes("/") && isCalled(one, wanted));
    if (resource)
      found.push({
        groupVersion,
        resource,
        scalable: resources.some(({ name }) => name === `${resource.name}/scale`),
      });
  }
  return found;
}

export async function discover(
  api: KubernetesApi,
  workload: WorkloadName,
  deadline: Deadline,
): Promise<ScalableResource> {
  const { resource: wanted, group } = workload;
  // Nearly always it is one of apps; only what is not found there is looked for everywhere.
  let found =
    group === "" || group === "apps" ? await search(api, ["apps/v1"], wanted, deadline, false) : [];
  if (found.length === 0) {
    const { groups } = await api.read<{ groups: readonly ApiGroup[] }>("/apis", deadline);
    const everywhere = [
      "v1",
      ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion),
    ].filter((one) => one !== "apps/v1");
    found = await search(
      api,
      group === "" ? everywhere : versionsWanted(groups, group),
      wanted,
      deadline,
      group === "",
    );
  }
  const named = group === "" ? wanted : `${wanted}.${group}`;
  const [first, ...others] = found;
  if (!first) throw new KubernetesProblem(`${api.server} knows no kind "${named}"`);
  if (others.length > 0) {
    const names = found.map(
      ({ resource, groupVersion }) =>
        `${resource.singularName || resource.kind.toLowerCase()}.${groupVersion.split("/")[0]}`,
    );
    throw new KubernetesProblem(`"${wanted}" may be ${names.join(" or ")}: say which`);
  }
  const { groupVersion, resource, scalable } = first;
  if (!scalable || !resource.namespaced)
    throw new KubernetesProblem(
      `${resource.kind} (${groupVersion}) has no scale subresource: it cannot be scaled`,
    );
  const namespace = workload.namespace ?? api.namespace;
  const version = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
  const within = `namespaces/${encodeURIComponent(namespace)}`;
  return {
    path: `${version}/${within}/${resource.name}/${encodeURIComponent(workload.name)}`,
    kind: resource.kind,
    namespace,
  };
}
