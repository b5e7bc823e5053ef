// What lies under the pointer.
import { contains, type Box, type Point } from "./geometry";
import type { Shape } from "./doc";
import type { Grip } from "./shapes/shape";
import { kindOf } from "./shapes/kinds";
import { overlaps } from "./geometry";

export interface Hit {
  shape: Shape;
  grip: Grip;
}

const area = (b: Box) => b.w * b.h;

/** The shape under p: a chosen one's handles first, then edges, then the smallest that contains p. */
export function hitAt(shapes: readonly Shape[], p: Point, reach: number, chosen: ReadonlySet<string>): Hit | null {
  let best: Hit | null = null;
  let bestArea = Infinity;
  let bestEdge = false;
  for (let i = shapes.length - 1; i >= 0; i--) {
    const shape = shapes[i] as Shape;
    const kind = kindOf(shape.kind);
    const bounds = kind.bounds(shape.geo);
    if (!contains(bounds, p, reach * 1.3)) continue;
    const grip = kind.hit(shape.geo, p, reach);
    if (grip === "none") continue;
    if (typeof grip === "number" && chosen.has(shape.id)) return { shape, grip };
    const edge = grip !== "inside";
    const size = area(bounds);
    if ((edge && !bestEdge) || (edge === bestEdge && size < bestArea)) {
      best = { shape, grip };
      bestArea = size;
      bestEdge = edge;
    }
  }
  return best;
}

export const inBox = (shapes: readonly Shape[], box: Box) => shapes.filter((s) => overlaps(box, kindOf(s.kind).bounds(s.geo)));
