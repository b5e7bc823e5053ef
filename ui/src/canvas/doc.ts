// The shapes of one image. A value: every change gives a new one, so undo, save and drawing never see a half of it.
import type { Geometries, Kind } from "./shapes/kinds";

interface Common {
  /** Of the page, not of the server: stable over saves. */
  readonly id: string;
  readonly label: string;
  readonly score?: number;
  /** Who drew it: a person, a model, an import. */
  readonly source?: "human" | "model";
  readonly text?: string | null;
  /** What the board does not show and a save must not lose. */
  readonly kept?: { readonly attributes?: object; readonly box?: readonly number[] };
}
export type Shape = { [K in Kind]: Common & { readonly kind: K; readonly geo: Geometries[K] } }[Kind];

export interface Doc {
  readonly shapes: readonly Shape[];
  /** Labels of the whole image. */
  readonly classes: readonly string[];
}
export const emptyDoc: Doc = { shapes: [], classes: [] };

let counter = 0;
export const newId = () => `s${++counter}`;

export const findShape = (d: Doc, id: string) => d.shapes.find((s) => s.id === id);
export const addShapes = (d: Doc, shapes: readonly Shape[]): Doc => ({ ...d, shapes: [...d.shapes, ...shapes] });
export const removeShapes = (d: Doc, ids: ReadonlySet<string>): Doc => ({ ...d, shapes: d.shapes.filter((s) => !ids.has(s.id)) });
export const changeShapes = (d: Doc, ids: ReadonlySet<string>, change: (s: Shape) => Shape): Doc => ({
  ...d,
  shapes: d.shapes.map((s) => (ids.has(s.id) ? change(s) : s)),
});
export const withGeo = (s: Shape, geo: Geometries[Kind]): Shape => ({ ...s, geo }) as Shape;
export const toggleClass = (d: Doc, label: string, single: boolean): Doc => ({
  ...d,
  classes: d.classes.includes(label) ? d.classes.filter((c) => c !== label) : single ? [label] : [...d.classes, label],
});
