// A model tried on an image from this computer, which is not kept: what it finds, how sure it is, and how long it took.
import { Button, FileButton, Loader, Slider } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { ApiError } from "../../api/client";
import { loopsOf } from "../../canvas/geometry";
import { figure, milliseconds, plural } from "../../kit/format";
import { IconPhoto } from "../../kit/icons";
import { nameColours } from "../../kit/palette";
import { Fault, Section, Swatch } from "../../kit/parts";
import { tryModel, type Trial, type TrialShape } from "./data";

const outlineOf = (points: readonly (readonly number[])[]) =>
  loopsOf(points.map(([x, y]) => ({ x: x ?? 0, y: y ?? 0 })))
    .map((loop) => `M${loop.map((p) => `${p.x},${p.y}`).join("L")}Z`)
    .join("");

/** The picture as the browser shows it, with the shapes laid over it. */
export function Picture({ url, trial, shapes, colours }: { url: string; trial: Trial | null; shapes: readonly TrialShape[]; colours: Map<string, string> }) {
  const boxes = shapes.filter((s) => s.kind === "rectangle");
  const line = trial ? Math.max(trial.width, trial.height) / 320 : 1;
  const text = (trial?.width ?? 0) / 45;
  return (
    <div style={{ position: "relative", lineHeight: 0 }}>
      <img src={url} alt="The image that is tried" style={{ width: "100%", borderRadius: 6, background: "var(--sunk)" }} />
      {trial && (
        <svg viewBox={`0 0 ${trial.width} ${trial.height}`} preserveAspectRatio="none" style={{ position: "absolute", inset: 0, width: "100%", height: "100%" }} role="img" aria-label={plural(shapes.length, "shape")}>
          {shapes.map((s, i) => s.kind === "polygon" && s.points && <path key={`p${i}`} d={outlineOf(s.points)} fillRule="evenodd" fill={colours.get(s.label) ?? "#9aa3ad"} fillOpacity={0.25} stroke={colours.get(s.label) ?? "#9aa3ad"} strokeWidth={line} />)}
          {shapes.map((s, i) => s.kind === "keypoints" && s.points?.map(([x, y, seen], k) => (seen ?? 1) > 0.3 && <circle key={`k${i}.${k}`} cx={x} cy={y} r={2 * line} fill={colours.get(s.label) ?? "#9aa3ad"} stroke="#000" strokeOpacity={0.5} strokeWidth={line / 2} />))}
          {boxes.map((s, i) => (
            <g key={i}>
              <rect x={s.x} y={s.y} width={s.w} height={s.h} fill="none" stroke="#000" strokeOpacity={0.45} strokeWidth={2 * line} />
              <rect x={s.x} y={s.y} width={s.w} height={s.h} fill="none" stroke={colours.get(s.label) ?? "#9aa3ad"} strokeWidth={line} />
              {boxes.length <= 15 && (
                <text x={s.x + line} y={Math.max(text, s.y - line)} fontSize={text} fill="#fff" stroke="#000" strokeWidth={text / 7} paintOrder="stroke">
                  {s.label} {figure(s.score, 2)}
                </text>
              )}
            </g>
          ))}
        </svg>
      )}
    </div>
  );
}

