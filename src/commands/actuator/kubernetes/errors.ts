/** What the Kubernetes API refused, in words for the person who reads the action's message. */

/** It will not go better by trying again. */
export class KubernetesProblem extends Error {
  override readonly name: string = "KubernetesProblem";
}

const ADVICE: Readonly<Record<number, string>> = {
  401: "The API does not take the actuator's credentials.",
  403: "docs/actuator.md has the Role that it needs.",
};

/** An answer of the API other than 2xx. */
export class ApiError extends KubernetesProblem {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    reason: string,
    message: string,
    readonly retryAfterSeconds: number | null,
  ) {
    super(
      [
        `Kubernetes answered ${[status, reason].filter(Boolean).join(" ")}: ${message}`,
        ADVICE[status],
      ]
        .filter(Boolean)
        .join(" "),
    );
  }
}

/** No answer, or half of one: it may or may not have been carried out. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}
