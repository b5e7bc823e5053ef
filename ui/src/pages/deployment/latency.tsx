// How long predictions took, one point each; a line is not drawn over times in which nothing was predicted.
import { Skeleton } from "@mantine/core";
import { useMemo } from "react";
import { Chart, type ChartSpec } from "../../kit/chart";
import { Section, Time } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { broken, type Point } from "./gaps";
import type { Dashboard, Deployment } from "./data";
import type { Filter } from "./filters";

interface Props {
  deployment: Deployment;
  dashboard: Dashboard | undefined;
  loading: boolean;
  filter: Filter;
  last: string | undefined;
}

export function Latency({ deployment: d, dashboard: x, loading, filter, last }: Props) {
  const drawn = useMemo(() => {
    const points = x?.latency ?? [];
    if (!points.length) return null;
    // The axis is as long as the span of time, whenever in it something came.
    const ends = x?.since ? [Date.parse(x.since), x.until ? Date.parse(x.until) : Date.now()].map((at) => ({ at, value: null })) : [];
    const of = (k: "champion" | "shadow") => broken(points.flatMap((p) => (p[k] == null ? [] : [{ at: Date.parse(p.at), value: (p[k] as number) * 1000, id: p.id }])));
    const lines = (["champion", "shadow"] as const)
      .map((name) => ({ name, points: of(name) }))
      .filter((l) => l.points.length)
      .map((l) => ({ ...l, points: [...ends.slice(0, 1), ...l.points, ...ends.slice(1)] as Point[] }));
    const series = lines.map((l) => ({ name: l.name, points: l.points.map((p): [number, number | null] => [p.at, p.value]), ...(l.name === "shadow" ? { colour: "before" } : {}) }));
    const spec: ChartSpec = { kind: "line", x: "time", unit: "ms", zero: true, overview: true, series };
    return { spec, ids: lines.map((l) => l.points.map((p) => p.id)) };
  }, [x]);
  const pick = (at: { series: number; index: number }) => {
    const id = drawn?.ids[at.series]?.[at.index];
    if (id) navigate(`/review/${d.id}?asset=${id}`);
  };
  return (
    <Section title="Latency">
      {loading ? (
        <Skeleton height={260} />
      ) : drawn ? (
        <Chart spec={drawn.spec} name="Latency" height={260} onPick={pick} />
      ) : (
        <span className="dim">
          {Object.keys(filter).some((k) => k !== "since" && k !== "until") ? "No such predictions in this time." : "No predictions in this time."}
          {last && (
            <>
              {" "}
              The last one came <Time at={last} />.
            </>
          )}
        </span>
      )}
    </Section>
  );
}