function Found({ shapes, colours }: { shapes: readonly TrialShape[]; colours: Map<string, string> }) {
  const by = new Map<string, TrialShape[]>();
  for (const s of shapes) by.set(s.label, [...(by.get(s.label) ?? []), s]);
  return (
    <table className="table">
      <tbody>
        {[...by].map(([label, of]) => (
          <tr key={label}>
            <td>
              <span style={{ display: "inline-flex", gap: 8, alignItems: "center" }}>
                <Swatch colour={colours.get(label)} /> {label}
              </span>
            </td>
            <td data-align="right">{of[0]?.kind === "classification" ? "" : of.length}</td>
            <td data-align="right" className="dim">
              {figure(Math.max(...of.map((s) => s.score)), 2)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** least: the threshold that the slider starts at, and where it comes from. told: what is told about the file; when it changes, the image is shown to the model again. */
export function TryModel({ version, labels, least, from, told = "" }: { version: string; labels: readonly string[]; least: number; from: string; told?: string }) {
  const [url, setUrl] = useState<string | null>(null);
  const [trial, setTrial] = useState<Trial | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [asking, setAsking] = useState(false);
  const [over, setOver] = useState(false);
  const [moved, setMoved] = useState<number | null>(null);
  const turn = useRef(0);
  const shown = useRef<{ file: File; told: string } | null>(null);
  const threshold = moved ?? least;
  const colours = nameColours([...labels]);
  useEffect(() => () => (url ? URL.revokeObjectURL(url) : undefined), [url]);
  const ask = (file: File | null | undefined) => {
    if (!file) return;
    const mine = ++turn.current;
    shown.current = { file, told };
    setUrl(URL.createObjectURL(file));
    setTrial(null);
    setError(null);
    setAsking(true);
    tryModel(version, file)
      .then((t) => mine === turn.current && setTrial(t))
      .catch((e: ApiError) => mine === turn.current && (setError(e), setUrl(null)))
      .finally(() => mine === turn.current && setAsking(false));
  };
  useEffect(() => {
    if (shown.current && shown.current.told !== told) ask(shown.current.file);
  });
  const shapes = trial?.shapes.filter((s) => s.score >= threshold) ?? [];
  return (
    <Section title="Try it" end={url && <FileButton accept="image/*" onChange={ask}>{(p) => <Button variant="default" size="compact-xs" {...p}>Another image</Button>}</FileButton>}>
      <div
        data-testid="try"
        onDragOver={(e) => (e.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={(e) => {
          e.preventDefault();
          e.stopPropagation(); // the page's own drop would keep the file
          setOver(false);
          ask(e.dataTransfer.files[0]);
        }}
        style={{ outline: over ? "2px solid var(--accent)" : "none", outlineOffset: 4, borderRadius: 6 }}
      >
        {error && <Fault error={error} />}
        {!url ? (
          <FileButton accept="image/*" onChange={ask}>
            {(p) => (
              <button type="button" {...p} className="card" style={{ width: "100%", padding: "28px 16px", display: "flex", flexDirection: "column", gap: 8, alignItems: "center", borderStyle: "dashed", cursor: "pointer", marginTop: error ? 12 : 0 }}>
                <IconPhoto size={22} />
                <span>Drop an image here, or choose one</span>
                <span className="dim" style={{ fontSize: 12 }}>It is shown to the model and not kept.</span>
              </button>
            )}
          </FileButton>
        ) : (
          <div style={{ display: "grid", gridTemplateColumns: "minmax(0, 3fr) minmax(200px, 1fr)", gap: 24, alignItems: "start" }}>
            <Picture url={url} trial={trial} shapes={shapes} colours={colours} />
            <div>
              {asking && <Loader size={18} aria-label="The model is asked" />}
              {trial && (
                <>
                  <div style={{ marginBottom: 14 }}>
                    <span className="dim">Threshold {figure(threshold, 2)}{moved === null ? `, ${from}` : ""}</span>
                    <Slider min={trial.threshold} max={1} step={0.01} label={null} value={threshold} onChange={setMoved} thumbLabel="Threshold" mt={6} />
                  </div>
                  {shapes.length ? <Found shapes={shapes} colours={colours} /> : <p className="dim">{trial.shapes.length ? `Nothing above it; ${plural(trial.shapes.length, "shape")} below.` : `It finds nothing here: no score reaches ${figure(trial.threshold, 2)}.`}</p>}
                  <p className="dim" style={{ fontSize: 12 }}>
                    {milliseconds(trial.latency)}: decoding {milliseconds(trial.decode)}, network {milliseconds(trial.run)}, reading its answer {milliseconds(trial.post)} · {trial.width} × {trial.height} px
                  </p>
                </>
              )}
            </div>
          </div>
        )}
      </div>
    </Section>
  );
}
