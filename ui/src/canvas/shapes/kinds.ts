// The list of kinds of shapes. A new one is one file and one line here.
import type { Box, Point } from "../geometry";
import { line, polygon, type Path } from "./path";
import { point } from "./point";
import { rect } from "./rect";
import type { ShapeKind } from "./shape";

export interface Geometries {
  rectangle: Box;
  polygon: Path;
  line: Path;
  point: Point;
}
export type Kind = keyof Geometries;

const kinds: { [K in Kind]: ShapeKind<Geometries[K]> } = { rectangle: rect, polygon, line, point };

/** The verbs of a kind; the caller pairs a shape only with its own kind. */
export const kindOf = (kind: Kind) => kinds[kind] as ShapeKind<Geometries[Kind]>;
