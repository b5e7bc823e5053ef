// Choose, move, resize; a frame drawn from an empty place chooses what it touches.
import { changeShapes, findShape, withGeo, type Doc, type Shape } from "../doc";
import { between, type Point } from "../geometry";
import { hitAt, inBox } from "../hit";
import { insertCorner, type Path } from "../shapes/path";
import { kindOf } from "../shapes/kinds";
import type { Board, Press, Tool } from "./tool";

type Gesture =
  | { kind: "drag"; start: Point; shape: Shape; grip: number | "inside"; from: Doc; moved: boolean }
  | { kind: "frame"; start: Point; add: boolean }
  | null;

export function selectTool(): Tool {
  let g: Gesture = null;

  const dragged = (b: Board, gesture: NonNullable<Gesture> & { kind: "drag" }, p: Press): Doc => {
    const by = { x: p.raw.x - gesture.start.x, y: p.raw.y - gesture.start.y };
    const ids = gesture.grip === "inside" ? b.chosen : new Set([gesture.shape.id]);
    return changeShapes(gesture.from, ids, (s) => withGeo(s, kindOf(s.kind).drag(s.geo, gesture.grip, by, b.image)));
  };

  return {
    name: "select",
    crosshair: false,
    down(b, p) {
      const hit = hitAt(b.visible(), p.raw, p.reach, b.chosen);
      if (!hit) {
        if (!p.shift) b.choose([]);
        g = { kind: "frame", start: p.raw, add: p.shift };
        return;
      }
      const { shape } = hit;
      if (p.shift || p.mod) {
        const next = new Set(b.chosen);
        if (!next.delete(shape.id)) next.add(shape.id);
        b.choose(next);
        return;
      }
      if (!b.chosen.has(shape.id)) b.choose([shape.id]);
      let grip = hit.grip === "none" ? "inside" : hit.grip;
      let from = b.doc;
      let held = shape;
      if (grip === "edge") {
        if (shape.kind === "polygon" || shape.kind === "line") {
          const { path, corner } = insertCorner(shape.geo as Path, p.at, shape.kind === "polygon");
          from = changeShapes(b.doc, new Set([shape.id]), (s) => withGeo(s, path));
          held = findShape(from, shape.id) ?? shape;
          grip = corner;
        } else grip = "inside";
      }
      g = { kind: "drag", start: p.raw, shape: held, grip, from, moved: false };
    },
    move(b, p, pressed) {
      if (!pressed || !g) return;
      if (g.kind === "frame") {
        b.sketch({ kind: "box", box: between(g.start, p.raw), frame: true });
        return;
      }
      if (!g.moved && Math.hypot(p.raw.x - g.start.x, p.raw.y - g.start.y) < p.reach * 0.35) return;
      g.moved = true;
      b.preview(dragged(b, g, p));
    },
    up(b, p) {
      const was = g;
      g = null;
      b.sketch(null);
      if (!was) return;
      if (was.kind === "frame") {
        const box = between(was.start, p.raw);
        if (box.w > p.reach || box.h > p.reach) {
          const ids = inBox(b.visible(), box).map((s) => s.id);
          b.choose(was.add ? [...b.chosen, ...ids] : ids);
        }
        return;
      }
      b.preview(null);
      if (!was.moved) return;
      const moved = dragged(b, was, p);
      const kept = moved.shapes.flatMap((s) => {
        if (!b.chosen.has(s.id) && s.id !== was.shape.id) return [s];
        const geo = kindOf(s.kind).finish(s.geo, b.image);
        return geo === null ? [] : [withGeo(s, geo)];
      });
      b.commit(was.grip === "inside" ? "move" : "resize", { ...moved, shapes: kept });
    },
    double(b, p) {
      // A double click on a corner takes the corner away.
      const hit = hitAt(b.visible(), p.raw, p.reach, b.chosen);
      if (!hit || typeof hit.grip !== "number" || (hit.shape.kind !== "polygon" && hit.shape.kind !== "line")) return;
      const geo = kindOf(hit.shape.kind).finish((hit.shape.geo as Path).filter((_, i) => i !== hit.grip), b.image);
      if (geo) b.commit("remove a corner", changeShapes(b.doc, new Set([hit.shape.id]), (s) => withGeo(s, geo)));
    },
    cancel(b) {
      const had = g !== null || b.chosen.size > 0;
      g = null;
      b.preview(null);
      b.sketch(null);
      b.choose([]);
      return had;
    },
    cursor(b, p) {
      const hit = hitAt(b.visible(), p.raw, p.reach, b.chosen);
      return hit ? kindOf(hit.shape.kind).cursor(hit.shape.geo, hit.grip) : "default";
    },
  };
}
