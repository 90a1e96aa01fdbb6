/**
 * Requests to the Kubernetes API. Credentials, certificates and proxies are
 * @kubernetes/client-node's; the requests are made here, because its generated clients know no
 * scale subresource of a custom resource, and take neither deadlines nor Retry-After.
 */
import { KubeConfig } from "@kubernetes/client-node";
import type { RequestOptions } from "node:https";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { backoff, type Deadline, DeadlinePassed } from "../clock.ts";
import { ApiError, ConnectionLost, KubernetesProblem } from "./errors.ts";
import { type Reply, send } from "./exchange.ts";

export interface Credentials {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** What is told to metrics: "200", "409", "lost". */
export type Observe = (method: string, outcome: string, seconds: number) => void;

/** What may go better after a pause. */
export interface Later {
  readonly seconds: number;
  readonly why: string;
}

interface Request {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly body?: object;
}

/** Seconds: a connection that gives no answer for so long is given up. */
const ATTEMPT_SECONDS = 10;
/**
 * A token that was just rotated is read again within a minute; credentials that are wrong stay
 * wrong.
 */
const UNAUTHORIZED_TRIES = 4;

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * As kubectl finds them: the flag, KUBECONFIG, ~/.kube/config; in a pod its service account.
 * @param files what stands before the path of a pod's files, for tests
 */
export function loadConfig(
  { kubeconfig, context }: Credentials,
  environment: NodeJS.ProcessEnv = process.env,
  files = "",
): KubeConfig {
  const config = new KubeConfig();
  const found =
    kubeconfig ??
    (environment["KUBECONFIG"] || undefined) ??
    [join(homedir(), ".kube", "config")].find((file) => existsSync(file));
  try {
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else if (found !== undefined) config.loadFromDefault();
    else if (
      environment["KUBERNETES_SERVICE_HOST"] !== undefined &&
      existsSync(join(files, SERVICE_ACCOUNT, "token"))
    )
      config.loadFromCluster(files);
    else
      throw new KubernetesProblem(
        "there are no credentials: neither --kubeconfig, nor KUBECONFIG, nor ~/.kube/config, " +
          "nor a pod's service account",
      );
  } catch (error) {
    if (error instanceof KubernetesProblem) throw error;
    throw new KubernetesProblem(
      `the credentials for Kubernetes (${found ?? SERVICE_ACCOUNT}) cannot be read: ` +
        `${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (context !== undefined) {
    if (!config.getContextObject(context))
      throw new KubernetesProblem(
        `the kubeconfig has no context "${context}"; it has ${
          config
            .getContexts()
            .map(({ name }) => name)
            .join(", ") || "none"
        }`,
      );
    config.setCurrentContext(context);
  }
  if (!config.getCurrentCluster())
    throw new KubernetesProblem(
      `the kubeconfig's current context "${config.getCurrentContext()}" names no cluster`,
    );
  return config;
}

export class KubernetesApi {
  constructor(
    private readonly config: KubeConfig,
    private readonly observe: Observe = () => undefined,
    private readonly attemptSeconds = ATTEMPT_SECONDS,
  ) {}

  get server(): string {
    return this.config.getCurrentCluster()?.server ?? "";
  }

  get namespace(): string {
    return this.config.getContextObject(this.config.getCurrentContext())?.namespace ?? "default";
  }

  /**
   * The body of a 2xx answer. What may go better later is tried again until the deadline.
   * @throws ApiError for what will not: 403, 404, 409, 422...
   */
  async read<T>(path: string, deadline: Deadline, tries = Infinity): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return (await this.once({ method: "GET", path }, deadline)) as T;
      } catch (error) {
        if (attempt + 1 >= tries) throw error;
        const later = this.later(error, attempt, deadline);
        if (deadline.left <= later.seconds)
          throw new DeadlinePassed(`no time is left to try again: ${later.why}`);
        await deadline.wait(later.seconds);
      }
    }
  }

  /**
   * One try to write. What may go better later comes back as a pause, because whoever writes has to
   * look anew first.
   */
  async write(
    path: string,
    body: object,
    attempt: number,
    deadline: Deadline,
  ): Promise<Later | null> {
    if (deadline.passed) throw new DeadlinePassed("its time is over");
    try {
      await this.once({ method: "PUT", path, body }, deadline);
      return null;
    } catch (error) {
      return this.later(error, attempt, deadline);
    }
  }

  /**
   * When to try again: no connection, 429, 5xx, a token that was just rotated. @throws what will
   * not go better
   */
  private later(error: unknown, attempt: number, deadline: Deadline): Later {
    deadline.signal.throwIfAborted();
    const seconds = backoff(attempt, 0.25, 8);
    if (error instanceof ConnectionLost) return { seconds, why: error.message };
    if (!(error instanceof ApiError)) throw error;
    const { status, retryAfterSeconds } = error;
    if (status !== 429 && status < 500 && !(status === 401 && attempt + 1 < UNAUTHORIZED_TRIES))
      throw error;
    return {
      seconds: retryAfterSeconds === null ? seconds : retryAfterSeconds + Math.random() * 0.25,
      why: error.message,
    };
  }

  private async once({ method, path, body }: Request, deadline: Deadline): Promise<unknown> {
    const began = performance.now();
    const seen = (outcome: string): void =>
      this.observe(method, outcome, (performance.now() - began) / 1000);
    let reply: Reply;
    try {
      reply = await this.exchange(
        method,
        path,
        body === undefined ? undefined : JSON.stringify(body),
        deadline,
      );
    } catch (error) {
      if (error instanceof ConnectionLost) seen("lost");
      throw error;
    }
    seen(String(reply.status));
    if (reply.status >= 200 && reply.status < 300) return reply.body;
    const { reason = "", message = `${method} ${path} failed` } = (reply.body ?? {}) as {
      reason?: string;
      message?: string;
    };
    throw new ApiError(reply.status, reason, message, reply.retryAfterSeconds);
  }

  private async exchange(
    method: string,
    path: string,
    body: string | undefined,
    deadline: Deadline,
  ): Promise<Reply> {
    const url = new URL(this.server.replace(/\/$/, "") + path);
    const options = this.optionsOf(method, body, deadline);
    try {
      await this.config.applyToHTTPSOptions(options);
    } catch (error) {
      // A token's file that is being replaced, an exec plugin that could not reach its service.
      throw new ConnectionLost(
        `the credentials for ${this.server} could not be had: ` +
          `${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return send(url, options, body, (error) => {
      const timeout = options.signal!.aborted && !deadline.signal.aborted;
      const said = error.message || (error as NodeJS.ErrnoException).code || error.name;
      const what = timeout ? "gave no answer in time" : `is not to be reached: ${said}`;
      return new ConnectionLost(`${this.server} ${what}`);
    });
  }

  private optionsOf(method: string, body: string | undefined, deadline: Deadline): RequestOptions {
    const seconds = Math.max(0.001, Math.min(this.attemptSeconds, deadline.left));
    return {
      method,
      signal: AbortSignal.any([deadline.signal, AbortSignal.timeout(Math.ceil(seconds * 1000))]),
      headers: {
        accept: "application/json",
        "user-agent": "ruvector-healing-actuator",
        ...(body !== undefined && {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        }),
      },
    };
  }
}
