// A tool is one gesture: it hears the pointer and says what the document becomes.
import type { Doc, Shape } from "../doc";
import type { Box, Point, Size } from "../geometry";

export interface Press {
  /** In image pixels, on the image, snapped to its edges. */
  at: Point;
  /** In image pixels, anywhere. */
  raw: Point;
  shift: boolean;
  mod: boolean;
  /** How near counts, in image pixels. */
  reach: number;
}

/** What a tool may see and do. The engine is the only one to give it. */
export interface Board {
  readonly doc: Doc;
  readonly image: Size;
  readonly chosen: ReadonlySet<string>;
  readonly label: string | null;
  visible(): readonly Shape[];
  choose(ids: Iterable<string>): void;
  /** Shows a document that is not there yet: while dragging. null: the real one. */
  preview(doc: Doc | null): void;
  commit(says: string, doc: Doc): void;
  /** Outlines that belong to the gesture: the box being drawn, the frame of a choice. */
  sketch(s: Sketch | null): void;
  needLabel(): void;
}
export type Sketch =
  | { kind: "box"; box: Box; frame: boolean }
  | { kind: "path"; points: readonly Point[]; closed: boolean };

export interface Tool {
  readonly name: string;
  readonly crosshair: boolean;
  down(b: Board, p: Press): void;
  move(b: Board, p: Press, pressed: boolean): void;
  up(b: Board, p: Press): void;
  double?(b: Board, p: Press): void;
  /** Esc or another tool: leaves no trace. Gives true if there was something to give up. */
  cancel(b: Board): boolean;
  /** Enter. */
  finish?(b: Board): boolean;
  cursor(b: Board, p: Press): string;
}
