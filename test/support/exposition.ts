/** Reads Prometheus' text format: strictly, so that a test sees what Prometheus would refuse. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ExpositionFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/g;
const LABELS = /(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+/.source;
const SAMPLE = new RegExp(String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(${LABELS})\})? (\S+)$`);

const unescaped = (text: string): string =>
  text.replace(/\\(["\\n])/g, (_, one: string) => (one === "n" ? "\n" : one));

const numberOf = (text: string): number =>
  text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : text === "NaN" ? NaN : Number(text);

/** What several lines of a summary are of: OpenMetrics takes them together only. */
const metricOf = ({ labels: { quantile: _, ...labels } }: Sample): string => JSON.stringify(labels);

export function readExposition(text: string): ExpositionFamily[] {
  const families: { name: string; type: string; help: string; samples: Sample[] }[] = [];
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line has no end");
  for (const line of lines) {
    const [, help, helpText] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|summary)$/.exec(line) ?? [];
    const family = families.at(-1);
    if (help !== undefined) {
      if (families.some(({ name }) => name === help)) throw new Error(`${help} comes twice`);
      families.push({ name: help, help: helpText!, type: "", samples: [] });
    } else if (typed !== undefined) {
      if (family?.name !== typed || family.type !== "")
        throw new Error(`TYPE of ${typed} does not follow its HELP`);
      family.type = type!;
    } else if (line !== "# EOF") {
      const [, name, labels, value] = SAMPLE.exec(line) ?? [];
      if (name === undefined) throw new Error(`not a sample: ${line}`);
      if (!family || name.replace(/_(total|sum|count)$/, "") !== family.name.replace(/_total$/, ""))
        throw new Error(`${name} is outside its family`);
      const sample: Sample = {
        name,
        value: numberOf(value!),
        labels: Object.fromEntries(
          [...(labels ?? "").matchAll(LABEL)].map(([, label, text]) => [label!, unescaped(text!)]),
        ),
      };
      const last = family.samples.at(-1);
      if (last && metricOf(last) !== metricOf(sample))
        if (family.samples.some((other) => metricOf(other) === metricOf(sample)))
          throw new Error(`the lines of ${metricOf(sample)} do not stand together`);
      family.samples.push(sample);
    }
  }
  return families;
}

/** The value of one sample; undefined when there is none with exactly these labels. */
export function valueOf(
  families: readonly ExpositionFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels);
  return families
    .flatMap(({ samples }) => samples)
    .find(
      (sample) =>
        sample.name === name &&
        Object.keys(sample.labels).length === wanted.length &&
        wanted.every(([label, value]) => sample.labels[label] === value),
    )?.value;
}
