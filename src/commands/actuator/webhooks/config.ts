/**
 * The file of --webhooks: where transitions are sent, in which words, and when not. Addresses are
 * secrets (whoever has Slack's may write there): no message of ours repeats one.
 */
import { readFileSync, statSync } from "node:fs";
import { compileTemplate, PLACEHOLDERS, type Template } from "./template.ts";

export interface QuietHours {
  /** Minutes since midnight in the time zone. */
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
  /** Kinds that are sent all the same. */
  readonly except: readonly RegExp[];
}

export interface Webhook {
  readonly name: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly format: "slack" | "generic";
  readonly kinds: readonly RegExp[];
  readonly collections: readonly string[] | null;
  readonly template: Template;
  /** Of a generic one: the document that is sent; texts in it are templates. */
  readonly body: unknown;
  /** Signs the body: x-ruvector-healing-signature. */
  readonly secret: string | null;
  readonly dedupSeconds: number;
  readonly giveUpSeconds: number;
  readonly quiet: QuietHours | null;
}

/** What is wrong with the file, without what it holds. */
export class ConfigProblem extends Error {
  override readonly name = "KeyProblem";
}

/** What wakes people: the rest is seen on the page. */
const URGENT = ["state_critical", "breaker_open", "action_rollback_failed", "table_missing"];
const USUAL = [
  ...URGENT,
  "state_stress",
  "state_normal",
  "action_awaiting_approval",
  "action_succeeded",
  "action_rolled_back",
  "action_failed",
  "refusal_escalated",
];

/** All that NOTIFY tells: docs/monitoring.md (test/unit/webhooks.test.ts compares). */
export const TOLD = [
  ...["normal", "stress", "critical"].map((state) => `state_${state}`),
  ...["planned", "executing", "stabilizing", "rolling_back", "awaiting_approval"].map(
    (state) => `action_${state}`,
  ),
  ...["succeeded", "rolled_back", "rollback_failed", "failed", "aborted", "expired"].map(
    (state) => `action_${state}`,
  ),
  "refusal_escalated",
  ...["open", "half_open", "closed"].map((state) => `breaker_${state}`),
  "table_missing",
];

type Fields = Readonly<Record<string, unknown>>;
type Environment = Readonly<Record<string, string | undefined>>;

export function readWebhooks(file: string, env: Environment = process.env): readonly Webhook[] {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const { code } = error as { code?: string };
    throw new ConfigProblem(
      `${file}: ${code ?? "this is no JSON"}. docs/actuator.md has examples.`,
    );
  }
  const { webhooks, ...more } = fields(document, file);
  if (!Array.isArray(webhooks) || Object.keys(more).length > 0)
    throw new ConfigProblem(`${file}: write {"webhooks": [{"name": "ops", "url": "..."}]}.`);
  const found = webhooks.map((one: unknown, place) =>
    webhookOf(one, `${file}, webhook ${place + 1}`, env),
  );
  const names = found.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined)
    throw new ConfigProblem(`${file}: two webhooks are called "${twice}": give each its own name.`);
  return found;
}

/** Whether others on this machine may read it: addresses are in it. */
export const exposed = (file: string): boolean => (statSync(file).mode & 0o044) !== 0;

function fields(value: unknown, where: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ConfigProblem(`${where}: write a JSON object.`);
}

const KEYS = [
  "name",
  "url",
  "url_env",
  "format",
  "kinds",
  "collections",
  "template",
  "body",
  "headers",
  "secret",
  "secret_env",
  "dedup_seconds",
  "give_up_seconds",
  "quiet_hours",
] as const;

function webhookOf(value: unknown, where: string, env: Environment): Webhook {
  const given = fields(value, where);
  const unknown = Object.keys(given).find((key) => !(KEYS as readonly string[]).includes(key));
  if (unknown !== undefined)
    throw new ConfigProblem(`${where}: there is no key "${unknown}"; it takes ${KEYS.join(", ")}.`);
  const name = given["name"];
  if (typeof name !== "string" || !/^[\x21-\x7e]{1,63}$/.test(name))
    throw new ConfigProblem(`${where}: name is 1 to 63 characters without blanks.`);
  const at = `${where} (${name})`;
  const format = given["format"] ?? "generic";
  if (format !== "slack" && format !== "generic")
    throw new ConfigProblem(`${at}: format is slack or generic.`);
  if (format === "slack" && given["body"] !== undefined)
    throw new ConfigProblem(`${at}: body is of format generic; Slack gets the template's text.`);
  return {
    name,
    format,
    url: address(secretText(given, "url", at, env), at),
    headers: headersOf(given["headers"], at),
    kinds: kindsOf(given["kinds"] ?? USUAL, `${at}: kinds`),
    collections: collectionsOf(given["collections"], `${at}: collections`),
    template: templateOf(given["template"], at),
    body: given["body"] ?? null,
    secret: secretText(given, "secret", at, env),
    dedupSeconds: seconds(given["dedup_seconds"], 300, `${at}: dedup_seconds`),
    giveUpSeconds: seconds(given["give_up_seconds"], 86_400, `${at}: give_up_seconds`),
    quiet: quietHours(given["quiet_hours"], `${at}: quiet_hours`),
  };
}

