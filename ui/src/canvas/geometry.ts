// Points and boxes, in image pixels unless a name says "screen".

export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
export interface Size {
  readonly w: number;
  readonly h: number;
}

export const clamp = (x: number, lo: number, hi: number) => (x < lo ? lo : x > hi ? hi : x);
export const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);

/** The box between two corners, whichever they are. */
export const between = (a: Point, b: Point): Box => ({
  x: Math.min(a.x, b.x),
  y: Math.min(a.y, b.y),
  w: Math.abs(a.x - b.x),
  h: Math.abs(a.y - b.y),
});

export const contains = (b: Box, p: Point, reach = 0) =>
  p.x >= b.x - reach && p.y >= b.y - reach && p.x <= b.x + b.w + reach && p.y <= b.y + b.h + reach;

export const overlaps = (a: Box, b: Box) => a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;

/** A point on the nearest place of the image; within `snap` of an edge it goes onto the edge. */
export function inside(p: Point, size: Size, snap = 0): Point {
  const one = (v: number, most: number) => (v < snap ? 0 : v > most - snap ? most : v);
  return { x: one(clamp(p.x, 0, size.w), size.w), y: one(clamp(p.y, 0, size.h), size.h) };
}

/** Whole pixels: what is stored. */
export const rounded = (b: Box): Box => {
  const x = Math.round(b.x);
  const y = Math.round(b.y);
  return { x, y, w: Math.round(b.x + b.w) - x, h: Math.round(b.y + b.h) - y };
};

/** Shortest way from p to the segment ab. */
export function toSegment(p: Point, a: Point, b: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length ? clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0, 1) : 0;
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/** Even-odd rule. */
export function insidePolygon(p: Point, points: readonly Point[]): boolean {
  let odd = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const a = points[i] as Point;
    const b = points[j] as Point;
    if (a.y > p.y !== b.y > p.y && p.x < ((b.x - a.x) * (p.y - a.y)) / (b.y - a.y) + a.x) odd = !odd;
  }
  return odd;
}

export function boundsOf(points: readonly Point[]): Box {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (const p of points) {
    x0 = Math.min(x0, p.x);
    y0 = Math.min(y0, p.y);
    x1 = Math.max(x1, p.x);
    y1 = Math.max(y1, p.y);
  }
  return points.length ? { x: x0, y: y0, w: x1 - x0, h: y1 - y0 } : { x: 0, y: 0, w: 0, h: 0 };
}

/** Parts and holes that were joined to one ring by lines gone over forth and back, apart again: each of them a ring without those lines. */
export function loopsOf(ring: readonly Point[]): (readonly Point[])[] {
  const n = ring.length;
  const key = (a: Point, b: Point) => `${a.x},${a.y} ${b.x},${b.y}`;
  const edges = new Map<string, number>();
  for (let i = 0; i < n; i++) edges.set(key(ring[i] as Point, ring[(i + 1) % n] as Point), i);
  const loops: Point[][] = [];
  const open: { loop: Point[]; back: number }[] = [{ loop: [], back: -1 }];
  let again = false; // the point stands there a second time, where a line has come back to it
  for (let i = 0; i < n; i++) {
    const at = ring[i] as Point;
    const next = ring[(i + 1) % n] as Point;
    const top = open[open.length - 1] as { loop: Point[]; back: number };
    if (top.back === i) {
      loops.push(top.loop); // it closes at the point that it began with
      open.pop();
      again = true;
      continue;
    }
    if (!again) top.loop.push(at);
    again = false;
    const back = edges.get(key(next, at)) ?? -1;
    if (back > i) open.push({ loop: [], back });
  }
  return [...open.map((o) => o.loop), ...loops].filter((l) => l.length > 0);
}
