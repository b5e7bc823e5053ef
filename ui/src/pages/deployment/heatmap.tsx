// Where in the image objects are predicted, laid over what the newest images look like together.
import { Select, Skeleton } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { count, figure, percent, plural } from "../../kit/format";
import { Fault, Section } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { behindObjects } from "./behind";
import { thumbnail, useDeploymentLabels, useHeatmap, type Dashboard, type Deployment, type Heatmap as Cells, type PredictedAsset } from "./data";
import type { Filter } from "./filters";

const IMAGES = 12;
/** Of the picture and of what is said below it, in pixels. */
const width = 480;
// Light to dark, so that it reads without colour too.
const ramp = [
  [255, 226, 122],
  [255, 140, 26],
  [214, 40, 57],
  [110, 8, 62],
] as const;

function colour(part: number): readonly [number, number, number] {
  const at = Math.min(0.999, part) * (ramp.length - 1);
  const a = ramp[Math.floor(at)] ?? ramp[0];
  const b = ramp[Math.floor(at) + 1] ?? a;
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * (at % 1));
  return [mix(0), mix(1), mix(2)];
}

/** One pixel a cell; the browser smooths between them. */
function layer(cells: Cells): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = cells.width;
  canvas.height = cells.height;
  const pixels = new ImageData(cells.width, cells.height);
  const most = Math.max(1e-9, ...cells.values);
  cells.values.forEach((v, i) => pixels.data.set([...colour(v / most), v > 0 ? 50 + 170 * (v / most) : 0], 4 * i));
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

const load = (src: string) =>
  new Promise<HTMLImageElement | null>((done) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => done(null);
    image.src = src;
  });

/** The mean of the images: sharp where a camera stands still, a haze where it does not. */
function paintMean(ctx: CanvasRenderingContext2D, images: readonly HTMLImageElement[]): void {
  const { width, height } = ctx.canvas;
  ctx.filter = "grayscale(1)";
  images.forEach((image, i) => {
    ctx.globalAlpha = 1 / (i + 1);
    ctx.drawImage(image, 0, 0, width, height);
  });
  ctx.filter = "none";
  ctx.globalAlpha = 1;
}

/** The shape that most of the newest images have. */
function shapeOf(assets: readonly PredictedAsset[]): { width: number; height: number } {
  const first = assets.find((a) => a.data.meta?.width && a.data.meta.height)?.data.meta;
  return first?.width && first.height ? { width: first.width, height: first.height } : { width: 4, height: 3 };
}

function Drawn({ cells, assets, onPick }: { cells: Cells; assets: readonly PredictedAsset[]; onPick: (column: number, row: number) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [under, setUnder] = useState<{ x: number; y: number; value: number } | null>(null);
  const cellAt = (e: { currentTarget: Element; clientX: number; clientY: number }) => {
    const box = e.currentTarget.getBoundingClientRect();
    const x = (e.clientX - box.left) / box.width;
    const y = (e.clientY - box.top) / box.height;
    return { x, y, column: Math.min(cells.width - 1, Math.floor(x * cells.width)), row: Math.min(cells.height - 1, Math.floor(y * cells.height)) };
  };
  const shape = shapeOf(assets);
  const height = Math.round(Math.min(640, Math.max(160, (width * shape.height) / shape.width)));
  const ids = assets.slice(0, IMAGES).map((a) => a.data.id).join(" ");
  useEffect(() => {
    let left = false;
    void Promise.all(ids.split(" ").filter(Boolean).map((id) => load(thumbnail(id, 512)))).then((images) => {
      const ctx = canvas.current?.getContext("2d");
      if (!ctx || left) return;
      ctx.clearRect(0, 0, width, height);
      paintMean(ctx, images.filter((i) => i !== null));
      ctx.imageSmoothingQuality = "high";
      ctx.drawImage(layer(cells), 0, 0, width, height);
      ctx.canvas.dataset.painted = "yes";
    });
    return () => {
      left = true;
    };
  }, [cells, ids, height]);
  return (
    <div style={{ position: "relative", maxWidth: width }}>
      <canvas
        ref={canvas}
        width={width}
        height={height}
        role="img"
        aria-label={`Heatmap of ${plural(cells.shapes, "object")} in ${plural(cells.images, "image")}`}
        style={{ width: "100%", display: "block", borderRadius: 6, background: "var(--sunk)", cursor: "pointer" }}
        onClick={(e) => {
          const { column, row } = cellAt(e);
          onPick(column, row);
        }}
        onPointerMove={(e) => {
          const { x, y, column, row } = cellAt(e);
          setUnder({ x, y, value: cells.values[row * cells.width + column] ?? 0 });
        }}
        onPointerLeave={() => setUnder(null)}
      />
      {under && (
        <span className="card" style={{ position: "absolute", left: `${Math.min(70, under.x * 100)}%`, top: `calc(${under.y * 100}% + 14px)`, padding: "3px 8px", background: "var(--ground)", pointerEvents: "none", fontSize: 12, whiteSpace: "nowrap" }}>
          {figure(under.value / Math.max(1, cells.images), 2)} objects an image here
        </span>
      )}
    </div>
  );
}

export function Heatmap({ deployment: d, filter, looked }: { deployment: Deployment; filter: Filter; looked: Dashboard | undefined }) {
  const labels = useDeploymentLabels(d.id);
  const newest = looked?.last_predictions;
  const [label, setLabel] = useState<string | null>(null);
  const heat = useHeatmap(d.id, filter, label);
  const x = heat.data;
  const most = x ? Math.max(0, ...x.values) / Math.max(1, x.images) : 0;
  return (
    <Section
      title="Heatmap"
      end={<Select size="xs" w={160} aria-label="Label of the heatmap" placeholder="All labels" clearable searchable data={(labels.data?.items ?? []).map((l) => ({ value: l.id, label: l.name }))} value={label} onChange={setLabel} />}
    >
      {heat.error ? (
        <Fault error={heat.error} again={() => void heat.refetch()} />
      ) : !x || !newest ? (
        <Skeleton height={240} />
      ) : !x.shapes ? (
        <span className="dim">{x.images ? "No objects in this time." : "No predictions in this time."}</span>
      ) : (
        <>
          <Drawn cells={x} assets={newest} onPick={(column, row) => navigate(behindObjects(d, filter, { column, row, ...(label ? { label_id: label } : {}) }))} />
          <span className="dim" style={{ display: "flex", gap: 8, alignItems: "center", fontSize: 12, marginTop: 6, maxWidth: width }}>
            0
            <i aria-hidden style={{ width: 90, height: 6, borderRadius: 3, background: `linear-gradient(90deg, transparent, ${ramp.map((c) => `rgb(${c.join(" ")})`).join(", ")})` }} />
            {most > 1 ? figure(most, 2) : percent(most)} {most > 1 ? "objects an image" : "of images"}
            <span style={{ marginLeft: "auto" }}>
              {count(x.shapes)} objects in {x.images === 1000 ? "the newest " : ""}
              {plural(x.images, "image")}
            </span>
          </span>
        </>
      )}
    </Section>
  );
}