/** As it stands there, or in a variable of the environment. */
function secretText(given: Fields, key: string, at: string, env: Environment): string | null {
  const variable = given[`${key}_env`];
  const value = variable === undefined ? given[key] : env[String(variable)];
  if (value === undefined && variable === undefined) return null;
  if (typeof value !== "string" || value === "")
    throw new ConfigProblem(
      variable === undefined
        ? `${at}: ${key} is a text.`
        : `${at}: the variable ${String(variable)} is not set.`,
    );
  return value;
}

function address(text: string | null, at: string): URL {
  let url: URL | null = null;
  try {
    url = new URL(text ?? "");
  } catch {
    // Said below, without the address.
  }
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new ConfigProblem(`${at}: url (or url_env) is an http or https address.`);
  if (url.username !== "" || url.password !== "")
    throw new ConfigProblem(`${at}: write a password as headers.authorization, not into the url.`);
  return url;
}

function headersOf(value: unknown, at: string): Readonly<Record<string, string>> {
  const given = Object.entries(fields(value ?? {}, `${at}: headers`));
  for (const [key, text] of given)
    if (
      !/^[\w-]+$/.test(key) ||
      typeof text !== "string" ||
      !/^[\t\x20-\x7e\xa0-\xff]*$/.test(text)
    )
      throw new ConfigProblem(`${at}: headers are names with texts of Latin letters on one line.`);
  // "Content-Type" beside ours would be sent as both.
  return Object.fromEntries(given.map(([key, text]) => [key.toLowerCase(), text as string]));
}

function texts(value: unknown, where: string): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string"))
    return value as string[];
  throw new ConfigProblem(`${where} is a list of texts.`);
}

/** "action_*" are all that begin so. One that is never told would be waited for in vain. */
const kindsOf = (value: unknown, where: string): readonly RegExp[] =>
  texts(value, where).map((one) => {
    const pattern = new RegExp(`^${one.replace(/\W/g, (c) => (c === "*" ? ".*" : "!"))}$`);
    if (!/^[a-z_]*\*?$/.test(one) || !TOLD.some((kind) => pattern.test(kind)))
      throw new ConfigProblem(
        `${where}: nothing is "${one.slice(0, 60)}". They are as docs/monitoring.md has them, or ` +
          `with a * at the end: ${TOLD.join(", ")}.`,
      );
    return pattern;
  });

/** With their schemas, as they are told: "docs" would be waited for in vain. */
function collectionsOf(value: unknown, where: string): readonly string[] | null {
  if (value === undefined) return null;
  const found = texts(value, where);
  const bare = found.find((one) => !/.\../.test(one));
  if (bare === undefined) return found;
  throw new ConfigProblem(
    `${where}: write "${bare.slice(0, 60)}" with its schema, as in ruvector_healing_verdict(): ` +
      `"public.${bare.slice(0, 60)}".`,
  );
}

function templateOf(value: unknown, at: string): Template {
  const text = value ?? "[{database}] {collection}: {kind}. {message}";
  const made = typeof text === "string" ? compileTemplate(text) : null;
  if (made !== null) return made;
  throw new ConfigProblem(`${at}: template is a text with ${PLACEHOLDERS.join(", ")}.`);
}

function seconds(value: unknown, otherwise: number, where: string): number {
  const given = value ?? otherwise;
  if (typeof given === "number" && given >= 0 && given <= 2_592_000) return given;
  throw new ConfigProblem(`${where} is a number of seconds, 0 to 2592000.`);
}

function quietHours(value: unknown, where: string): QuietHours | null {
  if (value === undefined) return null;
  const { from, to, time_zone: zone = "UTC", except = URGENT, ...more } = fields(value, where);
  const minutes = [from, to].map((one) => {
    const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(String(one)) ?? [];
    return Number(hour) * 60 + Number(minute);
  });
  if (minutes.some(Number.isNaN) || minutes[0] === minutes[1] || Object.keys(more).length > 0)
    throw new ConfigProblem(
      `${where}: write {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}, and ` +
        `"except": [...].`,
    );
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: String(zone) });
  } catch {
    throw new ConfigProblem(`${where}: there is no time zone "${String(zone).slice(0, 60)}".`);
  }
  return {
    from: minutes[0]!,
    to: minutes[1]!,
    timeZone: String(zone),
    except: Array.isArray(except) && except.length === 0 ? [] : kindsOf(except, `${where}: except`),
  };
}
