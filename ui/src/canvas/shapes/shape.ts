// What a kind of shape must know: a value with a few verbs.
import type { Box, Point, Size } from "../geometry";

/** A place of a shape that the pointer may hold: a numbered handle, an edge (a new corner may be put there), or all of it. */
export type Grip = "none" | "inside" | "edge" | number;

export interface ShapeKind<Geo> {
  readonly kind: string;
  bounds(g: Geo): Box;
  /** Adds the outline to the path, in image pixels. */
  trace(c: CanvasRenderingContext2D, g: Geo): void;
  readonly filled: boolean;
  handles(g: Geo): readonly Point[];
  /** reach: how near counts, in image pixels. */
  hit(g: Geo, p: Point, reach: number): Grip;
  /** A new value; stays inside the image. */
  drag(g: Geo, grip: number | "inside", by: Point, image: Size): Geo;
  /** Whole pixels, or null when nothing is left. */
  finish(g: Geo, image: Size): Geo | null;
  cursor(g: Geo, grip: Grip): string;
}
