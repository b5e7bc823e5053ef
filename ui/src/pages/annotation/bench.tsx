// The bench: board, tools, labels, objects, film strip. Annotating and reviewing differ only in what they save.
import "./bench.css";
import { ActionIcon, Loader, TextInput, Tooltip, useComputedColorScheme } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ComponentProps, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type ComponentType, type FormEvent, type ReactNode } from "react";
import { addShapes, newId, type Shape } from "../../canvas/doc";
import { Engine } from "../../canvas/engine";
import type { ToolName } from "../../canvas/tools/draw";
import { figure, percent, typeWord } from "../../kit/format";
import { IconCheck, IconEye, IconEyeOff, IconHand, IconKeyboard, IconLine, IconPlus, IconPoint, IconPointer, IconPolygon, IconRedo, IconSidebar, IconSidebarOpen, IconSquare, IconTrash, IconUndo, IconX, IconZoomFit, IconZoomIn, IconZoomOut } from "../../kit/icons";
import { showKeys, useKeys, type Key } from "../../kit/keys";
import { labelColours, noColour } from "../../kit/palette";
import { Kbd, Swatch } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { imageOf, thumbnail, type InferenceType, type Label } from "./data";

export interface Item {
  id: string;
  dataId: string;
  name: string;
  width: number;
  height: number;
  mark: "done" | "skipped" | "sent" | null;
}

const toolOf: Record<ToolName, { says: string; key: string; icon: ComponentType<{ size?: number; stroke?: number }> }> = {
  select: { says: "Choose and move", key: "V", icon: IconPointer },
  box: { says: "Draw boxes", key: "B", icon: IconSquare },
  polygon: { says: "Draw polygons", key: "G", icon: IconPolygon },
  line: { says: "Draw lines", key: "I", icon: IconLine },
  point: { says: "Set points", key: "T", icon: IconPoint },
};
export function toolsFor(type: InferenceType): ToolName[] {
  if (type === "OBJECT_DETECTION") return ["select", "box"];
  if (type === "SEGMENTATION" || type === "MASK") return ["select", "polygon", "box"];
  if (type === "LINE") return ["select", "line"];
  if (type === "POINT" || type === "KEYPOINT") return ["select", "point"];
  if (type === "CLASSIFICATION") return ["select"];
  return ["select", "box", "polygon", "line", "point"];
}

/** Images that are or will be looked at; neighbours are fetched and decoded ahead. */
const pictures = new Map<string, HTMLImageElement>();
function picture(dataId: string): HTMLImageElement {
  let img = pictures.get(dataId);
  if (img) pictures.delete(dataId);
  else {
    img = new Image();
    img.decoding = "async";
    img.src = imageOf(dataId);
    void img.decode().catch(() => undefined);
  }
  pictures.set(dataId, img);
  while (pictures.size > 12) pictures.delete(pictures.keys().next().value as string);
  return img;
}

export function useEngine(labels: readonly Label[], readOnly: boolean): { engine: Engine | null; room: (el: HTMLDivElement | null) => void } {
  const [engine, setEngine] = useState<Engine | null>(null);
  const [el, room] = useState<HTMLDivElement | null>(null);
  const dark = useComputedColorScheme("light") === "dark";
  const look = useMemo(() => {
    const colours = labelColours(labels);
    const names = new Map(labels.map((l) => [l.id, l.name]));
    return { colour: (id: string) => colours.get(id) ?? noColour, name: (id: string) => names.get(id) ?? "unknown label" };
  }, [labels]);
  useLayoutEffect(() => {
    if (!el) return;
    const e = new Engine(el, { colour: () => "#9aa3ad", name: (id) => id, dark: false, onNeedLabel: () => { toast.failed({ message: "Choose a label first", detail: "Press its number, or add one in the panel at the right." }); document.getElementById("new-label")?.focus(); } });
    setEngine(e);
    // For browser tests and bug reports: what is on the board, and where it lies on screen.
    Object.assign(window, { saccadeBoard: e });
    return () => e.destroy();
  }, [el]);
  useEffect(() => engine?.setOptions({ ...look, dark, readOnly }), [engine, look, dark, readOnly]);
  return { engine, room };
}

let clipboard: readonly Shape[] = [];

interface Props {
  of: string;
  engine: Engine | null;
  room: (el: HTMLDivElement | null) => void;
  items: { count: number | undefined; at: (i: number) => Item | undefined; want: (a: number, b: number) => void };
  index: number;
  go: (i: number) => void;
  labels: readonly Label[] | undefined;
  type: InferenceType;
  readOnly: boolean;
  onNewLabel?: (name: string) => Promise<Label>;
  keys: readonly Key[];
  side?: ReactNode;
}

