// The one grid of images: virtual rows, shapes drawn over thumbnails, choosing by click, range and key.
import { Skeleton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { IconCheck, IconPhoto } from "./icons";
import { Cut } from "./parts";

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
  colour: string;
  dashed?: boolean;
}
export interface Tile {
  id: string;
  name: string;
  src: string | null;
  width: number;
  height: number;
  boxes?: readonly Box[];
  lines?: readonly { points: readonly (readonly [number, number])[]; closed: boolean; colour: string }[];
  badge?: ReactNode;
  note?: ReactNode;
}

export interface Choice {
  all: boolean;
  ids: ReadonlySet<string>;
}
export const nothing: Choice = { all: false, ids: new Set() };
export const chosenCount = (c: Choice, total: number) => (c.all ? total : c.ids.size);

/** The picture with its shapes; keeps the image's proportions inside whatever room it has. */
export const Picture = memo(function Picture({ tile }: { tile: Tile }) {
  const [bad, setBad] = useState(false);
  const w = tile.width || 4;
  const h = tile.height || 3;
  return (
    <>
      {tile.src && !bad ? (
        <img src={tile.src} alt={tile.name} loading="lazy" decoding="async" draggable={false} onError={() => setBad(true)} />
      ) : (
        <span style={{ position: "absolute", inset: 0, display: "grid", placeItems: "center", color: "var(--dim)" }} title="No preview">
          <IconPhoto size={22} stroke={1.3} />
        </span>
      )}
      {(tile.boxes?.length || tile.lines?.length) && (
        <svg className="boxes" viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="xMidYMid meet" aria-hidden>
          {tile.boxes?.slice(0, 400).map((b, i) => (
            <g key={i} fill="none" vectorEffect="non-scaling-stroke">
              <rect x={b.x} y={b.y} width={b.w} height={b.h} stroke="rgb(0 0 0 / 55%)" strokeWidth={3} vectorEffect="non-scaling-stroke" />
              <rect x={b.x} y={b.y} width={b.w} height={b.h} stroke={b.colour} strokeWidth={1.5} vectorEffect="non-scaling-stroke" strokeDasharray={b.dashed ? "4 3" : undefined} />
            </g>
          ))}
          {tile.lines?.map((l, i) => {
            const d = `M${l.points.map((p) => p.join(" ")).join("L")}${l.closed ? "Z" : ""}`;
            return (
              <g key={i} fill={l.closed ? l.colour : "none"} fillOpacity={0.15}>
                <path d={d} stroke="rgb(0 0 0 / 55%)" strokeWidth={3} vectorEffect="non-scaling-stroke" />
                <path d={d} stroke={l.colour} strokeWidth={1.5} vectorEffect="non-scaling-stroke" />
              </g>
            );
          })}
        </svg>
      )}
    </>
  );
});

interface Props {
  count: number | undefined;
  at: (i: number) => Tile | undefined;
  want: (first: number, last: number) => void;
  size: number;
  choice?: Choice;
  onChoose?: (c: Choice) => void;
  onOpen: (i: number, tile: Tile) => void;
  onPreview?: (i: number) => void;
  label: string;
}

const GAP = 12;

