import { clamp, distance, type Point } from "../geometry";
import type { ShapeKind } from "./shape";

export const point: ShapeKind<Point> = {
  kind: "point",
  filled: true,
  bounds: (g) => ({ x: g.x, y: g.y, w: 0, h: 0 }),
  trace(c, g) {
    // The same size on screen at every zoom.
    const r = 5 / Math.max(1e-6, c.getTransform().a / (globalThis.devicePixelRatio || 1));
    c.moveTo(g.x + r, g.y);
    c.arc(g.x, g.y, r, 0, 2 * Math.PI);
  },
  handles: () => [],
  hit: (g, p, reach) => (distance(g, p) <= reach * 1.3 ? "inside" : "none"),
  drag: (g, _, by, image) => ({ x: clamp(g.x + by.x, 0, image.w), y: clamp(g.y + by.y, 0, image.h) }),
  finish: (g, image) => ({ x: clamp(Math.round(g.x), 0, image.w), y: clamp(Math.round(g.y), 0, image.h) }),
  cursor: (_, grip) => (grip === "none" ? "default" : "move"),
};
