// Outliers: how unlike the training images each image is, when, and which are the most unlike.
import { Button, Progress, Skeleton } from "@mantine/core";
import { useMemo, type ReactNode } from "react";
import { Link } from "wouter";
import type { OutliersOfADeployment } from "../../api/answers";
import { Chart, type ChartSpec } from "../../kit/chart";
import { count, figure, plural } from "../../kit/format";
import { Picture } from "../../kit/grid";
import { May } from "../../kit/may";
import { Fault, Section, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { behind } from "./behind";
import { fitOutliers, useMostOutlying, useOutliers, type Dashboard, type Deployment } from "./data";
import type { Filter } from "./filters";
import { broken } from "./gaps";
import { predictionTile } from "./parts";

function OverTime({ deployment: d, of: t }: { deployment: Deployment; of: OutliersOfADeployment }) {
  const drawn = useMemo(() => {
    const points = [...t.points].reverse().map((p) => ({ at: Date.parse(p.at), value: p.score, id: p.id }));
    const line = broken(points);
    const outliers = [...t.points].reverse().filter((p) => p.is_outlier);
    const ends = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
    const threshold = t.fit?.threshold ?? null;
    const spec: ChartSpec = {
      kind: "line", x: "time", zero: true, overview: true,
      series: [
        { name: "score", points: line.map((p): [number, number | null] => [p.at, p.value]), colour: "shown" },
        { name: "outliers", points: outliers.map((p): [number, number] => [Date.parse(p.at), p.score]), colour: "bad", dots: true },
        ...(threshold === null ? [] : [{ name: "threshold", points: ends.map((at): [number, number] => [at, threshold]), colour: "bad", dashed: true }]),
      ],
    };
    return { spec, ids: [line.map((p) => p.id), outliers.map((p) => p.id)] };
  }, [t]);
  return (
    <Chart
      spec={drawn.spec}
      name="Outlier score"
      height={230}
      onPick={({ series, index }) => {
        const id = drawn.ids[series]?.[index];
        if (id) navigate(`/review/${d.id}?asset=${id}`);
      }}
    />
  );
}

function Bars({ deployment: d, of: t, dashboard }: { deployment: Deployment; of: OutliersOfADeployment; dashboard: Dashboard | undefined }) {
  const h = t.histogram;
  const spec = useMemo((): ChartSpec | null => {
    if (!h) return null;
    const share = (xs: number[]) => { const all = xs.reduce((s, x) => s + x, 0) || 1; return xs.map((x) => Math.round((1000 * x) / all) / 10); };
    return { kind: "bar", categories: h.training.map((_, i) => (i === h.edges.length ? `${figure(h.edges[i - 1], 2)} +` : figure(i ? h.edges[i - 1] : 0, 2))), series: [{ name: "training", values: share(h.training), colour: "before" }, { name: "these predictions", values: share(h.window), colour: "shown" }], xName: "outlier score", yName: "% of images" };
  }, [h]);
  if (!h || !spec) return null;
  const open = (i: number) => {
    const from = h.edges[i - 1];
    const to = h.edges[i];
    navigate(behind(d, dashboard, [from !== undefined && `outlier.score >= ${from}`, to !== undefined && `outlier.score < ${to}`].filter(Boolean).join(" and ")));
  };
  return (
    <div>
      <div className="dim" style={{ fontSize: 12, marginBottom: 2 }}>{plural(t.scored, "newest prediction")} against {plural(t.fit?.held_out ?? 0, "training image")} that the fit was not taught</div>
      <Chart spec={spec} name="Bars of the outlier score" height={210} onPick={({ index }) => open(index)} />
    </div>
  );
}

const none = new Map<string, string>();

function Most({ deployment: d, dashboard }: { deployment: Deployment; dashboard: Dashboard | undefined }) {
  const most = useMostOutlying(d.id, dashboard?.query ?? "");
  const items = most.data?.items.filter((a) => a.outlier_score !== null) ?? [];
  if (!items.length) return null;
  return (
    <div style={{ display: "flex", gap: 10, overflowX: "auto", paddingBottom: 6, marginTop: 14 }} data-testid="most-outlying">
      {items.map((a) => (
        <Link key={a.id} href={`/review/${d.id}?asset=${a.id}`} title={a.data.filename} style={{ flex: "none", textDecoration: "none" }}>
          <div className="tile-image" style={{ width: 132, height: 99 }}>
            <Picture tile={predictionTile(a, none, 132, false)} />
          </div>
          <span style={{ fontSize: 12, color: a.is_outlier ? "var(--bad)" : "var(--dim)" }}>{figure(a.outlier_score, 3)}</span>
        </Link>
      ))}
    </div>
  );
}

function State({ deployment: d, of: t, dashboard }: { deployment: Deployment; of: OutliersOfADeployment; dashboard: Dashboard | undefined }): ReactNode {
  const fit = t.fit;
  const next = t.next_fit;
  const on = fit?.dataset_version;
  const working = next?.state === "WORKING" && (
    <span className="dim" style={{ display: "inline-flex", gap: 10, alignItems: "center" }}>
      It is fitted to the training images <Progress value={100 * (next.progress ?? 0)} style={{ width: 120 }} aria-label="Progress of the fit" />
    </span>
  );
  const failed = next?.state === "FAILED" && <span style={{ color: "var(--bad)" }}>The {fit ? "newest " : ""}fit failed: {next.error}. </span>;
  if (t.state === "OFF") return <span className="dim">Switched off: nothing is scored.</span>;
  if (!fit) return <>{failed}{working || <span className="dim">Waits for {t.waits_for}.</span>}</>;
  return (
    <>
      {failed}
      {t.scored > 0 && (
        <Link href={behind(d, dashboard, "outlier.is = True")} style={{ color: t.outliers ? "var(--bad)" : undefined, fontWeight: t.outliers ? 560 : undefined }}>
          {count(t.outliers)} of {count(t.scored)} are outliers.
        </Link>
      )}{" "}
      <span className="dim">
        {t.scored === 0 && "No prediction of these has a score yet. "}
        The error with which an image is reconstructed by a network that was taught {plural((fit.images ?? 0) - (fit.held_out ?? 0), "training image")}
        {on && <> of <Link href={`/versions/${on.id}`}>{on.origin_name}/{on.version}</Link></>}; over {figure(fit.threshold, 3)} it is an outlier, as at most {figure(100 * (fit.chance ?? 0), 2)} % of images like those are.
        {t.waits_for && <> Waits: {t.waits_for}.</>}
      </span>{" "}
      {working}
    </>
  );
}

export function Outliers({ deployment: d, dashboard, filter }: { deployment: Deployment; dashboard: Dashboard | undefined; filter: Filter }) {
  const told = useOutliers(d.id, filter);
  const t = told.data;
  const mayFit = t && t.state !== "OFF" && t.state !== "WORKING" && !(t.waits_for ?? "").includes("lineage");
  const end = t && (
    <span style={{ display: "flex", gap: 10, alignItems: "center" }}>
      {t.fit?.ended_at && <span className="dim">fitted <Time at={t.fit.ended_at} /></span>}
      <May to="write">
        {mayFit && (
          <Button size="compact-xs" variant="default" onClick={() => fitOutliers(d.id).then(() => toast.done("The fit begins"), toast.failed)}>
            {t.fit ? "Fit again" : "Fit"}
          </Button>
        )}
        <Link href={`/deployments/${d.id}?tab=settings&part=outliers`}>Set up</Link>
      </May>
    </span>
  );
  return (
    <Section title="Outliers" end={end}>
      {told.error ? (
        told.error.status === 400 && filter.q ? null : <Fault error={told.error} again={() => void told.refetch()} />
      ) : !t ? (
        <Skeleton height={220} />
      ) : (
        <>
          <p style={{ margin: "0 0 12px" }} data-testid="outliers-state">
            <State deployment={d} of={t} dashboard={dashboard} />
          </p>
          {t.scored > 0 && (
            <>
              <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(440px, 100%), 1fr))", gap: "16px 48px", alignItems: "end" }}>
                <OverTime deployment={d} of={t} />
                <Bars deployment={d} of={t} dashboard={dashboard} />
              </div>
              <Most deployment={d} dashboard={dashboard} />
            </>
          )}
        </>
      )}
    </Section>
  );
}