export function Grid({ count, at, want, size, choice = nothing, onChoose, onOpen, onPreview, label }: Props) {
  const scroll = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [focus, setFocus] = useState(0);
  const anchor = useRef(0);
  useLayoutEffect(() => {
    const el = scroll.current;
    if (!el) return;
    const measure = () => setWidth(el.clientWidth - 40);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  const columns = Math.max(1, Math.floor((width + GAP) / (size + GAP)));
  const tileW = width ? (width - GAP * (columns - 1)) / columns : size;
  const imageH = Math.round(tileW * 0.75);
  const rowH = imageH + 24 + GAP;
  const rows = count === undefined ? Math.ceil(24 / columns) : Math.ceil(count / columns);
  const virtual = useVirtualizer({ count: rows, getScrollElement: () => scroll.current, estimateSize: () => rowH, overscan: 3 });
  useEffect(() => virtual.measure(), [rowH, virtual]);
  const visible = virtual.getVirtualItems();
  const firstRow = visible[0]?.index ?? 0;
  const lastRow = visible[visible.length - 1]?.index ?? 0;
  useEffect(() => {
    if (count) want(firstRow * columns, Math.min(count - 1, (lastRow + 1) * columns - 1));
  }, [firstRow, lastRow, columns, count, want]);

  const isChosen = useCallback((id: string) => choice.all || choice.ids.has(id), [choice]);
  const choose = (i: number, range: boolean) => {
    const tile = at(i);
    if (!tile || !onChoose) return;
    const ids = new Set(choice.all ? [] : choice.ids);
    if (range) {
      const [a, b] = anchor.current < i ? [anchor.current, i] : [i, anchor.current];
      for (let k = a; k <= b; k++) {
        const one = at(k);
        if (one) ids.add(one.id);
      }
    } else {
      if (!ids.delete(tile.id)) ids.add(tile.id);
      anchor.current = i;
    }
    onChoose({ all: false, ids });
  };
  const move = (to: number) => {
    const i = Math.max(0, Math.min((count ?? 1) - 1, to));
    setFocus(i);
    virtual.scrollToIndex(Math.floor(i / columns));
  };
  const keys = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 0) / rowH)) * columns;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page };
    const step = steps[e.key];
    const tile = at(focus);
    if (step !== undefined) {
      move(focus + step);
      if (e.shiftKey) choose(Math.max(0, Math.min((count ?? 1) - 1, focus + step)), true);
    } else if (e.key === "Home") move(0);
    else if (e.key === "End") move((count ?? 1) - 1);
    else if (e.key === "Enter" && tile) onOpen(focus, tile);
    else if (e.key === " ") (onPreview ?? (() => choose(focus, false)))(focus);
    else if (e.key === "x") choose(focus, e.shiftKey);
    else if (e.key === "a" && (e.ctrlKey || e.metaKey) && onChoose) onChoose({ all: true, ids: new Set() });
    else if (e.key === "Escape" && onChoose && (choice.all || choice.ids.size)) onChoose(nothing);
    else return;
    e.preventDefault();
  };
  const choosing = choice.all || choice.ids.size > 0;
  const tiles = useMemo(
    () => ({ gridTemplateColumns: `repeat(${columns}, 1fr)`, gap: GAP, display: "grid", position: "absolute" as const, left: 20, right: 20 }),
    [columns],
  );
  return (
    <div ref={scroll} className="grid-scroll" tabIndex={0} role="grid" aria-label={label} aria-rowcount={rows} onKeyDown={keys} data-choosing={choosing ? "" : undefined}>
      <div style={{ height: virtual.getTotalSize(), position: "relative", margin: "0 -20px" }}>
        {width > 0 &&
          visible.map((row) => (
            <div key={row.key} role="row" style={{ ...tiles, top: row.start, height: rowH - GAP }}>
              {Array.from({ length: columns }, (_, c) => {
                const i = row.index * columns + c;
                if (count !== undefined && i >= count) return null;
                const tile = count === undefined ? undefined : at(i);
                if (!tile) return <Skeleton key={c} height={imageH} radius={6} />;
                return (
                  <div
                    key={tile.id}
                    className="tile"
                    role="gridcell"
                    aria-selected={isChosen(tile.id)}
                    data-chosen={isChosen(tile.id) ? "" : undefined}
                    data-focus={focus === i ? "" : undefined}
                    data-id={tile.id}
                    onClick={(e) => {
                      setFocus(i);
                      if (onChoose && (e.shiftKey || e.metaKey || e.ctrlKey)) choose(i, e.shiftKey);
                      else onOpen(i, tile);
                    }}
                  >
                    <div className="tile-image" style={{ height: imageH }}>
                      <Picture tile={tile} />
                      {tile.badge && <div className="tile-badge">{tile.badge}</div>}
                      {onChoose && (
                        <button
                          type="button"
                          tabIndex={-1}
                          className="tile-check"
                          aria-label={`Choose ${tile.name}`}
                          onClick={(e) => {
                            e.stopPropagation();
                            setFocus(i);
                            choose(i, e.shiftKey);
                          }}
                        >
                          {isChosen(tile.id) && <IconCheck size={14} stroke={3} />}
                        </button>
                      )}
                    </div>
                    <div className="tile-caption">
                      <Cut text={tile.name} style={{ flex: 1 }} />
                      {tile.note}
                    </div>
                  </div>
                );
              })}
            </div>
          ))}
      </div>
    </div>
  );
}
