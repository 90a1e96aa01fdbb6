/**
 * Chromium for a file of tests. A page that a test opened is closed after it: left open it would
 * draw, and ask for the status, every few seconds until the last test of the file.
 */
import type { Browser } from "playwright-core";
import { afterAll, afterEach } from "vitest";
import { type Look, type Opened, openPage, startBrowser } from "../../support/chromium.ts";

export { haveChromium, type Opened } from "../../support/chromium.ts";

export function browser(): { open(address: string, look?: Look): Promise<Opened> } {
  let started: Promise<Browser> | undefined;
  const opened: Opened[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  afterAll(async () => (await started)?.close());
  return {
    async open(address, look) {
      const one = await openPage(await (started ??= startBrowser()), address, look);
      opened.push(one);
      return one;
    },
  };
}