export function Bench({ of, engine, room, items, index, go, labels, type, readOnly, onNewLabel, keys, side }: Props) {
  const tools = useMemo(() => toolsFor(type), [type]);
  const [wide, setWide] = useState(() => localStorage.getItem("saccade-bench") !== "narrow");
  const count = items.count ?? 0;
  const state = useSyncExternalStore(engine?.subscribe ?? noSubscribe, engine?.snapshot ?? noState);
  const move = (by: number) => {
    const to = index + by;
    if (to >= 0 && to < count) go(to);
  };
  // The label stays from image to image; the first one is chosen at the start.
  useEffect(() => {
    if (engine && labels?.length && !labels.some((l) => l.id === engine.state.label)) engine.setLabel(labels[0]?.id ?? "");
  }, [engine, labels]);
  useEffect(() => {
    if (!engine) return;
    const last = localStorage.getItem("saccade-tool") as ToolName | null;
    engine.setTool(last && tools.includes(last) ? last : (tools[1] ?? "select"));
  }, [engine, tools]);
  useEffect(() => {
    for (const i of [index + 1, index + 2, index - 1]) {
      const item = items.at(i);
      if (item) picture(item.dataId);
    }
  }, [index, items]);
  const setTool = (t: ToolName) => {
    if (!tools.includes(t)) return;
    localStorage.setItem("saccade-tool", t);
    engine?.setTool(t);
  };
  const classes = type === "CLASSIFICATION" || type === "MULTI";
  const pickLabel = (l: Label) => {
    if (!engine) return;
    if (type === "CLASSIFICATION") engine.toggleClass(l.id, true);
    else engine.setLabel(l.id);
  };
  const cycle = (by: number) => {
    if (!engine) return;
    const shapes = engine.state.history.doc.shapes;
    if (!shapes.length) return;
    const at = shapes.findIndex((s) => engine.state.chosen.has(s.id));
    engine.choose([shapes[(at + by + shapes.length) % shapes.length]?.id ?? ""]);
  };
  const arrow = (dx: number, dy: number) => (e: KeyboardEvent) => {
    const step = e.shiftKey ? 10 : 1;
    if (engine?.state.chosen.size && !readOnly) engine.nudge(dx * step, dy * step);
    else if (dx) move(dx);
  };
  useKeys(of, [
    ...keys,
    { keys: "P PageDown", says: "Next image", run: () => move(1) },
    { keys: "O PageUp", says: "Previous image", run: () => move(-1) },
    { keys: "ArrowRight shift+ArrowRight", says: "Next image; moves what is chosen", run: arrow(1, 0) },
    { keys: "ArrowLeft shift+ArrowLeft", says: "Previous image; moves what is chosen", run: arrow(-1, 0) },
    { keys: "ArrowUp shift+ArrowUp", says: "Move what is chosen up", run: arrow(0, -1) },
    { keys: "ArrowDown shift+ArrowDown", says: "Move what is chosen down", run: arrow(0, 1) },
    { keys: "1 2 3 4 5 6 7 8 9", says: "Choose the label; relabel what is chosen", run: (e) => { const l = labels?.[Number(e.key) - 1]; if (l) pickLabel(l); } },
    { keys: "D", says: "Draw", run: () => setTool(tools[1] ?? "select") },
    ...tools.map((t): Key => ({ keys: toolOf[t].key, says: toolOf[t].says, run: () => setTool(t) })),
    { keys: "Escape", says: "Give up, choose nothing, then the arrow tool", run: () => { if (!engine?.cancel()) { if (engine?.state.chosen.size) engine.choose([]); else setTool("select"); } } },
    { keys: "Delete Backspace", says: "Delete what is chosen", run: () => engine?.remove() },
    { keys: "mod+Z", says: "Undo", run: (e) => (e.shiftKey ? engine?.redo() : engine?.undo()) },
    { keys: "mod+Y mod+shift+Z", says: "Redo", run: () => engine?.redo() },
    { keys: "mod+A", says: "Choose all shapes", run: () => engine?.chooseAll() },
    { keys: "mod+C", says: "Copy what is chosen, also to other images", run: () => { if (engine) clipboard = engine.state.history.doc.shapes.filter((s) => engine.state.chosen.has(s.id)); } },
    { keys: "mod+V", says: "Paste", run: () => paste(engine, readOnly) },
    { keys: "[ ]", says: "Previous and next shape", run: (e) => cycle(e.key === "]" ? 1 : -1) },
    { keys: "R", says: "See the whole image", run: () => engine?.zoomFit() },
    { keys: "+ =", says: "Zoom in", run: () => engine?.zoom(1.25) },
    { keys: "-", says: "Zoom out", run: () => engine?.zoom(0.8) },
    { keys: "L", says: "Names on the shapes", run: () => engine?.show({ labels: !engine.state.labels }) },
    { keys: "Space", says: "Hold and drag: move the image" },
  ]);
  const item = items.at(index);
  const toolButton = (says: string, Icon: ComponentType<{ size?: number; stroke?: number }>, run: () => void, options: { here?: boolean; off?: boolean; key?: string } = {}) => (
    <Tooltip key={says} label={<>{says} {options.key && <Kbd>{options.key}</Kbd>}</>} position="right">
      <ActionIcon size={32} variant={options.here ? "light" : "subtle"} {...(options.here ? { color: "petrol" } : {})} disabled={options.off ?? false} onClick={run} aria-label={says} aria-pressed={options.here}>
        <Icon size={18} stroke={1.7} />
      </ActionIcon>
    </Tooltip>
  );
  return (
    <div className="bench">
      <div className="bench-tools" role="toolbar" aria-label="Tools" aria-orientation="vertical">
        {!readOnly && tools.map((t) => toolButton(toolOf[t].says, toolOf[t].icon, () => setTool(t), { here: state?.tool === t, key: toolOf[t].key }))}
        {!readOnly && <hr />}
        {!readOnly && toolButton("Undo", IconUndo, () => engine?.undo(), { off: !state?.history.done.length, key: "Ctrl Z" })}
        {!readOnly && toolButton("Redo", IconRedo, () => engine?.redo(), { off: !state?.history.undone.length, key: "Ctrl Y" })}
        {!readOnly && toolButton("Delete what is chosen", IconTrash, () => engine?.remove(), { off: !state?.chosen.size, key: "Del" })}
        {!readOnly && <hr />}
        {toolButton("Zoom in", IconZoomIn, () => engine?.zoom(1.25), { key: "+" })}
        {toolButton("Zoom out", IconZoomOut, () => engine?.zoom(0.8), { key: "-" })}
        {toolButton("See the whole image", IconZoomFit, () => engine?.zoomFit(), { key: "R" })}
        <span style={{ flex: 1 }} />
        {toolButton("Keys", IconKeyboard, showKeys, { key: "?" })}
        {toolButton(wide ? "Hide the panel" : "Show the panel", wide ? IconSidebar : IconSidebarOpen, () => { localStorage.setItem("saccade-bench", wide ? "narrow" : "wide"); setWide(!wide); })}
      </div>
      <div ref={room} className="bench-board" data-testid="board">
        {(state?.loading || !item) && (
          <div style={{ position: "absolute", inset: 0, display: "grid", placeItems: "center", pointerEvents: "none" }}>
            <Loader size={22} color="gray" />
          </div>
        )}
        {state?.broken && (
          <div style={{ position: "absolute", inset: 0, display: "grid", placeItems: "center", pointerEvents: "none" }} className="dim">
            {state.broken}
          </div>
        )}
      </div>
      {wide && (
        <aside className="bench-side" aria-label="Labels and objects">
          {side}
          <LabelList engine={engine} labels={labels} classes={classes} single={type === "CLASSIFICATION"} onPick={pickLabel} {...(onNewLabel ? { onNewLabel } : {})} />
          {type !== "CLASSIFICATION" && <ObjectList engine={engine} labels={labels ?? []} readOnly={readOnly} />}
        </aside>
      )}
      <div className="bench-foot">
        <Strip items={items} index={index} go={go} />
        <div className="bench-info">
          <b style={{ fontWeight: 600, color: "var(--text)" }}>
            {count ? index + 1 : 0} / {figure(count)}
          </b>
          {item && <span>{item.width} × {item.height}</span>}
          {state && <span>{percent(state.zoom)}</span>}
          <span style={{ minWidth: 90 }}>{state?.at ? `${state.at.x}, ${state.at.y}` : ""}</span>
          <span>{state && state.chosen.size > 1 ? `${state.chosen.size} chosen` : ""}</span>
          <span style={{ marginLeft: "auto", display: "flex", alignItems: "center", gap: 5 }}>
            <IconHand size={13} /> Space and drag moves the image
          </span>
          <span>{typeWord(type)}</span>
        </div>
      </div>
    </div>
  );
}
const noSubscribe = () => () => undefined;
const noState = () => null;

