/** The operations that sense: sample, report, graph, lambda2. */
import { MEASUREMENT_KINDS } from "../model/measured.ts";
import type { Host } from "../host/host.ts";
import { loadCollection } from "../collection/lookup.ts";
import { lambda2 } from "../graph/lambda2.ts";
import { currentEdges } from "../graph/reading.ts";
import { observe } from "../loop/observe.ts";
import { currentGraph, type Sample } from "../sense/sample.ts";
import { acceptReport } from "../sense/standing-report.ts";

type Document = Record<string, unknown>;

export function sample(host: Host, collectionId: number): Document {
  const collection = loadCollection(host, collectionId);
  return {
    collection: collection.name,
    ...documentOf(observe(host, collection, MEASUREMENT_KINDS)),
  };
}

export function report(host: Host, collectionId: number, input: unknown): Document {
  const collection = loadCollection(host, collectionId);
  const { reading } = acceptReport(host, collectionId, input);
  return {
    collection: collection.name,
    accepted: reading ? "reading" : "metrics",
    stands_for_seconds: collection.settings.report_ttl_seconds,
    ...documentOf(observe(host, collection)),
  };
}

const documentOf = (taken: Sample): Document => ({
  lambda: taken.reading.lambda,
  raw_cut: taken.reading.raw,
  state: taken.state,
  transition: taken.transition,
  source: taken.source,
  sampled_at: new Date(taken.at * 1000).toISOString(),
  witness_edges: taken.reading.witness,
  side: taken.reading.side,
  mass: taken.reading.mass,
  trivial: taken.reading.trivial,
  metrics: taken.metrics,
  rows_source: taken.snapshot.rows_source,
  unmeasured: taken.snapshot.unmeasured,
  sample_id: Number(taken.id),
});

/** Nodes and edges with their capacities, edges by the ids of their ends. */
export function graph(host: Host, collectionId: number): Document {
  const collection = loadCollection(host, collectionId);
  const { nodes, edges } = currentGraph(host, collection);
  return {
    collection: collection.name,
    nodes,
    edges: edges.map(({ u, v, type, nominal, health }) => ({
      from: nodes[u]!.id,
      to: nodes[v]!.id,
      type,
      nominal,
      health,
      capacity: nominal * health,
    })),
  };
}

/** The algebraic connectivity of that graph. */
export function drift(host: Host, collectionId: number): Document {
  const graphNow = currentGraph(host, loadCollection(host, collectionId));
  return { lambda2: lambda2(graphNow.nodes.length, currentEdges(graphNow)) };
}
