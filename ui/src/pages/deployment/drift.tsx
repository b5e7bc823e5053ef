// Drift: what production shows against what the model was made for, feature by feature; a chosen one with its curves and bars.
import { Button, Skeleton } from "@mantine/core";
import { useMemo, useState, type ReactNode } from "react";
import { Link } from "wouter";
import type { ComparedFeature, DriftOfADeployment } from "../../api/answers";
import { Chart, type ChartSpec } from "../../kit/chart";
import { count, figure, plural } from "../../kit/format";
import { May } from "../../kit/may";
import { Fault, Section, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate, useUrl } from "../../kit/url";
import { behind, behindPlace } from "./behind";
import { checkDrift, useDrift, type Deployment } from "./data";
import { Embedding } from "./embedding";

/** As few training images are no reference (docs/monitoring.md). */
const least = 30;
const nameOf = (f: ComparedFeature) => (f.against === "TRAINING" ? "training" : "first predictions");

/** Both distribution functions, small enough for a row. */
function Curves({ of: f, wide, high }: { of: ComparedFeature; wide: number; high: number }) {
  const c = f.curve;
  if (!c?.x.length) return null;
  const first = c.x[0] ?? 0;
  const span = (c.x[c.x.length - 1] ?? 0) - first || 1;
  const path = (ys: number[]) => {
    let y = high - 1;
    return `M0 ${y}${c.x.map((x, i) => { const at = 1 + ((x - first) / span) * (wide - 2); const from = y; y = high - 1 - (ys[i] ?? 0) * (high - 2); return `L${at.toFixed(1)} ${from.toFixed(1)}L${at.toFixed(1)} ${y.toFixed(1)}`; }).join("")}L${wide} ${y}`;
  };
  return (
    <svg width={wide} height={high} aria-hidden style={{ display: "block" }}>
      <path d={path(c.before)} fill="none" stroke="#9aa3ad" strokeWidth={1.25} />
      <path d={path(c.window)} fill="none" stroke={f.drifted ? "var(--bad)" : "var(--accent)"} strokeWidth={1.5} />
    </svg>
  );
}

/** The distance on the way to what counts as drift, which is the stroke. */
function Distance({ of: f }: { of: ComparedFeature }) {
  if (!f.tested || !f.limit) return null;
  const part = Math.min(1, (f.d ?? 0) / f.limit / 2);
  return (
    <span title={`D = ${figure(f.d)}; from ${figure(f.limit)} on it counts as drift`} style={{ position: "relative", display: "inline-block", width: 42, height: 6, borderRadius: 3, background: "var(--sunk)", verticalAlign: "middle" }}>
      <span style={{ position: "absolute", inset: 0, width: `${100 * part}%`, borderRadius: 3, background: f.drifted ? "var(--bad)" : "var(--accent)" }} />
      <span style={{ position: "absolute", left: "50%", top: -3, width: 1.5, height: 12, background: "var(--text)" }} />
    </span>
  );
}

