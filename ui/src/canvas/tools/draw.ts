// Draw new shapes. Boxes by dragging or by two clicks; paths corner by corner; points by a click.
import { addShapes, newId, type Shape } from "../doc";
import { between, distance, type Point } from "../geometry";
import { hitAt } from "../hit";
import { kindOf, type Geometries, type Kind } from "../shapes/kinds";
import { selectTool } from "./select";
import type { Board, Press, Tool } from "./tool";

function put<K extends Kind>(b: Board, kind: K, geo: Geometries[K]): void {
  const done = kindOf(kind).finish(geo, b.image);
  if (done === null || b.label === null) return;
  const shape = { id: newId(), kind, geo: done, label: b.label, source: "human" } as Shape;
  b.commit(`draw a ${kind}`, addShapes(b.doc, [shape]));
  b.choose([shape.id]);
}

export function boxTool(): Tool {
  let start: Point | null = null;
  let twoClicks = false;
  // A chosen box can be moved and resized without leaving the tool.
  const select = selectTool();
  let holding = false;
  const onChosen = (b: Board, p: Press) => {
    if (start) return false;
    const hit = hitAt(b.visible().filter((s) => b.chosen.has(s.id)), p.raw, p.reach, b.chosen);
    return hit !== null && (typeof hit.grip === "number" || hit.grip === "edge" || p.mod);
  };
  return {
    name: "box",
    crosshair: true,
    down(b, p) {
      if (start) return;
      if (onChosen(b, p)) {
        holding = true;
        select.down(b, { ...p, mod: false });
        return;
      }
      if (b.label === null) return b.needLabel();
      b.choose([]);
      start = p.at;
      twoClicks = false;
    },
    move(b, p, pressed) {
      if (holding) return select.move(b, p, pressed);
      if (start) b.sketch({ kind: "box", box: between(start, p.at), frame: false });
    },
    up(b, p) {
      if (holding) {
        holding = false;
        return select.up(b, p);
      }
      if (!start) return;
      const far = distance(start, p.at) > p.reach;
      if (!far && !twoClicks) {
        twoClicks = true; // the second click sets the other corner
        return;
      }
      const box = between(start, p.at);
      start = null;
      twoClicks = false;
      b.sketch(null);
      put(b, "rectangle", box);
    },
    cancel(b) {
      const had = start !== null;
      start = null;
      twoClicks = false;
      b.sketch(null);
      b.preview(null);
      return had;
    },
    cursor: (b, p) => (onChosen(b, p) ? select.cursor(b, p) : "crosshair"),
  };
}

function pathTool(kind: "polygon" | "line"): Tool {
  let points: Point[] = [];
  const closed = kind === "polygon";
  const done = (b: Board) => {
    const path = points;
    points = [];
    b.sketch(null);
    if (path.length >= (closed ? 3 : 2)) put(b, kind, path);
    return path.length > 0;
  };
  return {
    name: kind,
    crosshair: true,
    down(b, p) {
      if (b.label === null) return b.needLabel();
      const first = points[0];
      if (closed && first && points.length > 2 && distance(first, p.at) <= p.reach) {
        done(b);
        return;
      }
      if (!points.length) b.choose([]);
      points = [...points, p.at];
      b.sketch({ kind: "path", points, closed });
    },
    move(b, p) {
      if (points.length) b.sketch({ kind: "path", points: [...points, p.at], closed });
    },
    up: () => undefined,
    double(b) {
      points = points.slice(0, -1); // the second click of the two set the same corner again
      done(b);
    },
    cancel(b) {
      const had = points.length > 0;
      points = [];
      b.sketch(null);
      return had;
    },
    finish: done,
    cursor: () => "crosshair",
  };
}

function pointTool(): Tool {
  return {
    name: "point",
    crosshair: true,
    down(b, p) {
      if (b.label === null) return b.needLabel();
      put(b, "point", p.at);
    },
    move: () => undefined,
    up: () => undefined,
    cancel: () => false,
    cursor: () => "crosshair",
  };
}

/** The list of tools. */
export const tools = {
  select: selectTool,
  box: boxTool,
  polygon: () => pathTool("polygon"),
  line: () => pathTool("line"),
  point: pointTool,
};
export type ToolName = keyof typeof tools;