function paste(engine: Engine | null, readOnly: boolean): void {
  if (!engine || readOnly || !clipboard.length) return;
  const shapes = clipboard.map((s): Shape => ({ ...s, id: newId(), source: "human" }));
  engine.setHistory({ ...engine.state.history, ...historyWith(engine, shapes) });
  engine.choose(shapes.map((s) => s.id));
}
function historyWith(engine: Engine, shapes: readonly Shape[]) {
  const { doc, done } = engine.state.history;
  const after = addShapes(doc, shapes);
  return { doc: after, done: [...done, { says: "paste", before: doc, after }], undone: [] };
}

/** Opens an item's picture on the board. */
export function openOn(engine: Engine, item: Item, history: Parameters<Engine["open"]>[2]): void {
  engine.open(picture(item.dataId), { w: item.width, h: item.height }, history);
}

interface PickProps extends Omit<ComponentProps<"button">, "onClick"> {
  /** `more`: beside what is chosen already. */
  onPick: (more: boolean) => void;
  /** Without a place for a key's number. */
  bare?: boolean;
}
/** The part of a row that chooses. A click leaves the focus on the image, so that the tool's keys go on; Tab reaches it all the same. */
function Pick({ onPick, bare, children, ...more }: PickProps) {
  return (
    <button type="button" className="bench-pick" data-bare={bare ? "" : undefined} onMouseDown={(e) => e.preventDefault()} onClick={(e) => onPick(e.shiftKey)} {...more}>
      {children}
    </button>
  );
}

