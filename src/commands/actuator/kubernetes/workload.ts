/**
 * How a workload is written: deployment/default/ruvector-read,
 * cluster.postgresql.cnpg.io/default/pg.
 */
export interface WorkloadName {
  /** As it was written: what the database knows it by. */
  readonly text: string;
  /** A kind's name in any of the forms kubectl takes: plural, singular, short, kind. */
  readonly resource: string;
  /** After the first dot; "" where there is none. */
  readonly group: string;
  /** Undefined: the namespace of the credentials. */
  readonly namespace: string | undefined;
  readonly name: string;
}

export const WORKLOAD_FORM =
  "Write it as kind/namespace/name: deployment/default/ruvector-read, statefulset/db/pg, " +
  "cluster.postgresql.cnpg.io/db/pg.";

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** null: it is none. */
export function parseWorkload(text: string): WorkloadName | null {
  const parts = text.split("/");
  if (text.length > 253 || (parts.length !== 2 && parts.length !== 3)) return null;
  const kind = parts[0]!.toLowerCase();
  const namespace = parts.length === 3 ? parts[1]! : undefined;
  const name = parts.at(-1)!;
  const dot = kind.indexOf(".");
  const resource = dot < 0 ? kind : kind.slice(0, dot);
  const group = dot < 0 ? "" : kind.slice(dot + 1);
  if (!LABEL.test(resource) || (group !== "" && !DNS_NAME.test(group)) || dot === kind.length - 1)
    return null;
  if ((namespace !== undefined && !LABEL.test(namespace)) || !DNS_NAME.test(name)) return null;
  return { text, resource, group, namespace, name };
}
