import { h, s } from "../dom.ts";

/** lambda of the last half hour, small: a line with a gap where nothing was read. */
/** With its axis: lambda from 0 to 1, the last half hour. */
export const sparkWithAxis = (values: readonly (number | null)[], tone: string): HTMLElement =>
  h(
    "span",
    { class: "spark-box", title: "lambda from 0 to 1, the last 30 minutes" },
    h("span", { class: "spark-axis", "aria-hidden": "true" }, h("i", {}, "1"), h("i", {}, "0")),
    spark(values, tone),
  );

export const SPARK_CAPTION = "Small lines: lambda from 0 (bottom) to 1 (top), the last 30 minutes.";

export function spark(
  values: readonly (number | null)[],
  tone: string,
  width = 120,
  height = 28,
): SVGElement {
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const y = (value: number): number =>
    Number((2 + (1 - Math.min(1, value)) * (height - 4)).toFixed(1));
  const parts: string[] = [];
  let open = false;
  values.forEach((value, index) => {
    if (value === null) {
      open = false;
      return;
    }
    parts.push(`${open ? "L" : "M"}${(index * step).toFixed(1)} ${y(value)}`);
    // A single reading is a dot, not nothing.
    if (!open && values[index + 1] === null) parts.push("h.1");
    open = true;
  });
  return s(
    "svg",
    {
      class: `spark ${tone}`,
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
      focusable: "false",
    },
    s("path", { class: "base", d: `M0 ${height - 0.5}H${width}` }),
    s("path", { class: "curve", d: parts.join("") }),
  );
}
