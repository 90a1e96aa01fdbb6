/** What people call the nodes of a graph. */
import type { Metrics } from "../model/problem.ts";
import type { Topology } from "./topology.ts";

/** Turns a node id into what a person calls the node. */
export type Label = (id: string) => string;

/** The node of the server itself; its id says nothing to anybody. */
export const HUB = { id: "shard:0", label: "this server" } as const;

/** `partition:public.embeddings_p3` -> `public.embeddings_p3`: the id without its kind. */
export const nameOf: Label = (id) =>
  id === HUB.id ? HUB.label : id.replace(/^[a-z_]+:(?=.)/s, "");

/**
 * Labels of the graph first, then of the measured partitions and replicas, then the id without its
 * kind.
 */
export function labelsOf(metrics: Metrics, topology?: Topology): Label {
  const measured = new Map(
    [...metrics.partitions, ...(metrics.replicas ?? [])].map(({ id, label }) => [id, label]),
  );
  return (id) => topology?.labels?.get(id) ?? measured.get(id) ?? nameOf(id);
}

/** The same for nodes of a graph, e.g. to describe a witness outside the classifier. */
export function labelsOfNodes(
  nodes: readonly { readonly id: string; readonly label: string }[],
): Label {
  const labels = new Map(nodes.map((node) => [node.id, node.label]));
  return (id) => labels.get(id) ?? nameOf(id);
}
