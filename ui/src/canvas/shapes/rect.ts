import { clamp, contains, distance, rounded, type Box, type Point } from "../geometry";
import type { ShapeKind } from "./shape";

// Handles clockwise from the top left: corners are even, middles of edges odd.
const handles = ({ x, y, w, h }: Box): Point[] => [
  { x, y },
  { x: x + w / 2, y },
  { x: x + w, y },
  { x: x + w, y: y + h / 2 },
  { x: x + w, y: y + h },
  { x: x + w / 2, y: y + h },
  { x, y: y + h },
  { x, y: y + h / 2 },
];
const cursors = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];

export const rect: ShapeKind<Box> = {
  kind: "rectangle",
  filled: true,
  bounds: (g) => g,
  trace: (c, g) => c.rect(g.x, g.y, g.w, g.h),
  handles,
  hit(g, p, reach) {
    let best: number | "none" = "none";
    let least = reach;
    handles(g).forEach((h, i) => {
      const d = distance(h, p);
      if (d <= least) {
        least = d;
        best = i;
      }
    });
    if (best !== "none") return best;
    // The whole edge may be held, as the handle in its middle.
    const near = (v: number, at: number) => Math.abs(v - at) <= reach;
    if (contains(g, p, reach)) {
      if (near(p.y, g.y)) return 1;
      if (near(p.x, g.x + g.w)) return 3;
      if (near(p.y, g.y + g.h)) return 5;
      if (near(p.x, g.x)) return 7;
    }
    return contains(g, p) ? "inside" : "none";
  },
  drag(g, grip, by, image) {
    if (grip === "inside")
      return { ...g, x: clamp(g.x + by.x, 0, Math.max(0, image.w - g.w)), y: clamp(g.y + by.y, 0, Math.max(0, image.h - g.h)) };
    let x0 = g.x, y0 = g.y, x1 = g.x + g.w, y1 = g.y + g.h;
    if (grip === 0 || grip === 6 || grip === 7) x0 = clamp(x0 + by.x, 0, image.w);
    if (grip === 2 || grip === 3 || grip === 4) x1 = clamp(x1 + by.x, 0, image.w);
    if (grip === 0 || grip === 1 || grip === 2) y0 = clamp(y0 + by.y, 0, image.h);
    if (grip === 4 || grip === 5 || grip === 6) y1 = clamp(y1 + by.y, 0, image.h);
    return { x: Math.min(x0, x1), y: Math.min(y0, y1), w: Math.abs(x1 - x0), h: Math.abs(y1 - y0) };
  },
  finish(g, image) {
    const r = rounded(g);
    const x = clamp(r.x, 0, image.w);
    const y = clamp(r.y, 0, image.h);
    const w = clamp(r.x + r.w, 0, image.w) - x;
    const h = clamp(r.y + r.h, 0, image.h) - y;
    return w >= 1 && h >= 1 ? { x, y, w, h } : null;
  },
  cursor: (_, grip) => (typeof grip === "number" ? (cursors[grip % 4] ?? "move") : grip === "inside" ? "move" : "default"),
};
