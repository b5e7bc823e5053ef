// What several pages of datasets show.
import { useMemo } from "react";
import { Chart } from "../../kit/chart";
import type { Tile } from "../../kit/grid";
import { IconPhoto } from "../../kit/icons";
import { nameColours, noColour } from "../../kit/palette";
import { Status } from "../../kit/parts";
import { thumbnail, type Asset } from "./data";

/** Up to four pictures side by side. */
export function Cover({ ids }: { ids: readonly string[] }) {
  return (
    <div style={{ height: 140, display: "grid", gridTemplateColumns: `repeat(${Math.max(1, Math.min(4, ids.length))}, 1fr)`, gap: 1, overflow: "hidden", borderRadius: "7px 7px 0 0", background: "var(--image-ground)" }}>
      {ids.length ? (
        ids.slice(0, 4).map((id) => <img key={id} src={thumbnail(id)} alt="" loading="lazy" style={{ width: "100%", height: 140, objectFit: "cover", display: "block", minWidth: 0 }} />)
      ) : (
        <span className="dim" style={{ display: "grid", placeItems: "center" }}>
          <IconPhoto size={26} stroke={1.2} />
        </span>
      )}
    </div>
  );
}

export function Distribution({ counts, order, height, onPick }: { counts: Record<string, number>; order?: readonly string[]; height?: number; onPick?: (label: string) => void }) {
  const names = useMemo(() => [...(order ?? []), ...Object.keys(counts).filter((n) => !order?.includes(n))], [counts, order]);
  const spec = useMemo(() => {
    const colours = nameColours(names);
    return { kind: "bar" as const, categories: names, series: [{ name: "Objects", values: names.map((n) => counts[n] ?? 0), colours: names.map((n) => colours.get(n) ?? noColour) }], lying: true };
  }, [names, counts]);
  if (!names.length) return <p className="dim">No labels yet.</p>;
  return <Chart spec={spec} name="Objects by label" height={height ?? Math.max(90, 28 * names.length + 30)} {...(onPick ? { onPick: ({ name }) => onPick(name) } : {})} />;
}

export function assetTile(a: Asset, colours: Map<string, string>, px: number): Tile {
  const r = a.annotation;
  const colour = (id: string) => colours.get(id) ?? "#9aa3ad";
  return {
    id: a.id,
    name: a.data.filename,
    src: thumbnail(a.data.id, px > 260 ? 512 : 256),
    width: a.data.meta?.width ?? 4,
    height: a.data.meta?.height ?? 3,
    boxes: r?.rectangles?.map((s) => ({ ...s, colour: colour(s.label_id) })) ?? [],
    lines: [
      ...(r?.polygons?.map((s) => ({ points: s.polygon, closed: true, colour: colour(s.label_id) })) ?? []),
      ...(r?.lines?.map((s) => ({ points: s.line, closed: false, colour: colour(s.label_id) })) ?? []),
    ],
    badge: r && r.status !== "PENDING" ? <Status of={r.status} /> : undefined,
    note: r ? <span className="dim" style={{ flex: "none" }}>{(r.rectangles?.length ?? 0) + (r.polygons?.length ?? 0) + (r.lines?.length ?? 0) + (r.points?.length ?? 0)}</span> : undefined,
  };
}
