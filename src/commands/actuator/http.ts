/**
 * The HTTP server of the actuator and of the page: handlers in order, the first that answers ends
 * it. It reads (GET and HEAD), unless it was given what takes a POST.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, BlockList, isIP } from "node:net";

/** true: it has answered. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface Serving {
  readonly url: string;
  close(): Promise<void>;
}

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

/** The path without its query. */
export const pathOf = ({ url = "/" }: IncomingMessage): string => url.split("?", 1)[0] ?? "/";

export function answer(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): true {
  response
    .writeHead(status, {
      ...HEADERS,
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      ...headers,
    })
    .end(body);
  return true;
}

export const json = (response: ServerResponse, status: number, body: unknown): true =>
  answer(response, status, "application/json; charset=utf-8", `${JSON.stringify(body, null, 1)}\n`);

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** Compared as an address, not as text: "127.0.0.1.evil.example" is a name of somebody else's. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0
    ? host.toLowerCase() === "localhost"
    : LOOPBACK.check(host, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Whoever listens on this machine only is spoken to by this machine's names only: a page of the web
 * may point a name of its own at 127.0.0.1.
 */
function isForeign({ headers: { host } }: IncomingMessage, listen: Listen): boolean {
  if (!isLoopback(listen.host)) return false;
  const [, bracketed, plain] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::\d{1,5})?$/i.exec(host ?? "") ?? [];
  return !isLoopback(bracketed ?? plain ?? "");
}

export async function serve(
  listen: Listen,
  handlers: readonly Handler[],
  failed: (error: unknown, request: IncomingMessage) => void,
  posts: readonly Handler[] = [],
): Promise<Serving> {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const takes = request.method === "POST" ? posts : handlers;
    if (!["GET", "HEAD"].includes(request.method ?? "") && (takes === handlers || !posts.length)) {
      answer(response, 405, "text/plain; charset=utf-8", "This server only reads.\n", {
        allow: "GET, HEAD",
      });
      return;
    }
    if (isForeign(request, listen)) {
      answer(
        response,
        421,
        "text/plain; charset=utf-8",
        "This server listens on loopback and answers to localhost only.\n",
      );
      return;
    }
    for (const handler of takes) if (await handler(request, response)) return;
    answer(response, 404, "text/plain; charset=utf-8", "There is nothing here.\n");
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      failed(error, request);
      if (!response.headersSent)
        json(response, 503, { error: error instanceof Error ? error.message : String(error) });
      else response.destroy();
    });
  });
  // Whoever sends nothing does not hold a connection for ever.
  server.requestTimeout = 15_000;
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => failed(error, { url: "(server)" } as IncomingMessage));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
