// What a training found out: its diagnosis, and the annotations that look wrong to the trained network.
import { Button } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { thumbnail } from "../../api/calls";
import { figure } from "../../kit/format";
import { Section } from "../../kit/parts";
import { useLogs } from "./data";

interface TableData {
  columns?: string[];
  rows?: string[];
  data?: unknown[][];
}
export interface Doubt {
  image: string;
  label: string | null;
  suspicion: string;
  score: number;
  reason: string;
  /** In pixels of the image, which is width × height; without an area: the image as a whole. */
  x: number;
  y: number;
  w: number;
  h: number;
  width: number;
  height: number;
  asset: string | null;
  data_id: string | null;
  version_id: string | null;
}
/** The rows of a table as objects by the names of its columns. */
export const rowsOf = <T,>(d: TableData): T[] => (d.data ?? []).map((row) => Object.fromEntries((d.columns ?? []).map((c, i) => [c, row[i]])) as T);

const SIDE = 168;

function Picture({ d }: { d: Doubt }) {
  const scale = SIDE / Math.max(d.width, d.height, 1);
  const [w, h] = d.width ? [d.width * scale, d.height * scale] : [SIDE, SIDE];
  return (
    <svg width={w} height={h} viewBox={`0 0 ${w} ${h}`} role="img" aria-label={`${d.image}: ${d.reason}`} style={{ display: "block", margin: "0 auto", borderRadius: 5 }}>
      {d.data_id && <image href={thumbnail(d.data_id, 256)} width={w} height={h} preserveAspectRatio="none" />}
      {d.w > 0 && d.width > 0 && (
        <>
          <rect x={d.x * scale} y={d.y * scale} width={d.w * scale} height={d.h * scale} fill="none" stroke="#000" strokeOpacity={0.55} strokeWidth={4} />
          <rect x={d.x * scale} y={d.y * scale} width={d.w * scale} height={d.h * scale} fill="none" stroke="#fff" strokeWidth={2} />
        </>
      )}
    </svg>
  );
}

function DoubtCard({ d }: { d: Doubt }) {
  const body = (
    <>
      <div style={{ height: SIDE, display: "grid", alignItems: "center", background: "var(--image-ground)", borderRadius: 5 }}>
        <Picture d={d} />
      </div>
      <div style={{ display: "flex", gap: 8, alignItems: "baseline", margin: "8px 0 2px" }}>
        <b style={{ fontWeight: 560 }}>{d.suspicion}</b>
        <span className="dim" style={{ marginLeft: "auto" }} title="How suspicious, 0 to 1">
          {figure(d.score, 2)}
        </span>
      </div>
      <div style={{ fontSize: 12.5 }}>{d.reason}</div>
      <div className="dim" style={{ fontSize: 12, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }} title={d.image}>
        {d.image}
      </div>
    </>
  );
  const style = { padding: 10, display: "block", color: "inherit", textDecoration: "none" };
  return d.asset && d.version_id ? (
    <Link href={`/annotate/${d.version_id}?asset=${d.asset}`} className="card" style={style} aria-label={`Open ${d.image} in the annotation tool`}>
      {body}
    </Link>
  ) : (
    <div className="card" style={style}>{body}</div>
  );
}

const useTable = (id: string, name: string) => useLogs(id).data?.items.find((l) => l.name === name)?.data as TableData | undefined;

/** What to make of the training, in words: two lines of it, the rest when asked, so that the curves stay in sight. */
export function Diagnosis({ id }: { id: string }) {
  const table = useTable(id, "diagnosis");
  const [all, setAll] = useState(false);
  if (!table?.rows?.length) return null;
  const shown = all ? table.rows : table.rows.slice(0, 2);
  return (
    <Section
      title="Diagnosis"
      style={{ marginBottom: 20 }}
      end={
        table.rows.length > 2 && (
          <Button variant="subtle" size="compact-xs" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? "Show less" : `Show all ${table.rows.length}`}
          </Button>
        )
      }
    >
      <dl aria-label="Diagnosis" style={{ margin: 0, display: "grid", gridTemplateColumns: "minmax(110px, max-content) minmax(0, 1fr)", gap: "6px 16px" }}>
        {shown.map((what, i) => [
          <dt key={`${i}t`} style={{ fontWeight: 560 }}>{what}</dt>,
          <dd key={`${i}d`} style={{ margin: 0 }}>{String(table.data?.[i]?.[0] ?? "")}</dd>,
        ])}
      </dl>
    </Section>
  );
}

/** Annotations that the trained network finds hard to believe. */
export function Doubts({ id }: { id: string }) {
  const doubts = rowsOf<Doubt>(useTable(id, "suspicious-annotations") ?? {});
  const [all, setAll] = useState(false);
  const shown = all ? doubts : doubts.slice(0, 6);
  if (!doubts.length) return null;
  return (
    <Section title="Suspicious annotations">
      <p className="dim" style={{ margin: "0 0 10px", fontSize: 12.5 }}>
        What the trained network finds hardest to believe. Open one to look at it, and correct it if it is wrong.
      </p>
      <div role="list" aria-label="Suspicious annotations" style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(190px, 1fr))", gap: 12 }}>
        {shown.map((d, i) => (
          <div role="listitem" key={i}>
            <DoubtCard d={d} />
          </div>
        ))}
      </div>
      {doubts.length > shown.length && (
        <Button variant="default" mt={10} onClick={() => setAll(true)}>
          Show all {doubts.length}
        </Button>
      )}
    </Section>
  );
}
