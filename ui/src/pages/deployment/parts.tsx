// What several pages of deployments show.
import { Switch, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { Tile } from "../../kit/grid";
import { Status } from "../../kit/parts";
import { isBox, saidOf } from "../annotation/shapes";
import { thumbnail, type Deployment, type PredictedAsset } from "./data";

export function versionName(v: Deployment["shadow_model_version"]): string {
  if (!v) return "–";
  return `${typeof v.origin === "object" ? v.origin.name : (v.origin ?? v.name ?? "")} / ${v.version}`;
}

const modes = { OWN_SERVING: ["Own serving", "A server of your own predicts with the champion and tells what it said."], MONITORING: ["Monitoring", "Predictions are made elsewhere and told here."] } as const;

/** Where predictions are made, if not here, and what a shadow answers of them. */
export function Mode({ of: d }: { of: Deployment }) {
  if (d.mode === "SERVING")
    return d.canary_share > 0 ? (
      <Tooltip label={`${versionName(d.shadow_model_version)} answers this share of the requests`}>
        <span className="chip" style={{ ["--chip" as string]: "var(--warn)" }}>Shadow answers {Math.round(d.canary_share * 1000) / 10} %</span>
      </Tooltip>
    ) : null;
  const [word, says] = modes[d.mode];
  return (
    <Tooltip label={says}>
      <span className="chip" data-plain="">{word}</span>
    </Tooltip>
  );
}

/** Which loops are on. */
export function Loops({ of: d }: { of: Deployment }) {
  const p = d.pipelines;
  const on = [p?.fl && ["FL", "Feedback loop"], p?.ct && ["CT", "Continuous training"], p?.cd && ["CD", "Continuous deployment"]].filter((x): x is [string, string] => !!x);
  return (
    <span style={{ display: "inline-flex", gap: 4 }}>
      {on.map(([short, long]) => (
        <Tooltip key={short} label={`${long} is on`}>
          <span className="chip" style={{ ["--chip" as string]: "var(--accent)" }}>{short}</span>
        </Tooltip>
      ))}
    </span>
  );
}

/** A prediction as a tile: the reviewed shapes if there are any, else what was answered; what the other model said dashed. */
export function predictionTile(a: PredictedAsset, colours: Map<string, string>, px: number, shadow: boolean): Tile {
  const [answered, other] = a.canary ? [a.shadow, a.champion] : [a.champion, a.shadow];
  const said = a.review?.shapes ?? answered?.shapes ?? [];
  const shapes = said.filter(isBox);
  const colour = (id: string) => colours.get(id) ?? "#9aa3ad";
  return {
    id: a.id,
    name: a.data.filename,
    src: thumbnail(a.data.id, px > 260 ? 512 : 256),
    width: a.data.meta?.width ?? 4,
    height: a.data.meta?.height ?? 3,
    boxes: [
      ...shapes.map((s) => ({ x: s.x, y: s.y, w: s.w, h: s.h, colour: colour(s.label_id) })),
      ...(shadow ? (other?.shapes ?? []).filter(isBox).map((s) => ({ x: s.x, y: s.y, w: s.w, h: s.h, colour: colour(s.label_id), dashed: true })) : []),
    ],
    badge: a.canary ? <span style={{ display: "inline-flex", gap: 4 }}><span className="chip" title="The shadow’s prediction was the answer">by the shadow</span><Status of={a.status} /></span> : <Status of={a.status} />,
    note: <span className="dim" style={{ flex: "none" }}>{said.length > shapes.length ? said.map(saidOf).join(", ") : said.length}</span>,
  };
}

/** A part of the settings, which may be switched on and off. */
export function Part({ title, says, on, onToggle, ready = true, children }: { title: string; says: string; on?: boolean; onToggle?: (on: boolean) => void; ready?: boolean; children: ReactNode }) {
  return (
    <section>
      <div style={{ display: "flex", alignItems: "flex-start", gap: 16, marginBottom: 18 }}>
        <div>
          <h2 style={{ margin: 0, fontSize: 15, fontWeight: 620 }}>{title}</h2>
          <p className="dim" style={{ margin: "3px 0 0" }}>{says}</p>
        </div>
        {onToggle && <Switch style={{ marginLeft: "auto" }} label={on ? "On" : "Off"} labelPosition="left" checked={!!on} disabled={!ready && !on} onChange={(e) => onToggle(e.currentTarget.checked)} aria-label={title} />}
      </div>
      <div style={{ display: "grid", gap: 14 }}>{children}</div>
    </section>
  );
}
