// Polygons and open lines share everything but the last edge.
import { boundsOf, clamp, distance, insidePolygon, loopsOf, toSegment, type Point } from "../geometry";
import type { ShapeKind } from "./shape";

export type Path = readonly Point[];

function path(kind: string, closed: boolean, least: number): ShapeKind<Path> {
  const edges = (g: Path) => (closed ? g.length : g.length - 1);
  return {
    kind,
    filled: closed,
    bounds: boundsOf,
    trace(c, g) {
      for (const loop of closed ? loopsOf(g) : [g]) {
        loop.forEach((p, i) => (i ? c.lineTo(p.x, p.y) : c.moveTo(p.x, p.y)));
        if (closed) c.closePath();
      }
    },
    handles: (g) => g,
    hit(g, p, reach) {
      for (let i = g.length - 1; i >= 0; i--) if (distance(g[i] as Point, p) <= reach) return i;
      for (let i = 0; i < edges(g); i++) if (toSegment(p, g[i] as Point, g[(i + 1) % g.length] as Point) <= reach * 0.8) return "edge";
      return closed && insidePolygon(p, g) ? "inside" : "none";
    },
    drag(g, grip, by, image) {
      if (grip === "inside") {
        const b = boundsOf(g);
        const dx = clamp(by.x, -b.x, image.w - b.x - b.w);
        const dy = clamp(by.y, -b.y, image.h - b.y - b.h);
        return g.map((p) => ({ x: p.x + dx, y: p.y + dy }));
      }
      return g.map((p, i) => (i === grip ? { x: clamp(p.x + by.x, 0, image.w), y: clamp(p.y + by.y, 0, image.h) } : p));
    },
    finish(g, image) {
      const out: Point[] = [];
      for (const p of g) {
        const q = { x: clamp(Math.round(p.x), 0, image.w), y: clamp(Math.round(p.y), 0, image.h) };
        const last = out[out.length - 1];
        if (!last || last.x !== q.x || last.y !== q.y) out.push(q);
      }
      return out.length >= least ? out : null;
    },
    cursor: (_, grip) => (typeof grip === "number" ? "grab" : grip === "edge" ? "copy" : grip === "inside" ? "move" : "default"),
  };
}

export const polygon = path("polygon", true, 3);
export const line = path("line", false, 2);

/** A new corner on the edge nearest to p; gives the path and the corner's number. */
export function insertCorner(g: Path, p: Point, closed: boolean): { path: Path; corner: number } {
  let best = 0;
  let least = Infinity;
  for (let i = 0; i < (closed ? g.length : g.length - 1); i++) {
    const d = toSegment(p, g[i] as Point, g[(i + 1) % g.length] as Point);
    if (d < least) {
      least = d;
      best = i;
    }
  }
  return { path: [...g.slice(0, best + 1), p, ...g.slice(best + 1)], corner: best + 1 };
}
