// How long predictions took, one point each; a line is not drawn over times in which nothing was predicted.
import { SegmentedControl, Skeleton } from "@mantine/core";
import { useMemo } from "react";
import { Chart, type ChartSpec } from "../../kit/chart";
import { Section, Time } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { broken, type Point } from "./gaps";
import type { Dashboard, Deployment } from "./data";

export const spans = [
  { value: "3600", label: "Hour" },
  { value: "86400", label: "Day" },
  { value: "604800", label: "Week" },
  { value: "2592000", label: "Month" },
  { value: "31536000", label: "Year" },
  { value: "all", label: "All" },
];

interface Props {
  deployment: Deployment;
  dashboard: Dashboard | undefined;
  loading: boolean;
  span: string;
  setSpan: (span: string) => void;
  last: string | undefined;
}

export function Latency({ deployment: d, dashboard: x, loading, span, setSpan, last }: Props) {
  const drawn = useMemo(() => {
    const points = x?.latency ?? [];
    if (!points.length) return null;
    const now = Date.now();
    // The axis is as long as the span of time, whenever in it something came.
    const ends = span === "all" ? [] : [now - Number(span) * 1000, now].map((at) => ({ at, value: null }));
    const of = (k: "champion" | "shadow") => broken(points.flatMap((p) => (p[k] == null ? [] : [{ at: Date.parse(p.at), value: (p[k] as number) * 1000, id: p.id }])));
    const lines = (["champion", "shadow"] as const)
      .map((name) => ({ name, points: of(name) }))
      .filter((l) => l.points.length)
      .map((l) => ({ ...l, points: [...ends.slice(0, 1), ...l.points, ...ends.slice(1)] as Point[] }));
    const series = lines.map((l) => ({ name: l.name, points: l.points.map((p): [number, number | null] => [p.at, p.value]), ...(l.name === "shadow" ? { colour: "#9aa3ad" } : {}) }));
    const spec: ChartSpec = { kind: "line", x: "time", unit: "ms", zero: true, overview: true, series };
    return { spec, ids: lines.map((l) => l.points.map((p) => p.id)) };
  }, [x, span]);
  const pick = (at: { series: number; index: number }) => {
    const id = drawn?.ids[at.series]?.[at.index];
    if (id) navigate(`/review/${d.id}?asset=${id}`);
  };
  return (
    <Section title="Latency" end={<SegmentedControl size="xs" value={span} onChange={setSpan} data={spans} aria-label="Span of time" />}>
      {loading ? (
        <Skeleton height={260} />
      ) : drawn ? (
        <Chart spec={drawn.spec} name="Latency" height={260} onPick={pick} />
      ) : (
        <span className="dim">
          No predictions in this time.
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
