/** Lists as kubectl prints them: the server makes the columns. */
import type { Resource } from "./resources.ts";
import { at, type Obj } from "./store.ts";

export const wantsTable = (accept: string): boolean =>
  /as=Table/.test(accept) && /v=v1(;|,|$)/.test(accept);

const columns = ({ scale }: Resource) => [
  {
    name: "Name",
    type: "string",
    format: "name",
    description: "Name must be unique within a namespace.",
    priority: 0,
  },
  ...(scale
    ? [
        {
          name: "Ready",
          type: "string",
          format: "",
          description: "Ready of wanted replicas.",
          priority: 0,
        },
        {
          name: "Available",
          type: "integer",
          format: "",
          description: "Ready replicas.",
          priority: 0,
        },
      ]
    : []),
  { name: "Age", type: "string", format: "", description: "Time since creation.", priority: 0 },
];

function age(created: string): string {
  const seconds = Math.floor((Date.now() - Date.parse(created)) / 1000);
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`;
}

/** @param first whether the columns are told: in a watch only the first event has them */
export function table(
  resource: Resource,
  objects: readonly Obj[],
  version: string,
  first = true,
): object {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion: version },
    columnDefinitions: first ? columns(resource) : null,
    rows: objects.map((object) => {
      const ready = resource.ready ? Number(at(object, resource.ready) ?? 0) : 0;
      return {
        cells: [
          object.metadata.name,
          ...(resource.scale
            ? [`${ready}/${Number(at(object, resource.scale.spec) ?? 0)}`, ready]
            : []),
          age(object.metadata.creationTimestamp),
        ],
        object: {
          kind: "PartialObjectMetadata",
          apiVersion: "meta.k8s.io/v1",
          metadata: object.metadata,
        },
      };
    }),
  };
}
