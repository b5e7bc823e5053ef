// The logs of an experiment as cards: curves, numbers, bars, tables, maps, images.
import { SegmentedControl, Slider, TextInput } from "@mantine/core";
import { useMemo, type ReactNode } from "react";
import { Chart, type ChartSpec, type Series } from "../../kit/chart";
import { figure } from "../../kit/format";
import { IconChart, IconSearch } from "../../kit/icons";
import { nameColours } from "../../kit/palette";
import { Empty, Fault, Lines, Stat, Swatch } from "../../kit/parts";
import { useUrl } from "../../kit/url";
import { useImageUrl, useLogs, useSignedIn, type Log } from "./data";

/** A LINE log holds a list, or steps with values. */
export function pointsOf(data: unknown): [number, number | null][] {
  const number = (v: unknown) => (typeof v === "number" && Number.isFinite(v) ? v : null);
  if (typeof data === "number") return [[0, data]];
  if (Array.isArray(data)) return data.map((v, i) => [i, number(v)]);
  if (data && typeof data === "object") {
    const d = data as { steps?: unknown[]; values?: unknown[]; x?: unknown[]; y?: unknown[] };
    const ys = d.values ?? d.y ?? [];
    const xs = d.steps ?? d.x ?? [];
    return ys.map((v, i) => [typeof xs[i] === "number" ? (xs[i] as number) : i, number(v)]);
  }
  return [];
}

/** Shown elsewhere on the page. */
const hidden = new Set(["parameters", "diagnosis", "suspicious-annotations"]);

/** "Train/loss" stands in the group Train. */
const groupOf = (name: string) => {
  const slash = name.indexOf("/");
  return slash > 0 ? name.slice(0, slash) : "";
};

/** What people look at first stands first: losses, then what was reached, then the rest, the machine's figures last. */
const weight = (name: string) => (/(^|[/_ ])(total_)?loss$/i.test(name) ? 0 : /mAP50$/i.test(name) ? 1 : /mAP/i.test(name) ? 2 : /loss/i.test(name) ? 3 : /precision|recall|accuracy|f1/i.test(name) ? 4 : /learning_rate|^lr|\/lr/i.test(name) ? 6 : /second|time|memory|images_per/i.test(name) ? 7 : 5);
const groupWeight = (g: string) => (/^train/i.test(g) ? 0 : /^(eval|val)/i.test(g) ? 1 : /^test/i.test(g) ? 2 : g === "" ? 4 : 3);

function Card({ title, wide, children, end }: { title: string; wide?: boolean; children: ReactNode; end?: ReactNode }) {
  return (
    <figure className="card" data-log={title} style={{ margin: 0, padding: "10px 12px 12px", gridColumn: wide ? "span 2" : undefined }}>
      <figcaption style={{ display: "flex", alignItems: "baseline", gap: 8, marginBottom: 6, fontWeight: 560 }}>
        <span style={{ minWidth: 0, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }} title={title}>{title}</span>
        <span className="dim" style={{ marginLeft: "auto", fontWeight: 400, flex: "none" }}>{end}</span>
      </figcaption>
      {children}
    </figure>
  );
}

function LineCard({ log, smooth, scale }: { log: Log; smooth: number; scale: string }) {
  const points = useMemo(() => pointsOf(log.data), [log.data]);
  const spec = useMemo((): ChartSpec => ({ kind: "line", x: "step", xName: "step", series: [{ name: log.name, points }], smooth, log: scale === "log" && points.every(([, y]) => y === null || y > 0) }), [points, smooth, scale, log.name]);
  const last = points[points.length - 1]?.[1];
  const gaps = points.filter(([, y]) => y === null).length;
  return (
    <Card title={log.name} end={<span style={{ color: "var(--text)" }}>{last === null ? "no number" : figure(last)}</span>}>
      <Chart spec={spec} name={log.name} height={190} />
      {gaps > 0 && <div className="dim" style={{ fontSize: 12 }}>Gaps: at {gaps} of {points.length} steps the value was not a number (NaN or infinite).</div>}
    </Card>
  );
}

