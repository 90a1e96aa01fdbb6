/**
 * What the server says about itself: groups, versions, resources, and OpenAPI enough for kubectl.
 */
import { groupVersion, type Resource } from "./resources.ts";

const VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];

const versionsOf = (resources: readonly Resource[], group: string): string[] => [
  ...new Set(resources.filter((one) => one.group === group).map(({ version }) => version)),
];

function groupDocument(resources: readonly Resource[], group: string) {
  const versions = versionsOf(resources, group).map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(resources: readonly Resource[], wanted: string) {
  const here = resources.filter((one) => groupVersion(one) === wanted);
  if (here.length === 0) return null;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: wanted,
    resources: here.flatMap(({ plural, singular, kind, shortNames, namespaced, scale }) => [
      {
        name: plural,
        singularName: singular,
        namespaced,
        kind,
        verbs: VERBS,
        ...(shortNames.length > 0 && { shortNames }),
      },
      ...(scale
        ? [
            {
              name: `${plural}/scale`,
              singularName: "",
              namespaced,
              group: "autoscaling",
              version: "v1",
              kind: "Scale",
              verbs: ["get", "patch", "update"],
            },
            {
              name: `${plural}/status`,
              singularName: "",
              namespaced,
              kind,
              verbs: ["get", "patch", "update"],
            },
          ]
        : []),
    ]),
  };
}

/** kubectl wants a definition of each kind it sends, and takes one without properties. */
function openApi(resources: readonly Resource[]) {
  const definitions = Object.fromEntries(
    resources.map((resource) => {
      const { group, version, kind } = resource;
      return [
        `test.${group || "core"}.${version}.${kind}`,
        {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          "x-kubernetes-group-version-kind": [{ group, version, kind }],
        },
      ];
    }),
  );
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: "v1.30.0" },
    paths: {},
    definitions,
  };
}

/** The document at a path of discovery; null: it is none. */
export function discovery(
  resources: readonly Resource[],
  path: string,
  accept: string,
): object | null {
  const groups = [...new Set(resources.map(({ group }) => group).filter((group) => group !== ""))];
  const [, first, group, version, more] = path.split("/");
  if (path === "/version")
    return {
      major: "1",
      minor: "30",
      gitVersion: "v1.30.0",
      gitCommit: "",
      gitTreeState: "clean",
      buildDate: "2026-01-01T00:00:00Z",
      goVersion: "go1.22",
      compiler: "gc",
      platform: "linux/amd64",
    };
  // Only as JSON: newer clients ask for protobuf first, and are content with a refusal.
  if (path === "/openapi/v2")
    return accept.includes("json") || accept === "*/*" || accept === "" ? openApi(resources) : null;
  if (path === "/api")
    return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (path === "/api/v1") return resourceList(resources, "v1");
  if (path === "/apis")
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groups.map((one) => groupDocument(resources, one)),
    };
  if (first !== "apis" || more !== undefined || group === undefined || !groups.includes(group))
    return null;
  return version === undefined
    ? { kind: "APIGroup", apiVersion: "v1", ...groupDocument(resources, group) }
    : resourceList(resources, `${group}/${version}`);
}
