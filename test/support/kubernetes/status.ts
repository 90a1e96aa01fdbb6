/** Errors as the API answers them: a Status object. */
import type { Resource } from "./resources.ts";

const qualified = ({ group, plural }: Resource): string =>
  group === "" ? plural : `${plural}.${group}`;

export class StatusError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly headers: Record<string, string> = {},
    readonly details: object = {},
  ) {
    super(message);
  }

  get document(): object {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      details: this.details,
      code: this.code,
    };
  }

  static notFound = (resource: Resource, name: string): StatusError =>
    new StatusError(
      404,
      "NotFound",
      `${qualified(resource)} "${name}" not found`,
      {},
      { name, group: resource.group, kind: resource.plural },
    );
  static noPath = (): StatusError =>
    new StatusError(404, "NotFound", "the server could not find the requested resource");
  static conflict = (resource: Resource, name: string): StatusError =>
    new StatusError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has ` +
        "been modified; please apply your changes to the latest version and try again",
      {},
      { name, group: resource.group, kind: resource.plural },
    );
  static invalid = (resource: Resource, name: string, message: string): StatusError =>
    new StatusError(
      422,
      "Invalid",
      `${resource.kind}.${resource.group} "${name}" is invalid: ${message}`,
    );
  static forbidden = (
    user: string,
    verb: string,
    resource: string,
    group: string,
    namespace: string | undefined,
    name: string | undefined,
  ): StatusError => {
    const where =
      namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
    return new StatusError(
      403,
      "Forbidden",
      `${resource.split("/")[0]}${group === "" ? "" : `.${group}`} ` +
        `${name === undefined ? "" : `"${name}" `}is forbidden: User "${user}" cannot ${verb} ` +
        `resource "${resource}" in API group "${group}" ${where}`,
    );
  };
  static tooMany = (seconds: number): StatusError =>
    new StatusError(
      429,
      "TooManyRequests",
      "Too many requests, please try again later.",
      { "retry-after": String(seconds) },
      { retryAfterSeconds: seconds },
    );
}
