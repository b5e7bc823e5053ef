// The board: two canvases over each other (image and resting shapes; what moves), pointer and wheel, and the state that a page shows.
import { changeShapes, emptyDoc, removeShapes, toggleClass, withGeo, type Doc, type Shape } from "./doc";
import { drawCrosshair, drawHandles, drawImage, drawShapes, drawTag, prepare, type Look, type ShapeLook } from "./draw";
import { apply, redo, startHistory, undo, type History } from "./edit";
import { inside, type Point, type Size } from "./geometry";
import { hitAt } from "./hit";
import { kindOf } from "./shapes/kinds";
import { tools, type ToolName } from "./tools/draw";
import type { Board, Press, Sketch, Tool } from "./tools/tool";
import { fit, panBy, toImage, zoomAt, type View } from "./view";

export interface State {
  readonly history: History;
  readonly tool: ToolName;
  readonly label: string | null;
  readonly chosen: ReadonlySet<string>;
  readonly hover: string | null;
  readonly hidden: ReadonlySet<string>;
  readonly least: number;
  readonly labels: boolean;
  readonly scores: boolean;
  readonly zoom: number;
  readonly at: Point | null;
  readonly image: Size;
  readonly broken: string | null;
  readonly loading: boolean;
}

export interface Options {
  colour: (label: string) => string;
  name: (label: string) => string;
  readOnly?: boolean;
  dark: boolean;
  /** Drawing was tried without a label. */
  onNeedLabel: () => void;
}

const REACH = 7; // screen pixels
/** From so many shapes on, a picture of them moves along while the view does; they are drawn anew when it rests. */
const MANY = 600;
const REST_MS = 110;

/** The resting shapes as they were drawn last. */
interface Kept {
  canvas: HTMLCanvasElement;
  view: View;
}

export class Engine {
  readonly #room: HTMLElement;
  readonly #below = document.createElement("canvas");
  readonly #above = document.createElement("canvas");
  #options: Options;
  #state: State;
  #watchers = new Set<() => void>();
  #image: HTMLImageElement | null = null;
  #size: Size = { w: 1, h: 1 };
  #view: View = { scale: 1, x: 0, y: 0 };
  #fitted = true;
  #tool: Tool = tools.select();
  #preview: Doc | null = null;
  #sketch: Sketch | null = null;
  #pointer: Point | null = null;
  #pan: { x: number; y: number; from: View } | null = null;
  #pressed = false;
  #space = false;
  #frame = 0;
  readonly #picture = document.createElement("canvas");
  #kept: Kept | null = null;
  #moving: ReturnType<typeof setTimeout> | undefined;
  #draws = 0;
  #stale = { below: true, above: true };
  #end = new AbortController();
  #watch: ResizeObserver;

