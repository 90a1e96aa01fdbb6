/** A certificate for 127.0.0.1 that is its own authority. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly certFile: string;
}

export async function certificate(folder: string): Promise<Certificate> {
  const keyFile = join(folder, "tls.key");
  const certFile = join(folder, "tls.crt");
  await promisify(execFile)("openssl", [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=test-kubernetes",
    "-addext",
    "subjectAltName=IP:127.0.0.1,DNS:localhost",
    "-keyout",
    keyFile,
    "-out",
    certFile,
  ]).catch((error: unknown) => {
    throw new Error(
      "openssl is needed for the test API server (Debian: apt-get install openssl): " +
        `${String(error)}`,
    );
  });
  return { key: await readFile(keyFile), cert: await readFile(certFile), certFile };
}
