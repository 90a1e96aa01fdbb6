/**
 * The kinds the test API server knows: a few built-in ones, and what a test defines as a
 * CustomResourceDefinition would.
 */

export interface Scale {
  readonly spec: readonly string[];
  readonly status: readonly string[];
  readonly selector: readonly string[];
}

export interface Resource {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly scale?: Scale;
  /** Where the count that is ready is written; null: it has no replicas. */
  readonly ready?: readonly string[];
}

const REPLICAS: Scale = {
  spec: ["spec", "replicas"],
  status: ["status", "replicas"],
  selector: ["status", "selector"],
};
const READY = ["status", "readyReplicas"] as const;

const core = (
  kind: string,
  plural: string,
  shortNames: readonly string[] = [],
  namespaced = true,
): Resource => ({
  group: "",
  version: "v1",
  plural,
  singular: kind.toLowerCase(),
  kind,
  shortNames,
  namespaced,
});
const workload = (kind: string, shortName: string): Resource => ({
  group: "apps",
  version: "v1",
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  kind,
  shortNames: [shortName],
  namespaced: true,
  scale: REPLICAS,
  ready: READY,
});
const rbac = (kind: string, namespaced: boolean): Resource => ({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  kind,
  shortNames: [],
  namespaced,
});

export const BUILT_IN: readonly Resource[] = [
  core("Namespace", "namespaces", ["ns"], false),
  core("Pod", "pods", ["po"]),
  core("Secret", "secrets"),
  core("ServiceAccount", "serviceaccounts", ["sa"]),
  core("Service", "services", ["svc"]),
  workload("Deployment", "deploy"),
  workload("StatefulSet", "sts"),
  rbac("Role", true),
  rbac("RoleBinding", true),
];

/**
 * A CloudNativePG Cluster, with the names and the scale subresource of its
 * CustomResourceDefinition.
 */
export const CLUSTER: Resource = {
  group: "postgresql.cnpg.io",
  version: "v1",
  plural: "clusters",
  singular: "cluster",
  kind: "Cluster",
  shortNames: [],
  namespaced: true,
  scale: {
    spec: ["spec", "instances"],
    status: ["status", "instances"],
    selector: ["status", "selector"],
  },
  ready: ["status", "readyInstances"],
};

/** Another operator's kind of the same name: a name alone does not always say which is meant. */
export const OTHER_CLUSTER: Resource = {
  group: "example.org",
  version: "v1beta1",
  plural: "clusters",
  singular: "cluster",
  kind: "Cluster",
  shortNames: [],
  namespaced: true,
  scale: { spec: ["spec", "size"], status: ["status", "size"], selector: ["status", "selector"] },
};

export const groupVersion = ({ group, version }: Resource): string =>
  group === "" ? version : `${group}/${version}`;
