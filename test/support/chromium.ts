/**
 * A real Chromium, Debian's own, looked at by playwright-core: what goes wrong in it is collected,
 * what leaves for elsewhere is stopped.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether there is one; as root on Debian it is installed when there is none. */
export function haveChromium(): boolean {
  if (!existsSync(EXECUTABLE) && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    const quiet = {
      stdio: "ignore",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    } as const;
    const install = (): number | null =>
      spawnSync(
        "apt-get",
        ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
        quiet,
      ).status;
    if (install() !== 0) {
      spawnSync("apt-get", ["update"], quiet);
      install();
    }
  }
  return existsSync(EXECUTABLE);
}

export interface Look {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

export interface Opened {
  readonly page: Page;
  /** Errors in its console, uncaught ones, violations of its policy, requests to elsewhere. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** A browser of its own with an empty profile, at that address. */
export async function openPage(
  address: string,
  { colorScheme = "light", width = 1180, height = 900 }: Look = {},
): Promise<Opened> {
  const profile = await mkdtemp(join(tmpdir(), "ruvector-healing-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: ARGUMENTS,
    colorScheme,
    viewport: { width, height },
  });
  const close = async (): Promise<void> => {
    await context.close().catch(() => undefined);
    await rm(profile, { recursive: true, force: true });
  };
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    const complaints = await listen(page, new URL(address).origin);
    // Beside other tests on two cores a first picture takes longer than the 30 s of the default.
    page.setDefaultTimeout(90_000);
    await page.goto(address);
    return { page, complaints, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What goes wrong in it from now on. */
async function listen(page: Page, origin: string): Promise<string[]> {
  const complaints: string[] = [];
  await page.context().route("**", async (route) => {
    const url = route.request().url();
    if (url.startsWith(`${origin}/`) || url.startsWith("data:")) return route.continue();
    complaints.push(`asked for ${url}`);
    return route.abort();
  });
  page.on(
    "console",
    (message) => void (message.type() === "error" && complaints.push(message.text())),
  );
  page.on("pageerror", (error) => void complaints.push(error.message));
  await page.exposeFunction("complain", (what: string) => void complaints.push(what));
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => complain(`policy: " +
      "${event.violatedDirective} ${event.blockedURI}`));",
  );
  return complaints;
}
