/** Chromium for a file of tests: what it opened is closed after it. */
import { afterAll } from "vitest";
import { type Look, type Opened, openPage } from "../../support/chromium.ts";

export { haveChromium, type Opened } from "../../support/chromium.ts";

export function browser(): { open(address: string, look?: Look): Promise<Opened> } {
  const opened: Opened[] = [];
  afterAll(async () => {
    for (const one of opened) await one.close();
  });
  return {
    async open(address, look) {
      const one = await openPage(address, look);
      opened.push(one);
      return one;
    },
  };
}
