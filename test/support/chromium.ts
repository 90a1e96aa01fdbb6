/**
 * A real Chromium, Debian's own, looked at by playwright-core: what goes wrong in it is collected,
 * what leaves for elsewhere is stopped.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** The shell first, which has no window: a page takes 0.5 s of a core, in the browser 2. */
const PROGRAMS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const program = (): string | undefined => PROGRAMS.find((one) => existsSync(one));

/** Whether there is one; as root on Debian it is installed where there is none. */
export function haveChromium(): boolean {
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (program() === undefined && mayInstall && !install("chromium-headless-shell")) {
    apt("update");
    // Other systems have the browser only.
    if (!install("chromium-headless-shell")) install("chromium");
  }
  return program() !== undefined;
}

const install = (name: string): boolean =>
  apt("install", "-y", "--no-install-recommends", name, "fonts-dejavu-core");

/** Whether it did; another test file may be at it. */
const apt = (...args: string[]): boolean =>
  spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
    stdio: "ignore",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  }).status === 0;

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

/** A browser: to start one takes seconds of a core, a profile of its own in it next to nothing. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: program()!, headless: true, args: ARGUMENTS });

/** A page with an empty profile of its own, at that address. */
export async function openPage(
  browser: Browser,
  address: string,
  { colorScheme = "light", width = 1180, height = 900 }: Look = {},
): Promise<Opened> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height } });
  const close = (): Promise<void> => context.close().catch(() => undefined);
  try {
    const page = await context.newPage();
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
