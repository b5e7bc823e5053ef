// Between the server's shapes and the board's document.
import { newId, type Doc, type Shape } from "../../canvas/doc";
import type { AnnotationShapes, PredictedShape } from "./data";

export function docOf(a: Partial<AnnotationShapes> | null | undefined, source: "human" | "model" = "human"): Doc {
  const shapes: Shape[] = [];
  const common = (s: { label_id: string; text?: string | null; score?: number; attributes?: object | null; box?: readonly number[] | null }) => ({
    id: newId(),
    label: s.label_id,
    source,
    ...(s.text ? { text: s.text } : {}),
    ...(s.attributes || s.box ? { kept: { ...(s.attributes ? { attributes: s.attributes } : {}), ...(s.box ? { box: s.box } : {}) } } : {}),
    ...(s.score === undefined || s.score === null ? {} : { score: s.score }),
  });
  const points = (list: readonly (readonly number[])[]) => list.map((p) => ({ x: p[0] ?? 0, y: p[1] ?? 0 }));
  for (const s of a?.rectangles ?? []) shapes.push({ ...common(s), kind: "rectangle", geo: { x: s.x, y: s.y, w: s.w, h: s.h } });
  for (const s of a?.polygons ?? []) shapes.push({ ...common(s), kind: "polygon", geo: points(s.polygon) });
  for (const s of a?.lines ?? []) shapes.push({ ...common(s), kind: "line", geo: points(s.line) });
  for (const s of a?.points ?? []) shapes.push({ ...common(s), kind: "point", geo: { x: s.point[0], y: s.point[1] } });
  return { shapes, classes: a?.classifications?.map((c) => c.label_id) ?? [] };
}

export const isBox = (s: PredictedShape) => s.kind !== "classification";

/** What a label of a whole image says: "scratch 0.93"; a reviewer's has no score. */
export function saidOf(s: PredictedShape): string {
  return s.score == null || s.score < 0 ? s.label : `${s.label} ${s.score.toFixed(2)}`;
}

export function docOfPrediction(said: readonly PredictedShape[]): Doc {
  return {
    shapes: said.filter(isBox).map((s) => ({ id: newId(), kind: "rectangle", label: s.label_id, source: "model", ...(s.score === null ? {} : { score: s.score }), geo: { x: s.x, y: s.y, w: s.w, h: s.h } })),
    classes: said.filter((s) => !isBox(s)).map((s) => s.label_id),
  };
}

/** The body of a save. Empty lists are sent too: what is not there any more is gone. */
export function bodyOf(doc: Doc): AnnotationShapes {
  const body: AnnotationShapes = { rectangles: [], polygons: [], lines: [], points: [], classifications: doc.classes.map((label_id) => ({ label_id })) };
  for (const s of doc.shapes) {
    const common = { label_id: s.label, ...(s.text ? { text: s.text } : {}), ...s.kept };
    if (s.kind === "rectangle") body.rectangles.push({ ...common, x: Math.round(s.geo.x), y: Math.round(s.geo.y), w: Math.round(s.geo.w), h: Math.round(s.geo.h) });
    else if (s.kind === "polygon") body.polygons.push({ ...common, polygon: s.geo.map((p): [number, number] => [Math.round(p.x), Math.round(p.y)]) });
    else if (s.kind === "line") body.lines.push({ ...common, line: s.geo.map((p): [number, number] => [Math.round(p.x), Math.round(p.y)]) });
    else body.points.push({ ...common, point: [Math.round(s.geo.x), Math.round(s.geo.y)] });
  }
  return body;
}
