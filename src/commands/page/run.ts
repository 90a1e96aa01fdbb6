/** The status page on its own, until it is told to end. */
import { isLoopback, serve, type Listen } from "../actuator/http.ts";
import { reader } from "../actuator/reader.ts";
import { target } from "../connect.ts";
import { interruption } from "../command-line.ts";
import { assets } from "./assets.ts";
import { page } from "./handler.ts";
import { operations } from "./operate.ts";

export async function servePage(
  database: string | undefined,
  listen: Listen,
  operate: boolean,
): Promise<void> {
  const to = target(database);
  const signal = interruption("nothing is left behind");
  await assets();
  const reads = reader(to);
  const told = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
  const operates = operate ? operations(reads, told) : null;
  const serving = await serve(
    listen,
    [page(reads, operates)],
    (error, { url }) =>
      console.error(`${url}: ${error instanceof Error ? error.message : String(error)}`),
    operates === null ? [] : [operates.handler],
  );
  console.error(`The status page of ${to.shown}: ${serving.url}`);
  if (operate && !isLoopback(listen.host))
    console.error(
      "Whoever reaches it may approve, reject and abort: it has no login of its own. Put it " +
        "behind a proxy that has.",
    );
  await reads
    .query("SELECT")
    .catch((error: unknown) =>
      console.error(
        "The database does not answer yet: " +
          `${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await serving.close();
  await reads.end();
}