function Features({ of: rows, chosen, choose }: { of: readonly ComparedFeature[]; chosen: ComparedFeature | undefined; choose: (f: ComparedFeature) => void }) {
  return (
    <table className="table" data-testid="drift">
      <thead>
        <tr>
          <th>Feature</th>
          <th data-align="right" title="Median of what is compared with, and of the newest predictions">Median</th>
          <th title="Shares of images up to a value: grey what is compared with, coloured the newest predictions">Curves</th>
          <th colSpan={2} title="Greatest distance of the two distribution functions; the stroke is where it counts as drift">D</th>
          <th data-align="right" title="How often chance alone gives such a distance">p</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {rows.map((f) => (
          <tr key={f.feature} data-link data-chosen={f === chosen || undefined} onClick={() => choose(f)}>
            <td style={{ maxWidth: 232 }} title={f.title}>
              <button type="button" style={{ font: "inherit", color: "inherit", background: "none", border: 0, padding: 0, cursor: "pointer", textAlign: "left", maxWidth: "100%", overflow: "hidden", textOverflow: "ellipsis" }} aria-pressed={f === chosen} onClick={() => choose(f)}>
                {f.title}
              </button>
            </td>
            <td data-align="right" className="dim" style={{ whiteSpace: "nowrap" }}>
              {f.median_before === null || f.median_window === null ? "" : f.median_before === f.median_window ? figure(f.median_window, 3) : <>{figure(f.median_before, 3)} → <span style={{ color: "var(--text)" }}>{figure(f.median_window, 3)}</span></>}
            </td>
            <td><Curves of={f} wide={58} high={24} /></td>
            <td style={{ paddingRight: 4 }}>{f.tested ? figure(f.d, 2) : ""}</td>
            <td><Distance of={f} /></td>
            <td data-align="right">{f.tested ? (f.p !== null && f.p < 1e-4 ? "< 0.0001" : figure(f.p, 2)) : ""}</td>
            <td style={{ whiteSpace: "nowrap", color: f.drifted ? "var(--bad)" : undefined }} className={f.drifted ? undefined : "dim"}>
              {f.drifted ? "drifted" : f.tested ? "steady" : `${Math.min(f.n_before, f.n_window)} of ${least}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The predictions of the newest ones whose value lies there. */
interface There {
  from?: number;
  below?: number;
  to?: number;
}
function those(d: Deployment, f: ComparedFeature, checked: string | null, { from, below, to }: There): string {
  const until = f.window_to ?? checked; // a check of before its window's end was kept
  const times = [f.window_from && `created_at >= "${f.window_from}"`, until && `created_at <= "${until}"`];
  if (f.query || f.test === "MMD") return behind(d, undefined, [from !== undefined && `${f.query} >= ${from}`, below !== undefined && `${f.query} < ${below}`, to !== undefined && `${f.query} <= ${to}`, ...times].filter(Boolean).join(" and "));
  return behindPlace(d, { feature: f.feature, title: f.title, ...(f.window_from ? { since: f.window_from } : {}), ...(until ? { until } : {}), ...(from === undefined ? {} : { from }), ...(below === undefined ? {} : { below }), ...(to === undefined ? {} : { to }) });
}

function Chosen({ deployment: d, of: f, checked }: { deployment: Deployment; of: ComparedFeature; checked: string | null }) {
  const unit = f.unit ? ` (${f.unit})` : "";
  const curves = useMemo((): ChartSpec | null => {
    const c = f.curve;
    if (!c) return null;
    const line = (ys: number[]) => c.x.map((x, i): [number, number] => [x, ys[i] ?? 0]);
    return { kind: "line", x: "value", xName: f.title, zero: true, most: 1, series: [{ name: nameOf(f), points: line(c.before), colour: "before" }, { name: "newest predictions", points: line(c.window), colour: "shown" }] };
  }, [f]);
  const bars = useMemo((): ChartSpec | null => {
    const h = f.histogram;
    if (!h) return null;
    const share = (xs: number[]) => { const all = xs.reduce((s, x) => s + x, 0) || 1; return xs.map((x) => Math.round((1000 * x) / all) / 10); };
    return { kind: "bar", categories: h.edges.slice(0, -1).map((e) => figure(e, 3)), series: [{ name: nameOf(f), values: share(h.before), colour: "before" }, { name: "newest predictions", values: share(h.window), colour: "shown" }], xName: f.title + unit, yName: "% of images" };
  }, [f, unit]);
  if (f.test === "MMD")
    return (
      <span className="dim">
        All directions of the embedding together (maximum mean discrepancy) of <Link href={those(d, f, checked, {})}>{count(f.n_window)} newest predictions</Link>: they can drift as a whole where none does alone. {f.tested && <>MMD² = {figure(f.d, 3)}, p {f.p !== null && f.p < 1e-4 ? "< 0.0001" : `= ${figure(f.p, 2)}`}.</>}
      </span>
    );
  if (!curves || !bars) return <span className="dim">There are no values to compare yet.</span>;
  const { curve: c, histogram: h } = f;
  return (
    <div style={{ display: "flex", flexDirection: "column", gap: 14 }}>
      <div>
        <div style={{ display: "flex", flexWrap: "wrap", gap: "0 12px", alignItems: "baseline", marginBottom: 4 }}>
          <b style={{ fontWeight: 560 }}>{f.title}</b>
          <span className="dim">
            <Link href={those(d, f, checked, {})}>{count(f.n_window)} newest predictions</Link> against {f.against === "TRAINING" ? plural(f.n_before, "training image") : `the first ${count(f.n_before)}`}
          </span>
        </div>
        <Chart spec={bars} name={`Bars of ${f.title}`} height={200} onPick={({ index }) => h && navigate(those(d, f, checked, { from: h.edges[index], below: h.edges[index + 1] }))} />
      </div>
      <div>
        <div className="dim" style={{ fontSize: 12, marginBottom: 2 }}>
          Share of images up to a value{f.tested && f.at !== null && <>; furthest apart at {figure(f.at, 3)}: D = {figure(f.d, 3)}</>}
        </div>
        <Chart spec={curves} name={`Distribution of ${f.title}`} height={190} onPick={({ index }) => c && navigate(those(d, f, checked, { to: c.x[index] }))} />
      </div>
    </div>
  );
}

/** The worst feature of each check, and the chosen one; from 1 on it counts as drift. */
function History({ deployment: d, of: t, chosen }: { deployment: Deployment; of: DriftOfADeployment; chosen: ComparedFeature | undefined }) {
  const spec = useMemo((): ChartSpec | null => {
    if (t.history.length < 2) return null;
    const at = (h: DriftOfADeployment["history"][number]) => Date.parse(h.at);
    const worst = t.history.map((h): [number, number] => [at(h), Math.max(0, ...Object.values(h.distances))]);
    const own = chosen ? t.history.flatMap((h): [number, number][] => { const x = h.distances[chosen.feature]; return x === undefined ? [] : [[at(h), x]]; }) : [];
    const edge = [worst[0], worst[worst.length - 1]].map((p): [number, number] => [p?.[0] ?? 0, 1]);
    return { kind: "line", x: "time", zero: true, series: [{ name: "worst feature", points: worst, colour: "shown" }, ...(own.length ? [{ name: chosen?.title ?? "", points: own, colour: "before" }] : []), { name: "drift from here", points: edge, dashed: true, colour: "bad" }] };
  }, [t.history, chosen]);
  if (spec?.kind !== "line") return null;
  const open = (at: number | undefined) => at && navigate(behind(d, undefined, `created_at <= "${new Date(at).toISOString()}"`));
  return (
    <div style={{ marginTop: 18 }}>
      <div className="dim" style={{ fontSize: 12, marginBottom: 2 }}>
        Distance at each check, 1 being where it counts as drift. {plural(t.checks, "check")} and {plural(t.alarms, "alarm")} within 30 days. A point opens the predictions until then, the newest first
      </div>
      <Chart spec={spec} name="Drift over time" height={160} onPick={({ series, index }) => open(spec.series[series]?.points[index]?.[0])} />
    </div>
  );
}

function Against({ of: t }: { of: DriftOfADeployment }): ReactNode {
  const v = t.training?.dataset_version;
  const withTraining = t.settings.compares_with === "TRAINING" && (t.training?.images ?? 0) >= least;
  return (
    <>
      {withTraining && v ? <>{plural(t.training?.images ?? 0, "training image")} of <Link href={`/versions/${v.id}`}>{v.origin_name}/{v.version}</Link></> : "the first predictions"}
    </>
  );
}

/** Of the embedding the worst direction stands for all of them until somebody asks for the others. */
function shortened(rows: readonly ComparedFeature[]): ComparedFeature[] {
  const way = (f: ComparedFeature) => (f.limit ? (f.d ?? 0) / f.limit : 0);
  const directions = rows.filter((f) => /^embedding:\d+$/.test(f.feature));
  const worst = [...directions].sort((a, b) => way(b) - way(a))[0];
  return rows.filter((f) => !directions.includes(f) || f === worst || f.drifted);
}

export function Drift({ deployment: d }: { deployment: Deployment }) {
  const drift = useDrift(d.id);
  const [feature, setFeature] = useUrl("feature");
  const t = drift.data;
  const rows = t?.latest?.features ?? [];
  const chosen = rows.find((f) => f.feature === feature) ?? [...rows].sort((a, b) => (b.limit ? (b.d ?? 0) / b.limit : 0) - (a.limit ? (a.d ?? 0) / a.limit : 0))[0];
  const drifted = rows.filter((f) => f.drifted);
  const few = shortened(rows);
  const [whole, setWhole] = useState(false);
  const end = t && (
    <span style={{ display: "flex", gap: 10, alignItems: "center" }}>
      {t.checked_at && <span className="dim">checked <Time at={t.checked_at} /></span>}
      <May to="write">
        {t.settings.active && t.latest && (
          <Button size="compact-xs" variant="default" onClick={() => checkDrift(d.id).then(() => toast.done("It is checked now"), toast.failed)}>
            Check now
          </Button>
        )}
        <Link href={`/deployments/${d.id}?tab=settings&part=drift`}>Set up</Link>
      </May>
    </span>
  );
  return (
    <>
    <Section title="Drift" end={end}>
      {drift.error ? (
        <Fault error={drift.error} again={() => void drift.refetch()} />
      ) : !t ? (
        <Skeleton height={220} />
      ) : (
        <>
          <p style={{ margin: "0 0 12px" }} data-testid="drift-state">
            {t.state === "OFF" ? (
              <span className="dim">Switched off: nothing is compared.</span>
            ) : t.state === "WAITING" ? (
              <span className="dim">
                What production shows is compared with <Against of={t} />. Waits for enough to compare: {t.waits_for ?? "the first check"}.
              </span>
            ) : (
              <>
                {t.state === "DRIFTED" ? <b style={{ color: "var(--bad)", fontWeight: 560 }}>{drifted.map((f) => f.title).join(", ")} drifted. </b> : <span>No drift. </span>}
                <span className="dim">
                  Images are compared with <Against of={t} />, what the model says with its first predictions
                  {t.latest?.label_distance != null && <>; {figure(100 * t.latest.label_distance, 2)} % of the objects would need another label for the labels to be spread as before</>}.
                  {t.waits_for && <> Waits: {t.waits_for}.</>}
                </span>
              </>
            )}
          </p>
          {t.latest && (
            <div style={{ display: "flex", flexWrap: "wrap", gap: "20px 32px", alignItems: "flex-start" }}>
              <div style={{ flex: "1 1 640px", minWidth: 0, overflowX: "auto" }}>
                <Features of={whole ? rows : few} chosen={chosen} choose={(f) => setFeature(f.feature)} />
                {few.length < rows.length && (
                  <button type="button" className="dim" style={{ font: "inherit", fontSize: 12, background: "none", border: 0, padding: "6px 0 0", cursor: "pointer", textDecoration: "underline" }} onClick={() => setWhole(!whole)}>
                    {whole ? "only the direction of the embedding that differs most" : `${plural(rows.length - few.length, "other direction")} of the embedding`}
                  </button>
                )}
              </div>
              <div style={{ flex: "1 1 360px", minWidth: 0 }}>
                {chosen && <Chosen deployment={d} of={chosen} checked={t.checked_at} />}
                <History deployment={d} of={t} chosen={chosen} />
              </div>
            </div>
          )}
        </>
      )}
    </Section>
    <Embedding deployment={d} drift={t} />
    </>
  );
}
