/** One request and its answer, over HTTP or HTTPS. */
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";

export interface Reply {
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  readonly body: unknown;
}

/** Discovery of a cluster with many custom resources is some megabytes. */
const LARGEST_ANSWER = 32 * 1024 * 1024;

/** Seconds, or a date. */
export function retryAfter(header: string | undefined, now: number = Date.now()): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, (date - now) / 1000);
}

/** @param lost what to throw where the connection fails */
export function send(
  url: URL,
  options: RequestOptions,
  body: string | undefined,
  lost: (error: Error) => Error,
): Promise<Reply> {
  return new Promise<Reply>((resolve, reject) => {
    const fail = (error: Error): void => reject(lost(error));
    const request = url.protocol === "http:" ? httpRequest : httpsRequest;
    const sent = request(url, options, (response) =>
      collect(response, fail, (text) => resolve(replyOf(response, text))),
    );
    sent.on("error", fail);
    sent.end(body);
  });
}

/** The whole text of an answer. */
function collect(
  response: IncomingMessage,
  fail: (error: Error) => void,
  done: (text: string) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > LARGEST_ANSWER) return void response.destroy(new Error("the answer is too large"));
    chunks.push(chunk);
  });
  response.on("error", fail);
  response.on("aborted", () =>
    fail(new Error("the connection was cut in the middle of the answer")),
  );
  response.on("end", () => done(Buffer.concat(chunks).toString("utf8")));
}

function replyOf(response: IncomingMessage, text: string): Reply {
  const status = response.statusCode ?? 0;
  const retryAfterSeconds = retryAfter(response.headers["retry-after"]);
  try {
    return { status, retryAfterSeconds, body: text === "" ? undefined : JSON.parse(text) };
  } catch {
    // A proxy on the way answers in HTML.
    return {
      status: status >= 200 && status < 300 ? 502 : status,
      retryAfterSeconds,
      body: { reason: "", message: `the answer is not JSON: ${text.slice(0, 120)}` },
    };
  }
}
