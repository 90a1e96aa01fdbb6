/**
 * Reading a machine's own apt sources, to find the Debian mirror that it already uses. Pure: no
 * file access.
 */

export interface AptSource {
  types: string[];
  uris: string[];
  suites: string[];
  components: string[];
  signedBy?: string;
}

/** The one-line format of sources.list: `deb [options] uri suite component...` */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.replace(/#.*$/, "").trim();
    const match = /^(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(.+)$/.exec(line);
    if (match === null) continue;
    const [, type = "", options = "", rest = ""] = match;
    const [uri, suite, ...components] = rest.split(/\s+/);
    if (uri === undefined || suite === undefined) continue;
    const signedBy = options
      .split(/\s+/)
      .find((option) => /^signed-by=/i.test(option))
      ?.replace(/^signed-by=/i, "");
    sources.push({
      types: [type],
      uris: [uri],
      suites: [suite],
      components,
      ...(signedBy === undefined ? {} : { signedBy }),
    });
  }
  return sources;
}

/** The deb822 format of *.sources: stanzas of fields, continued on indented lines. */
export function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  for (const stanza of lines.join("\n").split(/\n[ \t]*\n/)) {
    const fields = new Map<string, string>();
    let current = "";
    for (const line of stanza.split("\n")) {
      const field = /^([A-Za-z0-9-]+):(.*)$/.exec(line);
      if (field !== null) {
        current = (field[1] ?? "").toLowerCase();
        fields.set(current, (field[2] ?? "").trim());
      } else if (/^[ \t]/.test(line) && current !== "") {
        fields.set(current, `${fields.get(current) ?? ""} ${line.trim()}`);
      }
    }
    const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (
      !fields.has("uris") ||
      /^(no|false|off|0|without|disable)$/i.test(fields.get("enabled") ?? "yes")
    )
      continue;
    const signedBy = fields.get("signed-by");
    sources.push({
      types: words("types"),
      uris: words("uris"),
      suites: words("suites"),
      components: words("components"),
      ...(signedBy === undefined ? {} : { signedBy }),
    });
  }
  return sources;
}

const debianSuites = new Set([
  ...["oldoldstable", "oldstable", "stable", "testing", "unstable", "sid"],
  ...["buster", "bullseye", "bookworm", "trixie", "forky", "duke"],
]);

const baseSuite = (suite: string): string =>
  suite.replace(/-(updates|backports|proposed-updates)$/, "");

const isSecurity = (source: AptSource, uri: string): boolean =>
  /security/i.test(uri) || source.suites.every((suite) => /(-security|\/updates)$/.test(suite));

/**
 * The http(s) address of Debian's main archive among these sources, without a trailing slash. Other
 * archives that use Debian's suite names (a vendor's "bookworm main") come after the one that also
 * has the "-updates" suite and Debian's key; debootstrap then verifies the signature anyway.
 */
export function chooseDebianMirror(sources: AptSource[]): string | undefined {
  const scores = new Map<string, number>();
  for (const source of sources) {
    if (!source.types.includes("deb") || !source.components.includes("main")) continue;
    if (!source.suites.some((suite) => debianSuites.has(baseSuite(suite)))) continue;
    for (const given of source.uris) {
      const uri = given.replace(/\/+$/, "");
      if (!/^https?:\/\/\S+/i.test(uri) || isSecurity(source, uri)) continue;
      let score = scores.get(uri) ?? 0;
      if (source.suites.some((suite) => suite.endsWith("-updates"))) score += 4;
      if (source.signedBy !== undefined) score += /debian-archive/.test(source.signedBy) ? 2 : -4;
      if (uri.endsWith("/debian")) score += 1;
      scores.set(uri, score);
    }
  }
  // A stable sort: the first one named wins among equals.
  return [...scores].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** The file that `mirror+file:/path` names: cloud images keep their mirror's address in one. */
export function mirrorListPath(uri: string): string | undefined {
  const match = /^mirror\+file:(?:\/\/)?(\/.+)$/.exec(uri);
  return match?.[1];
}

export function parseMirrorList(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim().split(/\s+/)[0] ?? "")
    .filter((uri) => /^https?:\/\//i.test(uri));
}