  constructor(room: HTMLElement, options: Options) {
    this.#room = room;
    this.#options = options;
    this.#state = { history: startHistory(emptyDoc), tool: "select", label: null, chosen: new Set(), hover: null, hidden: new Set(), least: 0, labels: true, scores: false, zoom: 1, at: null, image: { w: 1, h: 1 }, broken: null, loading: true };
    for (const c of [this.#below, this.#above]) {
      c.style.cssText = "position:absolute;inset:0;width:100%;height:100%;touch-action:none";
      room.append(c);
    }
    const on = { signal: this.#end.signal };
    const top = this.#above;
    top.addEventListener("pointerdown", (e) => this.#down(e), on);
    top.addEventListener("pointermove", (e) => this.#move(e), on);
    top.addEventListener("pointerup", (e) => this.#up(e), on);
    top.addEventListener("pointercancel", () => this.#giveUp(), on);
    top.addEventListener("pointerleave", () => this.#leave(), on);
    top.addEventListener("dblclick", (e) => this.#tool.double?.(this.#board, this.#press(e)), on);
    top.addEventListener("contextmenu", (e) => e.preventDefault(), on);
    top.addEventListener("wheel", (e) => this.#wheel(e), { ...on, passive: false });
    window.addEventListener("keydown", (e) => this.#spaceKey(e, true), on);
    window.addEventListener("keyup", (e) => this.#spaceKey(e, false), on);
    window.addEventListener("blur", () => (this.#space = false), on);
    this.#watch = new ResizeObserver(() => {
      if (this.#fitted) this.#view = fit(this.#size, this.#roomSize());
      this.#redraw();
    });
    this.#watch.observe(room);
  }

  destroy(): void {
    this.#end.abort();
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#moving);
    this.#below.remove();
    this.#above.remove();
  }

  // ---- what a page reads
  get state(): State {
    return this.#state;
  }
  subscribe = (f: () => void): (() => void) => {
    this.#watchers.add(f);
    return () => this.#watchers.delete(f);
  };
  snapshot = (): State => this.#state;
  /** Where an image's point lies on the screen, relative to the board: for tests and for panels. */
  screenOf(p: Point): Point {
    return { x: p.x * this.#view.scale + this.#view.x, y: p.y * this.#view.scale + this.#view.y };
  }

  /** How often all resting shapes were drawn: for tests. */
  get draws(): number {
    return this.#draws;
  }

  // ---- what a page says
  setOptions(o: Partial<Options>): void {
    this.#options = { ...this.#options, ...o };
    this.#redraw();
  }
  /** Another image with its history; size is what the server says, so shapes fit before the image is there. */
  open(image: HTMLImageElement, size: Size, history: History): void {
    // The new history first: whoever is told of the given-up gesture must not see the old one under the new image.
    this.#state = { ...this.#state, history, chosen: new Set(), hover: null };
    this.#tool.cancel(this.#board);
    this.#preview = null;
    this.#sketch = null;
    this.#image = image;
    this.#size = { w: Math.max(1, size.w), h: Math.max(1, size.h) };
    this.#view = fit(this.#size, this.#roomSize());
    this.#fitted = true;
    this.#set({ history, chosen: new Set(), hover: null, image: this.#size, broken: null, loading: !image.complete });
    const ready = () => {
      if (this.#image !== image) return;
      this.#set({ loading: false, broken: image.naturalWidth ? null : "The image could not be loaded" });
      this.#redraw();
    };
    if (image.complete) ready();
    else {
      image.addEventListener("load", ready, { once: true });
      image.addEventListener("error", ready, { once: true });
    }
    this.#redraw();
  }
  setHistory(history: History): void {
    this.#set({ history, chosen: new Set([...this.#state.chosen].filter((id) => history.doc.shapes.some((s) => s.id === id))) });
    this.#redraw();
  }
  setTool(name: ToolName): void {
    this.#tool.cancel(this.#board);
    this.#tool = tools[name]();
    this.#set({ tool: name });
    this.#redraw();
  }
  /** The label for what is drawn next; with shapes chosen, their label too. */
  setLabel(label: string): void {
    const { chosen, history } = this.#state;
    this.#set({ label });
    const other = history.doc.shapes.filter((s) => chosen.has(s.id) && s.label !== label);
    if (other.length && !this.#options.readOnly)
      this.#commit("relabel", changeShapes(history.doc, new Set(other.map((s) => s.id)), (s) => ({ ...s, label })));
  }
  choose(ids: Iterable<string>): void {
    this.#set({ chosen: new Set(ids) });
    this.#redraw();
  }
  chooseAll(): void {
    this.choose(this.#visible().map((s) => s.id));
  }
  hover(id: string | null): void {
    this.#set({ hover: id });
    this.#redraw("above");
  }
  setHidden(hidden: ReadonlySet<string>): void {
    this.#set({ hidden });
    this.#redraw();
  }
  setLeast(least: number): void {
    this.#set({ least });
    this.#redraw();
  }
  show(what: { labels?: boolean; scores?: boolean }): void {
    this.#set(what);
    this.#redraw();
  }
  remove(ids: Iterable<string> = this.#state.chosen): void {
    const set = new Set(ids);
    if (set.size && !this.#options.readOnly) this.#commit("delete", removeShapes(this.#state.history.doc, set));
  }
  toggleClass(label: string, single: boolean): void {
    if (!this.#options.readOnly) this.#commit("label the image", toggleClass(this.#state.history.doc, label, single));
  }
  nudge(dx: number, dy: number): void {
    const { chosen, history } = this.#state;
    if (!chosen.size || this.#options.readOnly) return;
    this.#commit("move", changeShapes(history.doc, chosen, (s) => withGeo(s, kindOf(s.kind).drag(s.geo, "inside", { x: dx, y: dy }, this.#size))), `nudge ${[...chosen].join()}`);
  }
  undo(): void {
    if (!this.#tool.cancel(this.#board) || this.#state.tool === "select") this.setHistory(undo(this.#state.history));
  }
  redo(): void {
    this.setHistory(redo(this.#state.history));
  }
  /** Esc: gives up the gesture; gives false if there was none. */
  cancel(): boolean {
    return this.#tool.cancel(this.#board);
  }
  finish(): boolean {
    return this.#tool.finish?.(this.#board) ?? false;
  }
  zoom(factor: number): void {
    const room = this.#roomSize();
    this.#zoomAt({ x: room.w / 2, y: room.h / 2 }, factor);
  }
  zoomFit(): void {
    this.#fitted = true;
    this.#view = fit(this.#size, this.#roomSize());
    this.#redraw();
  }

  // ---- inside
  readonly #board: Board = ((engine: Engine) => ({
    get doc() {
      return engine.#state.history.doc;
    },
    get image() {
      return engine.#size;
    },
    get chosen() {
      return engine.#state.chosen;
    },
    get label() {
      return engine.#state.label;
    },
    visible: () => engine.#visible(),
    choose: (ids: Iterable<string>) => engine.choose(ids),
    preview: (doc: Doc | null) => {
      // What rests is drawn anew only when something begins or ceases to move.
      const turns = (doc === null) !== (engine.#preview === null);
      engine.#preview = doc;
      engine.#redraw(turns ? "all" : "above");
    },
    commit: (says: string, doc: Doc) => engine.#commit(says, doc),
    sketch: (s: Sketch | null) => {
      engine.#sketch = s;
      engine.#redraw("above");
    },
    needLabel: () => engine.#options.onNeedLabel(),
  }))(this);

  #commit(says: string, doc: Doc, mark?: string): void {
    if (this.#options.readOnly) return;
    this.#preview = null;
    this.setHistory(apply(this.#state.history, says, doc, mark));
  }
  #visible(): readonly Shape[] {
    const { history, hidden, least } = this.#state;
    return history.doc.shapes.filter((s) => !hidden.has(s.label) && !hidden.has(s.id) && (s.score === undefined || s.score >= least));
  }
  #set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    for (const w of this.#watchers) w();
  }
  #roomSize(): Size {
    return { w: Math.max(1, this.#room.clientWidth), h: Math.max(1, this.#room.clientHeight) };
  }
  #press(e: MouseEvent): Press {
    const r = this.#above.getBoundingClientRect();
    const raw = toImage(this.#view, { x: e.clientX - r.left, y: e.clientY - r.top });
    return { raw, at: inside(raw, this.#size, 4 / this.#view.scale), shift: e.shiftKey, mod: e.ctrlKey || e.metaKey, reach: REACH / this.#view.scale };
  }
  #down(e: PointerEvent): void {
    if (document.activeElement instanceof HTMLElement && document.activeElement !== document.body) document.activeElement.blur();
    this.#above.setPointerCapture(e.pointerId);
    if (e.button === 1 || e.button === 2 || this.#space) {
      this.#pan = { x: e.clientX, y: e.clientY, from: this.#view };
      this.#above.style.cursor = "grabbing";
      return;
    }
    if (e.button !== 0) return;
    this.#pressed = true;
    if (!this.#options.readOnly) this.#tool.down(this.#board, this.#press(e));
  }
  #move(e: PointerEvent): void {
    const r = this.#above.getBoundingClientRect();
    this.#pointer = { x: e.clientX - r.left, y: e.clientY - r.top };
    if (this.#pan) {
      this.#fitted = false;
      this.#view = panBy(this.#pan.from, e.clientX - this.#pan.x, e.clientY - this.#pan.y, this.#size, this.#roomSize());
      this.#viewMoves();
      return;
    }
    const p = this.#press(e);
    if (!this.#options.readOnly) this.#tool.move(this.#board, p, this.#pressed);
    if (!this.#pressed) {
      const hover = this.#state.tool === "select" ? (hitAt(this.#visible(), p.raw, p.reach, this.#state.chosen)?.shape.id ?? null) : null;
      this.#above.style.cursor = this.#space ? "grab" : this.#options.readOnly ? "default" : this.#tool.cursor(this.#board, p);
      if (hover !== this.#state.hover) this.hover(hover);
    }
    const on = p.raw.x >= 0 && p.raw.y >= 0 && p.raw.x <= this.#size.w && p.raw.y <= this.#size.h;
    const at = on ? { x: Math.floor(p.raw.x), y: Math.floor(p.raw.y) } : null;
    if (at?.x !== this.#state.at?.x || at?.y !== this.#state.at?.y) this.#set({ at });
    this.#redraw("above");
  }
  #up(e: PointerEvent): void {
    if (this.#pan) {
      this.#pan = null;
      this.#above.style.cursor = this.#space ? "grab" : "default";
      return;
    }
    if (!this.#pressed) return;
    this.#pressed = false;
    if (!this.#options.readOnly) this.#tool.up(this.#board, this.#press(e));
  }
  #giveUp(): void {
    this.#pressed = false;
    this.#pan = null;
    this.#tool.cancel(this.#board);
  }
  #leave(): void {
    this.#pointer = null;
    this.#set({ at: null });
    this.#redraw("above");
  }
  #wheel(e: WheelEvent): void {
    e.preventDefault();
    const unit = e.deltaMode === 1 ? 16 : 1;
    if (e.shiftKey) {
      this.#fitted = false;
      this.#view = panBy(this.#view, -(e.deltaX || e.deltaY) * unit, 0, this.#size, this.#roomSize());
      this.#viewMoves();
      return;
    }
    const r = this.#above.getBoundingClientRect();
    this.#zoomAt({ x: e.clientX - r.left, y: e.clientY - r.top }, Math.exp(-Math.max(-120, Math.min(120, e.deltaY * unit)) * 0.0022));
  }
  #zoomAt(at: Point, factor: number): void {
    this.#fitted = false;
    this.#view = zoomAt(this.#view, at, factor, this.#size, this.#roomSize());
    this.#viewMoves();
  }
  #spaceKey(e: KeyboardEvent, down: boolean): void {
    if (e.key !== " " || (e.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(e.target.tagName))) return;
    e.preventDefault();
    this.#space = down;
    if (!this.#pan) this.#above.style.cursor = down ? "grab" : "default";
  }

  /** The same shapes at another place: their picture will do until the view rests. */
  #viewMoves(): void {
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => {
      this.#moving = undefined;
      if (this.#kept) this.#redraw();
    }, REST_MS);
    this.#redraw("view");
  }
  #redraw(which: "above" | "view" | "all" = "all"): void {
    this.#stale.above = true;
    if (which !== "above") this.#stale.below = true;
    if (which === "all") this.#kept = null;
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }
  #draw(): void {
    const room = this.#roomSize();
    const ratio = window.devicePixelRatio || 1;
    const { chosen, hover, labels, scores } = this.#state;
    const look: Look = { colour: this.#options.colour, name: this.#options.name, labels, scores, fill: 0.08, dark: this.#options.dark };
    if (this.#stale.below) {
      this.#stale.below = false;
      const c = prepare(this.#below, room, ratio);
      if (c) {
        if (this.#image?.complete && this.#image.naturalWidth) drawImage(c, this.#image, this.#size, this.#view);
        this.#drawResting(c, room, ratio, { ...look, chosen, hover: null });
      }
      if (this.#state.zoom !== this.#view.scale) this.#set({ zoom: this.#view.scale });
    }
    if (!this.#stale.above) return;
    this.#stale.above = false;
    const c = prepare(this.#above, room, ratio);
    if (!c) return;
    const lifted = this.#preview ? this.#preview.shapes.filter((s) => chosen.has(s.id)) : hover ? this.#visible().filter((s) => s.id === hover) : [];
    if (lifted.length) drawShapes(c, lifted, this.#view, room, { ...look, chosen, hover });
    if (this.#tool.crosshair && this.#pointer && !this.#options.readOnly) drawCrosshair(c, this.#pointer, room);
    this.#drawSketch(c, look);
  }
  #drawResting(c: CanvasRenderingContext2D, room: Size, ratio: number, look: ShapeLook): void {
    const kept = this.#kept;
    const { chosen } = this.#state;
    if (kept && this.#moving !== undefined) {
      const k = this.#view.scale / kept.view.scale;
      c.imageSmoothingEnabled = k !== 1;
      c.imageSmoothingQuality = "low";
      c.drawImage(kept.canvas, this.#view.x - kept.view.x * k, this.#view.y - kept.view.y * k, room.w * k, room.h * k);
      return;
    }
    const rest = this.#preview ? this.#visible().filter((s) => !chosen.has(s.id)) : this.#visible();
    this.#draws++;
    const own = rest.length > MANY ? prepare(this.#picture, room, ratio) : null;
    drawShapes(own ?? c, rest, this.#view, room, look);
    if (!own) return;
    this.#kept = { canvas: this.#picture, view: this.#view };
    c.drawImage(this.#picture, 0, 0, room.w, room.h);
  }
  #drawSketch(c: CanvasRenderingContext2D, look: Look): void {
    const s = this.#sketch;
    if (!s) return;
    const v = this.#view;
    const colour = this.#state.label && !(s.kind === "box" && s.frame) ? look.colour(this.#state.label) : "#ffffff";
    c.beginPath();
    if (s.kind === "box") c.rect(s.box.x * v.scale + v.x, s.box.y * v.scale + v.y, s.box.w * v.scale, s.box.h * v.scale);
    else {
      s.points.forEach((p, i) => (i ? c.lineTo(p.x * v.scale + v.x, p.y * v.scale + v.y) : c.moveTo(p.x * v.scale + v.x, p.y * v.scale + v.y)));
      if (s.closed && s.points.length > 2) c.closePath();
    }
    c.fillStyle = colour;
    c.globalAlpha = 0.15;
    if (s.kind === "box" || s.closed) c.fill();
    c.globalAlpha = 1;
    c.strokeStyle = "rgb(0 0 0 / 60%)";
    c.lineWidth = 3.5;
    c.stroke();
    c.strokeStyle = colour;
    c.lineWidth = 1.75;
    if (s.kind === "box" && s.frame) c.setLineDash([5, 4]);
    c.stroke();
    c.setLineDash([]);
    if (s.kind === "path") drawHandles(c, s.points.slice(0, -1), v, colour);
    if (s.kind === "box" && !s.frame && this.#pointer)
      drawTag(c, `${Math.round(s.box.w)} × ${Math.round(s.box.h)}`, { x: this.#pointer.x + 10, y: this.#pointer.y + 10 });
  }
}
