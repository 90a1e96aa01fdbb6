/**
 * A server that speaks the Kubernetes API as kubectl and client libraries expect it: discovery,
 * get, list, watch, create, update, patch, delete, the scale and status subresources,
 * resourceVersion, RBAC, TLS. Controllers follow what is wanted. It runs no container. There is no
 * kube-apiserver among Debian's packages; docs/actuator.md says what was tried against this one.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authorize, type User } from "./authorizer.ts";
import { certificate, type Certificate } from "./certificate.ts";
import { type Pace, runControllers } from "./controllers.ts";
import { discovery } from "./discovery.ts";
import { Faults, refusal } from "./faults.ts";
import { type Answer, type Call, handle } from "./handle.ts";
import { BUILT_IN, CLUSTER, type Resource } from "./resources.ts";
import { StatusError } from "./status.ts";
import { type Obj, Store } from "./store.ts";
import { parsePath } from "./path.ts";

export interface Logged {
  readonly at: number;
  readonly verb: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly user: string;
  readonly status: number;
  readonly body: unknown;
}

export class KubernetesApi {
  readonly store = new Store();
  readonly faults = new Faults();
  readonly resources: Resource[] = [...BUILT_IN, CLUSTER];
  readonly pace: Pace = { every: 40, warmUp: 1, readyAtMost: Infinity };
  /** Every request to an object, in order; discovery is not among them. */
  readonly log: Logged[] = [];
  private readonly users = new Map<string, User>();
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  private stopControllers: () => void = () => undefined;

  private constructor(
    private readonly folder: string,
    private readonly tls: Certificate,
  ) {}

  static async start(): Promise<KubernetesApi> {
    const folder = await mkdtemp(join(tmpdir(), "ruvector-healing-kubernetes-"));
    const api = new KubernetesApi(folder, await certificate(folder));
    api.user("admin", { name: "admin", admin: true });
    api.store.create(api.kind("namespaces"), undefined, { metadata: { name: "default" } });
    api.stopControllers = runControllers(api.store, () => api.resources, api.pace);
    await api.listen();
    return api;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** The CA's file, for whoever is not given a kubeconfig. */
  get caFile(): string {
    return this.tls.certFile;
  }

  kind(plural: string, group?: string): Resource {
    const found = this.resources.find(
      (one) => one.plural === plural && (group === undefined || one.group === group),
    );
    if (!found) throw new Error(`no kind ${plural}`);
    return found;
  }

  /** Another user; returns the token. */
  user(token: string, user: User): string {
    this.users.set(token, user);
    return token;
  }

  serviceAccount(namespace: string, name: string): string {
    return this.user(randomBytes(12).toString("hex"), {
      name: `system:serviceaccount:${namespace}:${name}`,
    });
  }

  /** A kubeconfig for the user of a token. */
  async kubeconfig(token = "admin", name = "kubeconfig"): Promise<string> {
    const file = join(this.folder, name);
    await writeFile(
      file,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "test",
        clusters: [
          {
            name: "test",
            cluster: { server: this.url, "certificate-authority": this.tls.certFile },
          },
        ],
        users: [{ name: "test", user: { token } }],
        contexts: [
          { name: "test", context: { cluster: "test", user: "test", namespace: "default" } },
        ],
      }),
    );
    return file;
  }

  /** A workload with so many replicas, all ready. */
  workload(plural: string, name: string, replicas: number, namespace = "default"): Obj {
    const resource = this.kind(plural);
    const [, spec] = resource.scale!.spec;
    const [, status] = resource.scale!.status;
    const ready = resource.ready?.[1];
    return this.store.create(resource, namespace, {
      metadata: { name },
      spec: { [spec!]: replicas },
      status: {
        observedGeneration: 1,
        [status!]: replicas,
        ...(ready !== undefined && { [ready]: replicas }),
        selector: `app=${name}`,
      },
    });
  }

  /** How many are wanted of it now. */
  replicas(plural: string, name: string, namespace = "default"): number {
    const resource = this.kind(plural);
    return Number(
      (this.store.get(resource, namespace, name)["spec"] as Record<string, number>)[
        resource.scale!.spec[1]!
      ],
    );
  }

  /** Somebody else scales. */
  setReplicas(plural: string, name: string, replicas: number, namespace = "default"): void {
    const resource = this.kind(plural);
    this.store.update(resource, namespace, name, (object) => {
      (object["spec"] as Record<string, number>)[resource.scale!.spec[1]!] = replicas;
    });
  }

  /** What was written, with what came of it. */
  writes = (): Logged[] =>
    this.log.filter(({ verb }) => verb === "update" || verb === "patch" || verb === "create");

  /** Cuts every connection and takes no new one. */
  async away(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async back(): Promise<void> {
    if (!this.server) await this.listen();
  }

  async close(): Promise<void> {
    this.stopControllers();
    await this.away();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async listen(): Promise<void> {
    const server = createServer(
      { key: this.tls.key, cert: this.tls.cert },
      (request, response) => void this.serve(request, response),
    );
    server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined);
    const url = new URL(request.url ?? "/", this.url);
    const call = parsePath(this.resources, request.method ?? "GET", url);
    const attempt = {
      verb: call?.verb ?? "get",
      resource: call
        ? call.resource.plural + (call.subresource === undefined ? "" : `/${call.subresource}`)
        : "",
      path: url.pathname,
    };
    let status = 500;
    let user = "anonymous";
    let body: unknown;
    try {
      body = await bodyOf(request);
      const fault = this.faults.take(attempt);
      if (fault?.kind === "drop" && fault.when === "before") return void request.socket.destroy();
      if (fault?.kind === "slow")
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      if (fault?.kind === "status") throw refusal(fault, call?.resource ?? null);
      const known = this.users.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
      if (!known) throw new StatusError(401, "Unauthorized", "Unauthorized");
      user = known.name;
      const answer = this.carryOut(call, known, url, request, body);
      status = answer.status;
      if (fault?.kind === "drop") return void request.socket.destroy();
      if (answer.stream) return answer.stream(response);
      const text = JSON.stringify(answer.body);
      response.writeHead(answer.status, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      });
      if (fault?.kind === "torn")
        return void response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      response.end(text);
    } catch (error) {
      const said =
        error instanceof StatusError ? error : new StatusError(500, "InternalError", String(error));
      status = said.code;
      response
        .writeHead(said.code, { "content-type": "application/json", ...said.headers })
        .end(JSON.stringify(said.document));
    } finally {
      if (call)
        this.log.push({
          at: Date.now(),
          verb: call.verb,
          resource: attempt.resource,
          name: call.name,
          user,
          status,
          body,
        });
    }
  }

  private carryOut(
    call: Call | null,
    user: User,
    url: URL,
    request: IncomingMessage,
    body: unknown,
  ): Answer {
    if (!call) {
      const document = discovery(
        this.resources,
        url.pathname.replace(/\/$/, ""),
        request.headers.accept ?? "",
      );
      if (!document) throw StatusError.noPath();
      return { status: 200, body: document };
    }
    authorize(this.store, { role: this.kind("roles"), binding: this.kind("rolebindings") }, user, {
      verb: call.verb,
      group: call.resource.group,
      namespace: call.namespace,
      name: call.name,
      resource:
        call.resource.plural + (call.subresource === undefined ? "" : `/${call.subresource}`),
    });
    return handle(this.store, call, {
      accept: request.headers.accept ?? "",
      type: request.headers["content-type"] ?? "",
      body,
      query: url.searchParams,
    });
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new StatusError(400, "BadRequest", "the body is not JSON");
  }
}