function ImageCard({ log }: { log: Log }) {
  const { organization } = useSignedIn();
  const d = log.data as { object_name?: string; name?: string } | null;
  const url = useImageUrl(organization.default_connector_id, d?.object_name ?? null);
  return (
    <Card title={log.name}>
      {url && (
        <a href={url} target="_blank" rel="noopener">
          <img src={url} alt={log.name} style={{ width: "100%", height: 190, objectFit: "contain", background: "var(--image-ground)", borderRadius: 5, display: "block" }} />
        </a>
      )}
    </Card>
  );
}

function MatrixCard({ log }: { log: Log }) {
  const d = log.data as { categories?: string[]; columns?: string[]; rows?: string[]; values?: number[][] };
  const spec = useMemo((): ChartSpec => {
    const values = d.values ?? [];
    const c = d.categories ?? [];
    return { kind: "heat", columns: d.columns ?? c, rows: d.rows ?? c, values, xName: "predicted", yName: "truth" };
  }, [d]);
  return (
    <Card title={log.name}>
      <Chart spec={spec} name={log.name} height={Math.min(420, Math.max(190, 44 + 34 * (d.values?.length ?? 0)))} />
    </Card>
  );
}

function TableCard({ log }: { log: Log }) {
  const d = log.data as Record<string, unknown> | { data: unknown[][]; columns: string[]; rows?: string[] };
  const cell = (v: unknown) => (typeof v === "number" ? figure(v) : typeof v === "object" ? JSON.stringify(v) : String(v));
  const matrix = "data" in d && Array.isArray(d.data) ? (d as { data: unknown[][]; columns?: string[]; rows?: string[] }) : null;
  return (
    <Card title={log.name}>
      <div style={{ maxHeight: 260, overflow: "auto" }} tabIndex={0} role="region" aria-label={`Table ${log.name}`}>
        <table className="table" style={{ fontSize: 12.5 }}>
          {matrix && (
            <thead>
              <tr>
                {matrix.rows && <th style={{ background: "var(--raised)" }} />}
                {matrix.columns?.map((c) => (
                  <th key={c} data-align="right" style={{ background: "var(--raised)" }}>{c}</th>
                ))}
              </tr>
            </thead>
          )}
          <tbody>
            {matrix
              ? matrix.data.map((row, i) => (
                  <tr key={i}>
                    {matrix.rows && <td style={{ height: 28 }}>{matrix.rows[i]}</td>}
                    {row.map((v, k) => (
                      <td key={k} data-align="right" style={{ height: 28 }}>{cell(v)}</td>
                    ))}
                  </tr>
                ))
              : Object.entries(d).map(([k, v]) => (
                  <tr key={k}>
                    <td style={{ height: 28 }}>{k}</td>
                    <td data-align="right" style={{ height: 28 }}>{cell(v)}</td>
                  </tr>
                ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

const valueOf = (log: Log) => {
  const v = typeof log.data === "object" && log.data && "value" in log.data ? (log.data as { value: unknown }).value : log.data;
  return typeof v === "number" ? figure(v) : String(v);
};

export function LogCard({ log, smooth, scale }: { log: Log; smooth: number; scale: string }) {
  if (log.type === "LINE") return <LineCard log={log} smooth={smooth} scale={scale} />;
  if (log.type === "IMAGE") return <ImageCard log={log} />;
  if (log.type === "HEATMAP") return <MatrixCard log={log} />;
  if (log.type === "BAR") {
    const d = log.data as { x?: string[]; y?: number[] };
    if (!d.x?.length)
      return (
        <Card title={log.name}>
          <span className="dim">Nothing to show: the log is empty.</span>
        </Card>
      );
    return (
      <Card title={log.name}>
        <Chart spec={{ kind: "bar", categories: d.x ?? [], series: [{ name: log.name, values: d.y ?? [] }] }} name={log.name} height={190} />
      </Card>
    );
  }
  if (log.type === "LABELMAP") {
    return (
      <Card title={log.name}>
        <div style={{ display: "flex", flexWrap: "wrap", gap: "4px 14px" }}>
          {Object.entries(log.data as Record<string, string>).map(([k, v]) => (
            <span key={k} style={{ display: "flex", gap: 6, alignItems: "center" }}>
              <Swatch colour={nameColours(Object.values(log.data as Record<string, string>)).get(v)} /> <span className="dim">{k}</span> {v}
            </span>
          ))}
        </div>
      </Card>
    );
  }
  return <TableCard log={log} />;
}

export function Logs({ id, waiting }: { id: string; waiting: string }) {
  const { data, error, refetch } = useLogs(id);
  const [find, setFind] = useUrl("find");
  const [scale, setScale] = useUrl("scale", "linear");
  const [smooth, setSmooth] = useUrl("smooth", "0");
  const groups = useMemo(() => {
    const m = new Map<string, Log[]>();
    const order: Record<string, number> = { LINE: 0, VALUE: 1, BAR: 2, HEATMAP: 3, TABLE: 4, IMAGE: 5, LABELMAP: 6 };
    for (const l of data?.items ?? []) {
      if (hidden.has(l.name) || (find && !l.name.toLowerCase().includes(find.toLowerCase()))) continue;
      const g = groupOf(l.name);
      m.set(g, [...(m.get(g) ?? []), l]);
    }
    for (const list of m.values()) list.sort((a, b) => (order[a.type] ?? 9) - (order[b.type] ?? 9) || weight(a.name) - weight(b.name) || a.name.localeCompare(b.name));
    return [...m.entries()].sort((a, b) => groupWeight(a[0]) - groupWeight(b[0]) || a[0].localeCompare(b[0]));
  }, [data, find]);
  const s = Number(smooth) || 0;
  if (error) return <Fault error={error} again={() => void refetch()} />;
  if (!data) return <Lines n={6} h={60} />;
  if (!data.items.some((l) => !hidden.has(l.name)))
    return (
      <Empty icon={IconChart} title="No curves yet">
        {waiting}
      </Empty>
    );
  return (
    <>
      <div style={{ display: "flex", gap: 16, alignItems: "center", marginBottom: 16, flexWrap: "wrap" }}>
        <TextInput size="xs" w={240} placeholder="Find a log" aria-label="Find a log" leftSection={<IconSearch size={14} />} value={find} onChange={(e) => setFind(e.target.value)} />
        <SegmentedControl size="xs" value={scale} onChange={setScale} data={[{ value: "linear", label: "Linear" }, { value: "log", label: "Log" }]} aria-label="Scale of the y axis" />
        <span className="dim">Smoothing</span>
        <Slider w={110} size={3} thumbSize={14} min={0} max={0.98} step={0.02} value={s} label={(v) => v.toFixed(2)} onChange={(v) => setSmooth(v ? v.toFixed(2) : null)} thumbLabel="Smoothing of the curves" />
      </div>
      {groups.map(([g, logs]) => (
        <section key={g} style={{ marginBottom: 24 }}>
          {g && groups.length > 1 && <h2 className="section-title">{g}</h2>}
          <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(330px, 1fr))", gap: 14 }}>
            {logs.filter((l) => l.type !== "VALUE").map((l) => (
              <LogCard key={l.id} log={l} smooth={s} scale={scale} />
            ))}
          </div>
          {logs.some((l) => l.type === "VALUE") && (
            <div style={{ display: "flex", flexWrap: "wrap", gap: "16px 40px", marginTop: 16 }}>
              {logs.filter((l) => l.type === "VALUE").map((l) => (
                <span key={l.id} data-log={l.name}>
                  <Stat value={valueOf(l)} name={l.name} />
                </span>
              ))}
            </div>
          )}
        </section>
      ))}
      {!groups.length && <span className="dim">No log is called “{find}”.</span>}
    </>
  );
}
export type { Series };
