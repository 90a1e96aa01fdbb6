/**
 * The bundle of the loop as a core and sections: each module of src is a text of its own that is
 * parsed when something of it is first used. QuickJS parses what it is given: all at once were 640
 * kB, 32 to 43 ms of the first call of each connection, and pg_cron makes a new one for each tick.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build, transform } from "esbuild";
import { root } from "./project.ts";

/** V8 11 of plv8 3.2 and the QuickJS of PLJS 1.0 (2024) know ES2020. */
export const TARGET = "es2020";

/** Names stay: they are what a stack trace in DETAIL says. */
export const MINIFIED = { minifyWhitespace: true, minifySyntax: true } as const;

/** What stands between the core and the sections: to whoever runs all of it a comment. */
export const SECTIONS = "/*sections\n";
/** In the sections for what would end that comment. */
const COMMENT_END = ["*/", "*@/"] as const;

/** What esbuild's text of a module may call; src/host/sections.ts gives it to them. */
const HELPERS = ["__publicField", "__toESM"];

interface Module {
  readonly path: string;
  /** With `require("path")` for each module it imports. */
  readonly text: string;
  readonly imports: readonly string[];
}

/** A module in esbuild's CommonJS, without what esbuild puts around it. */
async function compiled(path: string): Promise<Module> {
  const { code } = await transform(await readFile(join(root, path), "utf8"), {
    loader: "ts",
    format: "cjs",
    platform: "neutral",
    target: TARGET,
    charset: "ascii",
    ...MINIFIED,
    // Imports of types alone go.
    tsconfigRaw: {},
    sourcefile: path,
  });
  const [, exports, text] =
    /__export\(\w+,\{([^]*?)\}\);module\.exports=__toCommonJS\(\w+\);([^]*)$/.exec(code) ?? [];
  if (exports === undefined || text === undefined)
    throw new Error(`${path} exports nothing: a section is loaded for what is used of it`);
  for (const [name] of text.matchAll(/\b__[a-zA-Z]\w*/g))
    if (!HELPERS.includes(name)) throw new Error(`${path} needs ${name} of esbuild`);
  const imports = [...text.matchAll(/=(?:__toESM\()?require\("([^"]+)"\)/g)].map(([, at]) => at!);
  if (imports.length !== (text.match(/\brequire\(/g) ?? []).length)
    throw new Error(`${path} imports something in a way that is not known here`);
  return { path, text: `${text.trimEnd()}return{${returned(exports)}}`, imports };
}

/** `a:()=>b` to `a:b`; what is another module's is asked of it when it is used. */
const returned = (exports: string): string =>
  exports
    .split(",")
    .map((one) => {
      const [, name, value] = /^(\w+):\(\)=>([\w.]+)$/.exec(one.trim()) ?? [];
      if (!name || !value) throw new Error(`an export that is no name: ${one}`);
      return value.includes(".") ? `get ${name}(){return ${value}}` : `${name}:${value}`;
    })
    .join(",");

/** By which name a module knows one that it imports. */
const nameIn = (text: string, path: string): string =>
  new RegExp(`(\\w+)=(?:__toESM\\()?require\\(${JSON.stringify(path)}\\)`).exec(text)![1]!;

/** Every place of that name (after `...` too, and not as somebody's property), and what is read. */
const usesOf = (name: string): RegExp =>
  new RegExp(`(?<![\\w$]|(?<!\\.\\.)\\.)${name}(?:\\.(\\w+))?(?![\\w$])`, "g");

/** What a module uses of one that it imports: by this name there, and nothing else. */
function used(text: string, path: string): string[] {
  const [first, ...rest] = text.matchAll(usesOf(nameIn(text, path)));
  const names = rest.map(([, name]) => name);
  if (names.length === 0) throw new Error(`${path} is imported for its side effects`);
  if (first![1] !== undefined || names.includes(undefined))
    throw new Error(`${path} is imported and used as a whole`);
  return [...new Set(names as string[])];
}

/** With the places of the modules it imports, by which it also names them. */
function linked({ path, text, imports }: Module, places: ReadonlyMap<string, number>): string {
  let result = text;
  for (const at of imports) {
    const place = places.get(isOurs(at) ? resolved(path, at) : at)!;
    const names = used(result, at).join(" ");
    result = result
      .replace(usesOf(nameIn(result, at)), (_, name?: string) =>
        name === undefined ? `$${place}` : `$${place}.${name}`,
      )
      .replace(`require(${JSON.stringify(at)})`, () => `require(${place},"${names}")`);
  }
  return `${result}//# sourceURL=${path}\n`;
}

/** A package, as little of it as is used. */
async function packaged(name: string, names: readonly string[]): Promise<string> {
  const list = [...names].sort().join(",");
  const { outputFiles } = await build({
    stdin: {
      // zod would compile its parsers with new Function otherwise: slower for one call, and not
      // allowed everywhere.
      contents:
        `export { ${list} } from "${name}";` +
        (name.startsWith("zod")
          ? `import { config } from "${name}"; config({ jitless: true });`
          : ""),
      resolveDir: root,
    },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "all",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    target: TARGET,
    charset: "ascii",
    legalComments: "none",
    ...MINIFIED,
  });
  return `${outputFiles[0]!.text.trimEnd()}return all`;
}

/** All modules that the entry leads to, the entry first. */
async function modulesOf(entry: string): Promise<Map<string, Module>> {
  const found = new Map<string, Module>();
  const todo = [entry];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (found.has(path)) continue;
    const module = await compiled(path);
    found.set(path, module);
    todo.push(...module.imports.filter(isOurs).map((at) => resolved(path!, at)));
  }
  return found;
}

const isOurs = (at: string): boolean => at.startsWith(".");
const resolved = (path: string, at: string): string => join(dirname(path), at);

/**
 * The core: what loads a section when it is used. It exports nothing: esbuild's helper for that
 * takes what all objects inherit for exports, too, and what somebody changed there is to be said
 * (src/host/inherited.ts).
 */
async function coreOf(lengths: readonly number[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: 'import { entry } from "./src/host/sections.ts"; core(entry);',
      resolveDir: root,
    },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    target: TARGET,
    charset: "ascii",
    ...MINIFIED,
  });
  const source = 'typeof source=="string"?source:null';
  const core =
    `var entry,core=(one)=>{entry=one};${outputFiles[0]!.text}` +
    `return entry(engine,${source},[${lengths.join(",")}]);`;
  if (core.includes("/*")) throw new Error("the core of the bundle holds a comment");
  return core;
}

/** @returns a function body with the parameters engine and source (itself), returning the entry */
export async function sectioned(entry: string): Promise<string> {
  const modules = await modulesOf(entry);
  const uses = new Map<string, Set<string>>();
  for (const { text, imports } of modules.values())
    for (const at of imports.filter((one) => !isOurs(one)))
      uses.set(at, new Set([...(uses.get(at) ?? []), ...used(text, at)]));
  const places = new Map([...modules.keys(), ...uses.keys()].map((path, place) => [path, place]));
  const texts = [...modules.values()].map((module) => linked(module, places));
  for (const [name, names] of uses)
    texts.push(`${await packaged(name, [...names])}//# sourceURL=${name}\n`);
  const [end, instead] = COMMENT_END;
  if (texts.some((text) => text.includes(instead))) throw new Error(`a section holds ${instead}`);
  const sections = texts.map((text) => text.replaceAll(end, instead));
  const core = await coreOf(sections.map(({ length }) => length));
  return `${core}${SECTIONS}${sections.join("")}*/\n`;
}
