// Where the image lies on the screen: screen = image * scale + offset. A value; every change gives a new one.
import { clamp, type Point, type Size } from "./geometry";

export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const MOST = 64; // screen pixels for one image pixel

export const toScreen = (v: View, p: Point): Point => ({ x: p.x * v.scale + v.x, y: p.y * v.scale + v.y });
export const toImage = (v: View, p: Point): Point => ({ x: (p.x - v.x) / v.scale, y: (p.y - v.y) / v.scale });

/** The whole image in the middle of the room, with a margin; small images grow, at most eightfold. */
export function fit(image: Size, room: Size, margin = 24): View {
  const scale = Math.max(0.001, Math.min((room.w - 2 * margin) / image.w, (room.h - 2 * margin) / image.h, 8));
  return { scale, x: (room.w - image.w * scale) / 2, y: (room.h - image.h * scale) / 2 };
}

/** Zooms by a factor; the image's point under `at` (screen) stays where it is. */
export function zoomAt(v: View, at: Point, factor: number, image: Size, room: Size): View {
  const least = Math.min(1, fit(image, room, 0).scale) / 4;
  const scale = clamp(v.scale * factor, least, MOST);
  const k = scale / v.scale;
  return keepInSight({ scale, x: at.x - (at.x - v.x) * k, y: at.y - (at.y - v.y) * k }, image, room);
}

export const panBy = (v: View, dx: number, dy: number, image: Size, room: Size): View =>
  keepInSight({ scale: v.scale, x: v.x + dx, y: v.y + dy }, image, room);

/** At least 40 screen pixels of the image stay in the room. */
function keepInSight(v: View, image: Size, room: Size): View {
  const rest = 40;
  return {
    scale: v.scale,
    x: clamp(v.x, rest - image.w * v.scale, room.w - rest),
    y: clamp(v.y, rest - image.h * v.scale, room.h - rest),
  };
}
