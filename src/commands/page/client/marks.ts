/** The signs of a state: a shape as well as a colour, so that neither alone has to be seen. */
import type { Tone } from "../../status-data/headline.ts";
import { s } from "./dom.ts";

export type { Tone };

const SHAPES: Readonly<Record<Tone, () => SVGElement[]>> = {
  normal: () => [
    s("circle", { cx: 8, cy: 8, r: 7 }),
    s("path", { class: "inside", d: "M4.6 8.3l2.3 2.4 4.6-5.2" }),
  ],
  stress: () => [
    s("path", { d: "M8 1.2L15.2 14.4H.8z", "stroke-linejoin": "round" }),
    s("path", { class: "inside", d: "M8 6v4M8 12.2v.1" }),
  ],
  critical: () => [
    s("path", { d: "M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" }),
    s("path", { class: "inside", d: "M8 4.2v4.6M8 11.5v.1" }),
  ],
  action: () => [
    s("circle", { cx: 8, cy: 8, r: 7 }),
    s("path", { class: "inside", d: "M11.4 6.2A3.9 3.9 0 1 0 12 8.6M11.7 3.8v2.7H9" }),
  ],
  unknown: () => [
    s("circle", { cx: 8, cy: 8, r: 6.2, class: "hollow" }),
    s("path", { class: "line", d: "M5 8h6" }),
  ],
};

/** Hidden from screen readers: the word stands beside it. */
export const mark = (tone: Tone, size = 16): SVGElement =>
  s(
    "svg",
    {
      class: `mark ${tone}`,
      width: size,
      height: size,
      viewBox: "0 0 16 16",
      "aria-hidden": "true",
      focusable: "false",
    },
    SHAPES[tone](),
  );
