// Draws image and shapes. Outlines have two tones, so that they show on any image; what is too small to read is left out.
import type { Shape } from "./doc";
import { overlaps, type Box, type Point, type Size } from "./geometry";
import { kindOf } from "./shapes/kinds";
import { toImage, type View } from "./view";

export interface Look {
  colour: (label: string) => string;
  name: (label: string) => string;
  labels: boolean;
  scores: boolean;
  fill: number;
  dark: boolean;
}

export function prepare(canvas: HTMLCanvasElement, room: Size, ratio: number): CanvasRenderingContext2D | null {
  const w = Math.round(room.w * ratio);
  const h = Math.round(room.h * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const c = canvas.getContext("2d");
  c?.setTransform(ratio, 0, 0, ratio, 0, 0);
  c?.clearRect(0, 0, room.w, room.h);
  return c;
}

export function drawImage(c: CanvasRenderingContext2D, image: CanvasImageSource, size: Size, v: View): void {
  // From three screen pixels a pixel on, single pixels are shown as they are.
  c.imageSmoothingEnabled = v.scale < 3;
  c.imageSmoothingQuality = "high";
  c.drawImage(image, v.x, v.y, size.w * v.scale, size.h * v.scale);
}

function onShapes(c: CanvasRenderingContext2D, v: View, f: () => void): void {
  c.save();
  c.translate(v.x, v.y);
  c.scale(v.scale, v.scale);
  f();
  c.restore();
}

export interface ShapeLook extends Look {
  chosen: ReadonlySet<string>;
  hover: string | null;
}

export function drawShapes(c: CanvasRenderingContext2D, shapes: readonly Shape[], v: View, room: Size, look: ShapeLook): void {
  const a = toImage(v, { x: 0, y: 0 });
  const b = toImage(v, { x: room.w, y: room.h });
  const sight: Box = { x: a.x, y: a.y, w: b.x - a.x, h: b.y - a.y };
  const seen = shapes.filter((s) => overlaps(sight, kindOf(s.kind).bounds(s.geo)));
  onShapes(c, v, () => {
    for (const s of seen) {
      const kind = kindOf(s.kind);
      const bounds = kind.bounds(s.geo);
      const colour = look.colour(s.label);
      const strong = look.chosen.has(s.id) || look.hover === s.id;
      const tiny = s.kind !== "point" && Math.max(bounds.w, bounds.h) * v.scale < 3;
      c.beginPath();
      kind.trace(c, s.geo);
      if (tiny) {
        c.fillStyle = colour;
        c.fill();
        continue;
      }
      if (kind.filled && (look.fill > 0 || strong || s.kind === "point")) {
        c.globalAlpha = s.kind === "point" ? 0.9 : strong ? 0.22 : look.fill;
        c.fillStyle = colour;
        c.fill();
        c.globalAlpha = 1;
      }
      c.lineJoin = "round";
      c.setLineDash([]);
      c.strokeStyle = "rgb(0 0 0 / 60%)";
      c.lineWidth = (strong ? 4.5 : 3.5) / v.scale;
      c.stroke();
      if (s.source === "model") c.setLineDash([6 / v.scale, 3 / v.scale]);
      c.strokeStyle = colour;
      c.lineWidth = (strong ? 2.5 : 1.75) / v.scale;
      c.stroke();
    }
    c.setLineDash([]);
  });
  // Names only while they can be read: not with hundreds in sight, not on specks.
  if (look.labels && seen.length <= 400) for (const s of seen) drawName(c, s, v, look);
  for (const s of seen) if (!look.labels && look.hover === s.id) drawName(c, s, v, look);
  for (const s of seen) if (look.chosen.has(s.id) && look.chosen.size <= 40) drawHandles(c, kindOf(s.kind).handles(s.geo), v, look.colour(s.label));
}

const light = (hex: string) => {
  const n = parseInt(hex.slice(1), 16);
  return 0.299 * (n >> 16) + 0.587 * ((n >> 8) & 255) + 0.114 * (n & 255) > 140;
};

export function nameOf(s: Shape, look: Look): string {
  return look.name(s.label) + (look.scores && s.score !== undefined ? ` ${s.score.toFixed(2)}` : "");
}

function drawName(c: CanvasRenderingContext2D, s: Shape, v: View, look: Look): void {
  const b = kindOf(s.kind).bounds(s.geo);
  const text = nameOf(s, look);
  c.font = "560 11px 'Inter Variable', system-ui, sans-serif";
  const w = Math.ceil(c.measureText(text).width) + 8;
  if (b.w * v.scale < w * 0.5 && s.kind !== "point") return;
  const h = 16;
  const x = Math.round(b.x * v.scale + v.x - 1);
  let y = Math.round(b.y * v.scale + v.y - h - 1);
  if (y < 0) y = Math.round(b.y * v.scale + v.y + 2);
  const colour = look.colour(s.label);
  c.fillStyle = colour;
  c.beginPath();
  c.roundRect(x, y, w, h, 3);
  c.fill();
  c.fillStyle = light(colour) ? "#10151a" : "#fff";
  c.textBaseline = "middle";
  c.fillText(text, x + 4, y + h / 2 + 0.5);
}

export function drawHandles(c: CanvasRenderingContext2D, handles: readonly Point[], v: View, colour: string): void {
  for (const p of handles) {
    c.beginPath();
    c.rect(Math.round(p.x * v.scale + v.x) - 4, Math.round(p.y * v.scale + v.y) - 4, 8, 8);
    c.fillStyle = "#fff";
    c.fill();
    c.lineWidth = 1.5;
    c.strokeStyle = "#10151a";
    c.stroke();
    c.fillStyle = colour;
    c.fillRect(Math.round(p.x * v.scale + v.x) - 2, Math.round(p.y * v.scale + v.y) - 2, 4, 4);
  }
}

/** Lines through the pointer, and where it is. */
export function drawCrosshair(c: CanvasRenderingContext2D, at: Point, room: Size): void {
  for (const [colour, dash] of [["rgb(0 0 0 / 55%)", 0], ["rgb(255 255 255 / 85%)", 5]] as const) {
    c.beginPath();
    c.setLineDash(dash ? [5, 5] : []);
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.moveTo(Math.round(at.x) + 0.5, 0);
    c.lineTo(Math.round(at.x) + 0.5, room.h);
    c.moveTo(0, Math.round(at.y) + 0.5);
    c.lineTo(room.w, Math.round(at.y) + 0.5);
    c.stroke();
  }
  c.setLineDash([]);
}

export function drawTag(c: CanvasRenderingContext2D, text: string, at: Point): void {
  c.font = "11px ui-monospace, Menlo, 'DejaVu Sans Mono', monospace";
  const w = c.measureText(text).width + 10;
  c.fillStyle = "rgb(14 17 20 / 82%)";
  c.beginPath();
  c.roundRect(at.x, at.y, w, 18, 4);
  c.fill();
  c.fillStyle = "#fff";
  c.textBaseline = "middle";
  c.fillText(text, at.x + 5, at.y + 9.5);
}
