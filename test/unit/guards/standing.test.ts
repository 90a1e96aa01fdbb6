import { describe, expect, it } from "vitest";
import { reason, refuse, settings } from "../support/guards.ts";

describe("standing guards", () => {
  it("disabled names the statement that switches this collection on, quoted", () => {
    expect(refuse(settings({ enabled: false }))?.hint).toBe(
      `SELECT ruvector_healing_configure('{"enabled": true}', 'public.embeddings');`,
    );
    expect(
      refuse({ ...settings({ enabled: false }), collection: `public."it's"` })?.hint,
    ).toContain(`'public."it''s"'`);
  });

  it("healthy: lambda at the threshold or above and nothing weak", () => {
    expect(reason({ lambda: 0.8, weak_edges: 0 })).toBe("healthy");
    expect(reason({ lambda: 0.79, weak_edges: 0 })).toBeUndefined();
    expect(reason({ lambda: 0.9, weak_edges: 1 })).toBeUndefined();
    expect(reason({ lambda: null, weak_edges: 0 })).toBeUndefined();
    expect(refuse({ lambda: 1, weak_edges: 0 })?.measured).toBe(1);
  });
});
