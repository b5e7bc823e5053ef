// The one chart: lines, bars and heat maps in the page's colours; hover reads, drag zooms, double-click resets, PNG and CSV from a menu.
import { ActionIcon, Menu, Skeleton, useComputedColorScheme } from "@mantine/core";
import { lazy, Suspense, useRef } from "react";
import { IconDots, IconDownload } from "./icons";

export interface Series {
  name: string;
  points: readonly (readonly [number, number | null])[];
  /** A CSS colour, or a role that the palette knows. */
  colour?: string;
  dashed?: boolean;
  /** Points without a line between them. */
  dots?: boolean;
}
export type ChartSpec =
  | { kind: "line"; series: readonly Series[]; x: "step" | "time" | "value"; xName?: string; yName?: string; unit?: string; log?: boolean; from?: number; to?: number; smooth?: number; zero?: boolean; most?: number; /** a strip of all of it below, with a window to drag */ overview?: boolean }
  | { kind: "bar"; categories: readonly string[]; series: readonly { name: string; values: readonly number[]; colour?: string; colours?: readonly string[]; /** a frame in that colour in place of the colour */ outline?: "solid" | "dashed" }[]; xName?: string; yName?: string; lying?: boolean; most?: number }
  | { kind: "heat"; columns: readonly string[]; rows: readonly string[]; values: readonly (readonly number[])[]; xName?: string; yName?: string };

export interface ChartHandle {
  png: () => string;
}
export interface ChartProps {
  spec: ChartSpec;
  height?: number;
  name: string;
  /** A click on what is behind a point, bar or cell. */
  onPick?: (at: { series: number; index: number; name: string }) => void;
}

const Drawn = lazy(() => import("./chart-drawn"));

function csv(spec: ChartSpec): string {
  const cell = (x: unknown) => (typeof x === "string" && /[",\n]/.test(x) ? `"${x.replace(/"/g, '""')}"` : String(x ?? ""));
  const line = (row: readonly unknown[]) => row.map(cell).join(",");
  if (spec.kind === "line") {
    const at = new Map<number, (number | null)[]>();
    spec.series.forEach((s, i) =>
      s.points.forEach(([x, y]) => {
        const row = at.get(x) ?? [];
        row[i] = y;
        at.set(x, row);
      }),
    );
    const rows = [...at.entries()].sort((a, b) => a[0] - b[0]).map(([x, ys]) => [spec.x === "time" ? new Date(x).toISOString() : x, ...spec.series.map((_, i) => ys[i])]);
    return [[spec.xName ?? spec.x, ...spec.series.map((s) => s.name)], ...rows].map(line).join("\n");
  }
  if (spec.kind === "bar") {
    const rows = spec.categories.map((c, i) => [c, ...spec.series.map((s) => s.values[i])]);
    return [["", ...spec.series.map((s) => s.name)], ...rows].map(line).join("\n");
  }
  return [["", ...spec.columns], ...spec.values.map((v, i) => [spec.rows[i], ...v])].map(line).join("\n");
}

function save(name: string, url: string): void {
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  if (url.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function Chart({ spec, height = 220, name, onPick }: ChartProps) {
  const dark = useComputedColorScheme("light") === "dark";
  const handle = useRef<ChartHandle | null>(null);
  return (
    <div className="chart" style={{ height }}>
      <div role="img" aria-label={`Chart: ${name}`} style={{ height: "100%" }}>
        <Suspense fallback={<Skeleton height={height} />}>
          <Drawn spec={spec} dark={dark} onReady={(h) => (handle.current = h)} {...(onPick ? { onPick } : {})} />
        </Suspense>
      </div>
      <div className="chart-menu">
        <Menu>
          <Menu.Target>
            <ActionIcon size={24} aria-label={`Menu of the chart ${name}`}>
              <IconDots size={15} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconDownload size={14} />} onClick={() => handle.current && save(`${name}.png`, handle.current.png())}>
              Save as PNG
            </Menu.Item>
            <Menu.Item leftSection={<IconDownload size={14} />} onClick={() => save(`${name}.csv`, URL.createObjectURL(new Blob([csv(spec)], { type: "text/csv" })))}>
              Save as CSV
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
    </div>
  );
}