interface LabelListProps {
  engine: Engine | null;
  labels: readonly Label[] | undefined;
  classes: boolean;
  single: boolean;
  onPick: (l: Label) => void;
  onNewLabel?: (name: string) => Promise<Label>;
}
function LabelList({ engine, labels, classes, single, onPick, onNewLabel }: LabelListProps) {
  const state = useSyncExternalStore(engine?.subscribe ?? noSubscribe, engine?.snapshot ?? noState);
  const [find, setFind] = useState("");
  const [name, setName] = useState("");
  const counts = useMemo(() => {
    const m = new Map<string, number>();
    for (const s of state?.history.doc.shapes ?? []) m.set(s.label, (m.get(s.label) ?? 0) + 1);
    return m;
  }, [state?.history.doc]);
  const add = async (e: FormEvent) => {
    e.preventDefault();
    if (!name.trim() || !onNewLabel) return;
    try {
      const l = await onNewLabel(name.trim());
      setName("");
      (document.activeElement as HTMLElement | null)?.blur();
      engine?.setLabel(l.id);
    } catch (x) {
      toast.failed(x as Error);
    }
  };
  const colours = useMemo(() => labelColours(labels ?? []), [labels]);
  return (
    <section style={{ marginBottom: 18 }}>
      <h3>Labels</h3>
      {labels && labels.length > 12 && (
        <TextInput size="xs" px={14} pb={6} placeholder="Find a label" aria-label="Find a label" value={find} onChange={(e) => setFind(e.target.value)} />
      )}
      {labels?.map((l, i) => {
        if (find && !l.name.toLowerCase().includes(find.toLowerCase())) return null;
        const hidden = state?.hidden.has(l.id);
        const here = single ? state?.history.doc.classes.includes(l.id) : state?.label === l.id;
        return (
          <div key={l.id} className="bench-row" data-here={here ? "" : undefined}>
            <Pick aria-label={`Label ${l.name}`} aria-pressed={!!here} onPick={() => onPick(l)}>
              {i < 9 ? <Kbd>{i + 1}</Kbd> : <span />}
              <Swatch colour={colours.get(l.id)} />
              <span className="name" title={l.name}>{l.name}</span>
              <span className="end">{single ? "" : (counts.get(l.id) ?? "")}</span>
            </Pick>
            {classes && !single ? (
              <button type="button" className="id" aria-label={`Label the whole image ${l.name}`} onClick={() => engine?.toggleClass(l.id, false)}>
                {state?.history.doc.classes.includes(l.id) ? <IconCheck size={14} /> : <IconPlus size={14} />}
              </button>
            ) : single ? (
              here ? <IconCheck size={15} color="var(--accent)" /> : <span />
            ) : (
              <button
                type="button"
                className="id"
                aria-label={hidden ? `Show ${l.name}` : `Hide ${l.name}`}
                onClick={() => {
                  const next = new Set(state?.hidden);
                  if (!next.delete(l.id)) next.add(l.id);
                  engine?.setHidden(next);
                }}
              >
                {hidden ? <IconEyeOff size={14} /> : <IconEye size={14} />}
              </button>
            )}
          </div>
        );
      })}
      {onNewLabel && (
        <form onSubmit={(e) => void add(e)} style={{ padding: "6px 14px 0" }}>
          <TextInput id="new-label" size="xs" placeholder={labels?.length ? "Add a label" : "Add the first label"} aria-label="Add a label" leftSection={<IconPlus size={13} />} value={name} onChange={(e) => setName(e.target.value)} onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()} />
        </form>
      )}
    </section>
  );
}

