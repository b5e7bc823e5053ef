// The dashboard: who serves, how fast, what it sees.
import { Button, Skeleton, Text } from "@mantine/core";
import { useMemo, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { Chart, type ChartSpec } from "../../kit/chart";
import { Dialog } from "../../kit/dialog";
import { count, figure, milliseconds } from "../../kit/format";
import { Picture } from "../../kit/grid";
import { IconBell, IconCrown, IconGhost } from "../../kit/icons";
import { May } from "../../kit/may";
import { labelColours, noColour } from "../../kit/palette";
import { CopyBlock, Fault, Section, Stat, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { behind, behindObjects } from "./behind";
import { commandOf } from "./command";
import { promote, setShadow, useDashboard, useDeploymentLabels, useDrift, useNewest, type Dashboard, type Deployment } from "./data";
import { Drift } from "./drift";
import { Estimate } from "./estimate";
import { Filters, useFilter } from "./filters";
import { Decisions } from "./gate";
import { Heatmap } from "./heatmap";
import { Latency } from "./latency";
import { Outliers } from "./outliers";
import { predictionTile, versionName } from "./parts";
import { Beside, Reviews } from "./reviews";

function Panel({ title, icon, end, children }: { title: string; icon?: ReactNode; end?: ReactNode; children: ReactNode }) {
  return (
    <div className="card" style={{ padding: "12px 16px 14px", display: "flex", flexDirection: "column", gap: 8, minHeight: 104 }}>
      <div style={{ display: "flex", alignItems: "center", gap: 7 }} className="dim">
        {icon}
        <span style={{ fontWeight: 560 }}>{title}</span>
        <span style={{ marginLeft: "auto" }}>{end}</span>
      </div>
      {children}
    </div>
  );
}

/** The newest predictions; before the first one how it is sent. */
function Last({ deployment: d, dashboard: x, colours }: { deployment: Deployment; dashboard: Dashboard | undefined; colours: Map<string, string> }) {
  return (
    <Section title="Last predictions" end={x && d.counts?.total ? <Link href={behind(d, x)} className="dim">All {count(x.counts.in_range)}</Link> : null}>
      {x?.last_predictions.length ? (
        <div style={{ display: "flex", gap: 10, overflowX: "auto", paddingBottom: 6 }}>
          {x.last_predictions.map((a) => (
            <Link key={a.id} href={`/review/${d.id}?asset=${a.id}`} title={a.data.filename} style={{ flex: "none" }}>
              <div className="tile-image" style={{ width: 172, height: 129 }}>
                <Picture tile={predictionTile(a, colours, 172, false)} />
              </div>
              <span className="dim" style={{ fontSize: 12, textDecoration: "none" }}>
                <Time at={a.created_at} />
              </span>
            </Link>
          ))}
        </div>
      ) : x && d.counts?.total ? (
        <span className="dim">None of these.</span>
      ) : x ? (
        <div style={{ maxWidth: 720 }}>
          <p className="dim" style={{ marginTop: 0 }}>Nothing yet. Send it an image:</p>
          <CopyBlock text={commandOf(d)} />
        </div>
      ) : (
        <Skeleton height={129} />
      )}
    </Section>
  );
}

/** Told apart without colour, which is the label's: the shadow is dashed as its shapes are. */
const outlines = { training: {}, champion: {}, shadow: { outline: "dashed" }, reviewed: { outline: "solid" } } as const;

export function DashboardTab({ deployment: d }: { deployment: Deployment }) {
  const { filter } = useFilter();
  const dash = useDashboard(d.id, filter);
  const newest = useNewest(d.id);
  const drift = useDrift(d.id);
  const labels = useDeploymentLabels(d.id);
  const [asking, setAsking] = useState<"" | "promote" | "drop">("");
  const colours = useMemo(() => labelColours(labels.data?.items ?? []), [labels.data]);
  const wrongQuery = dash.error?.status === 400 && filter.q ? [dash.error.message, dash.error.detail].filter(Boolean).join(". ") : null;
  const x = dash.data;
  const distribution = useMemo((): (ChartSpec & { kind: "bar" }) | null => {
    const rows = x?.labels ?? [];
    if (!rows.length) return null;
    // Shares, so that one day of production compares with the whole of the training data.
    const share = (k: "champion" | "shadow" | "reviewed" | "training") => {
      const sum = rows.reduce((s, r) => s + (r[k] ?? 0), 0);
      return sum ? rows.map((r) => Math.round((1000 * (r[k] ?? 0)) / sum) / 10) : null;
    };
    const series = (["training", "champion", "shadow", "reviewed"] as const).flatMap((k) => {
      const values = share(k);
      const faint = k === "training" ? "66" : "";
      return values ? [{ name: k === "training" ? "training data" : k, values, colour: `#7d8790${faint}`, colours: rows.map((r) => (colours.get(r.label_id) ?? noColour) + faint), ...outlines[k] }] : [];
    });
    const of = d.type === "CLASSIFICATION" ? "images" : "objects";
    return series.length ? { kind: "bar", categories: rows.map((r) => r.label), series, most: 100, yName: `% of ${of}${series.every((x) => x.name === "training data") ? " in the training data" : ""}` } : null;
  }, [x, d.type, colours]);
  const confidence = useMemo((): ChartSpec | null => {
    const bins = x?.scores ?? [];
    if (!bins.some(Boolean)) return null;
    return { kind: "bar", categories: bins.map((_, i) => `${figure(i / 10)}–${figure((i + 1) / 10)}`), series: [{ name: filter.slot ?? "champion", values: bins }], xName: "confidence", yName: d.type === "CLASSIFICATION" ? "images" : "objects" };
  }, [x, d.type, filter.slot]);
  /** Of the training data the images themselves. */
  const openLabel = (name: string, of: string | undefined) => {
    const is = `= ${JSON.stringify(name)}`;
    const trained = drift.data?.training?.dataset_version?.id;
    if (of === "training data" && trained) navigate(`/versions/${trained}?q=${encodeURIComponent(`label.name ${is}`)}`);
    else navigate(behind(d, x, `${of === "shadow" ? "shadow.label.name" : of === "reviewed" ? "review.label.name" : "label.name"} ${is}`));
  };
  const v = d.model_version;
  const s = d.shadow_model_version;
  const empty = d.counts?.total === 0;
  const last = <Last deployment={d} dashboard={x} colours={colours} />;
  return (
    <div className="body">
      <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(230px, 1fr))", gap: 14, marginBottom: 24 }}>
        <Panel title="Champion" icon={<IconCrown size={15} />}>
          <Link href={`/model-versions/${v?.id ?? ""}`} style={{ fontSize: 16, fontWeight: 600, textDecoration: "none", letterSpacing: "-0.01em" }} data-testid="champion">
            {versionName(v)}
          </Link>
          <span className="dim">
            deployed <Time at={d.deployed_at ?? d.created_at} /> · threshold {figure(d.min_threshold)}
          </span>
        </Panel>
        <Panel title="Shadow" icon={<IconGhost size={15} />}>
          {s ? (
            <>
              <Link href={`/model-versions/${s.id}`} style={{ fontSize: 16, fontWeight: 600, textDecoration: "none", letterSpacing: "-0.01em" }} data-testid="shadow">
                {versionName(s)}
              </Link>
              {x && <Beside of={x.reviews} />}
              <May to="write">
                <span style={{ display: "flex", gap: 8 }}>
                  <Button size="compact-xs" onClick={() => setAsking("promote")}>
                    Promote
                  </Button>
                  <Button size="compact-xs" variant="default" onClick={() => setAsking("drop")}>
                    Take away
                  </Button>
                </span>
              </May>
            </>
          ) : (
            <span className="dim">None. A version that runs beside the champion on every image without answering.</span>
          )}
        </Panel>
        <Panel title="Overview">
          <div style={{ display: "flex", gap: 20 }}>
            <Link href={behind(d, undefined)} style={{ textDecoration: "none", color: "inherit" }}><Stat value={count(d.counts?.total)} name="predictions" /></Link>
            <Stat value={milliseconds(x?.mean_latency)} name="mean latency" />
            <Link href={`/deployments/${d.id}?tab=predictions&state=TO_REVIEW`} style={{ textDecoration: "none", color: "inherit" }}><Stat value={count(d.counts?.to_review)} name="to review" /></Link>
          </div>
        </Panel>
        <Panel title="Alerts" icon={<IconBell size={15} />} end={<May to="write"><Link href={`/deployments/${d.id}?tab=settings&part=alerts`}>Set up</Link></May>}>
          {x?.alerts?.length ? (
            x.alerts.slice(0, 3).map((a) => (
              <span key={a.id} style={{ color: "var(--bad)", display: "flex", gap: 8 }}>
                <span style={{ flex: 1, minWidth: 0 }}>{a.text ?? a.metric}</span> {a.at && <Time at={a.at} />}
              </span>
            ))
          ) : (
            <span className="dim">No alert is triggered.</span>
          )}
        </Panel>
      </div>
      {empty && last}
      <Filters deployment={d} looked={dash.data} error={wrongQuery} />
      {dash.error && !wrongQuery && (
        <div style={{ marginBottom: 24 }}>
          <Fault error={dash.error} again={() => void dash.refetch()} />
        </div>
      )}
      <Latency deployment={d} dashboard={x} loading={!x && !dash.error} filter={filter} last={newest.data?.items[0]?.created_at} />
      <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(max(420px, calc(50% - 24px)), 1fr))", gap: "8px 48px" }}>
        {d.type !== "CLASSIFICATION" && <Heatmap deployment={d} filter={filter} looked={x} />}
        <Section title="Labels">
          {!x && !dash.error ? <Skeleton height={240} /> : distribution ? <Chart spec={distribution} name="Distribution of labels" height={240} onPick={({ name, series }) => openLabel(name, distribution.series[series]?.name)} /> : <span className="dim">No objects in this time.</span>}
        </Section>
        <Estimate deployment={d} dashboard={x} filter={filter} />
        <Section title="Confidence">
          {!x && !dash.error ? <Skeleton height={200} /> : confidence ? <Chart spec={confidence} name="Confidence" height={200} onPick={({ index }) => navigate(behindObjects(d, filter, { score_from: index / 10, ...(index === 9 ? {} : { score_below: (index + 1) / 10 }) }))} /> : <span className="dim">No objects in this time.</span>}
        </Section>
      </div>
      <Outliers deployment={d} dashboard={x} filter={filter} />
      <Drift deployment={d} />
      <Reviews deployment={d} dashboard={x} filter={filter} />
      <Decisions deployment={d} />
      {!empty && last}
      <Dialog open={asking === "promote"} onClose={() => setAsking("")} title={`Promote ${versionName(s)}`} does="Promote" run={() => promote(d.id).then(() => toast.done(`${versionName(s)} is the champion now`))}>
        <Text size="sm">
          <Beside of={x?.reviews} />
        </Text>
        <Text size="sm">
          It answers from the next image on, in place of {versionName(v)}. The shadow’s place is empty then; {versionName(v)} stays in the registry and can be set back.
        </Text>
      </Dialog>
      <Dialog open={asking === "drop"} onClose={() => setAsking("")} title={`Take ${versionName(s)} away as shadow`} does="Take away" run={() => setShadow(d.id, null)}>
        <Text size="sm">It predicts no more beside the champion. What it has predicted is kept.</Text>
      </Dialog>
    </div>
  );
}