function ObjectList({ engine, labels, readOnly }: { engine: Engine | null; labels: readonly Label[]; readOnly: boolean }) {
  const state = useSyncExternalStore(engine?.subscribe ?? noSubscribe, engine?.snapshot ?? noState);
  const index = useMemo(() => new Map(labels.map((l, i) => [l.id, i])), [labels]);
  const colours = useMemo(() => labelColours(labels), [labels]);
  const shapes = (state?.history.doc.shapes ?? []).filter((s) => s.score === undefined || s.score >= (state?.least ?? 0));
  const MOST = 300;
  return (
    <section>
      <h3>
        Objects <span>{figure(shapes.length)}</span>
      </h3>
      {!shapes.length && <p className="dim" style={{ margin: 0, padding: "0 14px", fontSize: 12 }}>{readOnly ? "None." : "None yet. Draw on the image."}</p>}
      {shapes.slice(0, MOST).map((s) => {
        const i = index.get(s.label) ?? -1;
        return (
          <div key={s.id} className="bench-row" data-here={state?.chosen.has(s.id) ? "" : undefined} onMouseEnter={() => engine?.hover(s.id)} onMouseLeave={() => engine?.hover(null)}>
            <Pick bare aria-pressed={!!state?.chosen.has(s.id)} onPick={(more) => engine?.choose(more ? [...(state?.chosen ?? []), s.id] : [s.id])}>
              <Swatch colour={colours.get(s.label)} />
              <span className="name">{labels[i]?.name ?? "unknown label"}</span>
              <span className="end">
                {s.score !== undefined ? s.score.toFixed(2) : s.kind === "rectangle" ? `${Math.round(s.geo.w)} × ${Math.round(s.geo.h)}` : s.kind === "point" ? "point" : `${s.geo.length} points`}
              </span>
            </Pick>
            {readOnly ? (
              <span />
            ) : (
              <button type="button" className="id" aria-label="Delete this object" onClick={() => engine?.remove([s.id])}>
                <IconX size={13} />
              </button>
            )}
          </div>
        );
      })}
      {shapes.length > MOST && <p className="dim" style={{ padding: "4px 14px" }}>and {figure(shapes.length - MOST)} more</p>}
    </section>
  );
}

const marks = { done: { colour: "#1d7a3a", icon: IconCheck }, skipped: { colour: "#945600", icon: IconX }, sent: { colour: "#1a62c5", icon: IconCheck } };
const STEP = 80;

function Strip({ items, index, go }: Pick<Props, "items" | "index" | "go">) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ horizontal: true, count: items.count ?? 0, getScrollElement: () => scroll.current, estimateSize: () => STEP, overscan: 4, paddingStart: 12 });
  const seen = virtual.getVirtualItems();
  const first = seen[0]?.index ?? 0;
  const last = seen[seen.length - 1]?.index ?? 0;
  const { want } = items;
  useEffect(() => want(first, last), [first, last, want]);
  useEffect(() => {
    if (items.count) virtual.scrollToIndex(index, { align: "auto" });
  }, [index, items.count, virtual]);
  return (
    <div ref={scroll} className="strip" aria-label="Images">
      <div style={{ width: virtual.getTotalSize() + 12, height: "100%", position: "relative" }}>
        {seen.map((v) => {
          const item = items.at(v.index);
          const mark = item?.mark ? marks[item.mark] : null;
          const Mark = mark?.icon;
          return (
            <button key={v.key} type="button" tabIndex={-1} className="strip-tile" data-here={v.index === index ? "" : undefined} style={{ left: v.start }} onClick={() => go(v.index)} aria-label={`Image ${v.index + 1}${item ? `, ${item.name}` : ""}`}>
              {item && <img src={thumbnail(item.dataId, 128)} alt="" loading="lazy" draggable={false} />}
              <span className="no">{v.index + 1}</span>
              {mark && Mark && (
                <span className="mark" style={{ background: mark.colour }}>
                  <Mark size={11} stroke={3} />
                </span>
              )}
            </button>
          );
        })}
      </div>
    </div>
  );
}
