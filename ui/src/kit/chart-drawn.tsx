// Draws a ChartSpec with ECharts; loaded when the first chart is shown.
import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, LegendComponent, ToolboxComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import type { ChartHandle, ChartSpec, Series } from "./chart";
import { figure } from "./format";
import { lonely, type Points } from "./lonely";
import { lineColour, seriesColour } from "./palette";

echarts.use([LineChart, BarChart, HeatmapChart, ScatterChart, GridComponent, TooltipComponent, LegendComponent, DataZoomComponent, ToolboxComponent, VisualMapComponent, CanvasRenderer]);

const escape = (s: string) => s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);
const font = "'Inter Variable', system-ui, sans-serif";

/** Exponential smoothing with bias correction, as people know it from training curves. */
function smoothed(points: readonly (readonly [number, number | null])[], by: number): [number, number | null][] {
  let last = 0;
  let weight = 0;
  return points.map(([x, y]) => {
    if (y === null || !Number.isFinite(y)) return [x, null];
    last = last * by + (1 - by) * y;
    weight = weight * by + (1 - by);
    return [x, last / weight];
  });
}

const withLonely = (points: Points): object[] => {
  const seen = lonely(points);
  return points.map((p, i) => ({ value: p, symbol: seen[i] ? "circle" : "none", symbolSize: 4 }));
};

/** In a legend a series looks as it does in the chart, so that two of one colour are told apart. */
const legendIcon = (s: Series) => (s.dots ? "circle" : s.dashed ? "path://M0 2h4v3h-4zM6 2h4v3h-4z" : "path://M0 2h10v3h-10z");

/** The strip below a line: all of it, and what is shown above as a window whose ends and middle can be dragged. */
function overview(dark: boolean, text: string): object {
  const line = dark ? "#4fb1b9" : "#0f6b74";
  const shadow = { lineStyle: { color: line, opacity: 0.5, width: 1 }, areaStyle: { color: line, opacity: 0.08 } };
  const handle = { color: dark ? "#272d33" : "#fff", borderColor: line };
  return { type: "slider", height: 26, bottom: 6, left: 44, right: 20, filterMode: "none", brushSelect: true, showDetail: false, borderColor: "transparent", backgroundColor: dark ? "#1a1e22" : "#f3f5f6", fillerColor: dark ? "rgb(79 177 185 / 16%)" : "rgb(15 107 116 / 10%)", dataBackground: shadow, selectedDataBackground: shadow, handleStyle: handle, moveHandleSize: 5, moveHandleStyle: { color: line, opacity: 0.35 }, textStyle: { color: text } };
}

function options(spec: ChartSpec, dark: boolean): object {
  const text = dark ? "#9ba5b0" : "#5a6470";
  const strong = dark ? "#e7eaed" : "#14181c";
  const rule = dark ? "#262c32" : "#eceff1";
  const axis = { axisLine: { lineStyle: { color: dark ? "#3a424b" : "#cfd5da" } }, axisTick: { show: false }, axisLabel: { color: text, fontSize: 11, hideOverlap: true }, splitLine: { lineStyle: { color: rule } }, nameTextStyle: { color: text, fontSize: 11, align: "left" } };
  const tooltip = { confine: true, backgroundColor: dark ? "#272d33" : "#fff", borderColor: dark ? "#3a424b" : "#dde2e6", textStyle: { color: strong, fontSize: 12, fontFamily: font }, padding: [6, 10], extraCssText: "box-shadow:0 4px 16px rgb(0 0 0 / 18%);border-radius:6px", transitionDuration: 0 };
  const base = { animation: false, textStyle: { fontFamily: font } };
  if (spec.kind === "line") {
    const many = spec.series.length > 1;
    const unit = spec.unit ? ` ${spec.unit}` : "";
    const cloud = spec.series.every((s) => s.dots);
    const xName = spec.x === "value" ? spec.xName : undefined;
    const series = spec.series.flatMap((s, i): object[] => {
      const colour = s.colour ? seriesColour(s.colour, dark) : lineColour(i, dark);
      const one = { type: s.dots ? "scatter" : "line", name: s.name, data: s.points, symbolSize: s.dots ? 6 : 5, showSymbol: s.points.length < 2, itemStyle: { color: colour }, lineStyle: { color: colour, width: 1.75, type: s.dashed ? "dashed" : "solid" }, sampling: "lttb", emphasis: { focus: many ? "series" : "none" } };
      if (!s.dots && !spec.smooth && s.points.some(([, y]) => y === null)) return [{ ...one, data: withLonely(s.points), showSymbol: true, sampling: undefined }];
      if (!spec.smooth || s.dots) return [one];
      return [
        { ...one, data: smoothed(s.points, spec.smooth) },
        { ...one, silent: true, tooltip: { show: false }, lineStyle: { color: colour, width: 1, opacity: 0.22 }, showSymbol: false },
      ];
    });
    return {
      ...base,
      grid: { left: 8, right: 16, top: (many ? 34 : 14) + (spec.yName ? 20 : 0), bottom: spec.overview ? 44 : xName ? 26 : 6, containLabel: true },
      legend: many ? { type: "scroll", top: 0, left: 0, right: 28, itemWidth: 10, itemHeight: 7, textStyle: { color: text, fontSize: 11.5 }, pageTextStyle: { color: text }, data: spec.series.map((s) => ({ name: s.name, icon: legendIcon(s) })) } : { show: false },
      tooltip: cloud ? { ...tooltip, trigger: "item", formatter: (p: { seriesName: string; value: [number, number] }) => `${escape(p.seriesName)}<br>${escape(spec.xName ?? "")} <b>${figure(p.value[0], 3)}</b><br>${escape(spec.yName ?? "")} <b>${figure(p.value[1], 3)}</b>` } : {
        ...tooltip,
        trigger: "axis",
        axisPointer: { type: "line", lineStyle: { color: text, type: "dashed" } },
        formatter: (ps: { seriesName: string; value: [number, number | null]; color: string; seriesIndex: number }[]) => {
          const seen = new Set<string>();
          const rows = ps.filter((p) => !seen.has(p.seriesName) && seen.add(p.seriesName));
          const x = rows[0]?.value[0];
          const head = x === undefined ? "" : spec.x === "time" ? new Date(x).toLocaleString("en-GB") : `${spec.xName ?? "Step"} ${figure(x)}`;
          return `<div style="color:${text};font-size:11px">${escape(head)}</div>${rows
            .slice(0, 14)
            .map((p) => `<div style="display:flex;gap:8px;align-items:center"><i style="width:8px;height:3px;border-radius:2px;background:${p.color}"></i>${many ? `<span>${escape(p.seriesName)}</span>` : ""}<b style="margin-left:auto;font-weight:600">${figure(p.value[1])}${escape(unit)}</b></div>`)
            .join("")}`;
        },
      },
      xAxis: { ...axis, ...(spec.x === "time" ? { type: "time", minInterval: 1000, axisLabel: { ...axis.axisLabel, padding: [0, 6] } } : spec.x === "value" ? { type: "value", axisLabel: { ...axis.axisLabel, formatter: (v: number) => figure(v, 3) } } : { type: "value" }), name: xName, nameLocation: "middle", nameGap: 26, min: spec.from ?? (cloud ? undefined : "dataMin"), max: spec.to ?? (cloud ? undefined : "dataMax"), scale: cloud, ...(cloud ? { axisLine: { ...axis.axisLine, onZero: false } } : {}), splitLine: { show: false }, splitNumber: 5 },
      yAxis: { ...axis, name: spec.yName, nameGap: 12, type: spec.log ? "log" : "value", scale: !spec.zero, ...(spec.most === undefined ? {} : { max: spec.most, interval: spec.most / 4 }), splitNumber: 4, axisLine: { show: false, onZero: !cloud }, axisLabel: { ...axis.axisLabel, formatter: (v: number) => figure(v, 3) + unit } },
      toolbox: { show: true, top: -40, feature: { dataZoom: { yAxisIndex: "none", show: true } } },
      dataZoom: [{ type: "inside", zoomOnMouseWheel: false, moveOnMouseMove: false, moveOnMouseWheel: false, filterMode: "none" }, ...(spec.overview ? [overview(dark, text)] : [])],
      series,
    };
  }
  if (spec.kind === "bar") {
    const labels = { ...axis, type: "category", data: spec.categories, splitLine: { show: false }, name: spec.xName, nameLocation: "middle", nameGap: 26, axisLabel: { ...axis.axisLabel, interval: spec.lying ? 0 : "auto", width: spec.lying ? 140 : 90, overflow: "truncate" }, ...(spec.lying ? { inverse: true } : {}) };
    const { most } = spec;
    const near = most !== undefined && Math.max(0, ...spec.series.flatMap((s) => s.values)) > 0.75 * most;
    const values = { ...axis, type: "value", ...(near && most ? { max: most, interval: most / 4 } : {}), name: spec.lying ? undefined : spec.yName, nameGap: 12, splitNumber: 4, axisLine: { show: false }, minInterval: spec.series.every((s) => s.values.every(Number.isInteger)) ? 1 : 0 };
    return {
      ...base,
      grid: { left: 8, right: spec.lying ? 48 : 12, top: (spec.series.length > 1 ? 26 : 0) + (spec.yName && !spec.lying ? 28 : 12), bottom: spec.xName ? 26 : 6, containLabel: true },
      legend: spec.series.length > 1 ? { top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 6, textStyle: { color: text, fontSize: 11.5 }, data: spec.series.map((s) => ({ name: s.name, itemStyle: s.outline ? { color: "transparent" } : {} })) } : { show: false },
      tooltip: { ...tooltip, trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: dark ? "rgb(255 255 255 / 4%)" : "rgb(0 0 0 / 4%)" } }, valueFormatter: (v: number) => figure(v) },
      xAxis: spec.lying ? values : labels,
      yAxis: spec.lying ? labels : values,
      series: spec.series.map((s) => ({ ...s, colour: s.colour && seriesColour(s.colour, dark) })).map((s, i) => ({
        type: "bar",
        name: s.name,
        color: s.colour ?? lineColour(i, dark),
        barMaxWidth: 34,
        itemStyle: s.outline ? { borderColor: s.colour ?? lineColour(i, dark), borderType: s.outline, borderWidth: 1.25 } : {},
        data: s.values.map((v, k) => ({ value: v, itemStyle: { color: s.colours?.[k] ?? s.colour ?? lineColour(i, dark), ...(s.outline ? { color: "transparent", borderColor: s.colours?.[k] ?? s.colour, borderType: s.outline, borderWidth: 1.5 } : {}), borderRadius: spec.lying ? [0, 3, 3, 0] : [3, 3, 0, 0] } })),
        label: spec.lying ? { show: true, position: "right", color: text, fontSize: 11, formatter: (p: { value: number }) => figure(p.value) } : { show: false },
      })),
    };
  }
  const most = Math.max(1e-9, ...spec.values.flat());
  return {
    ...base,
    grid: { left: spec.yName ? 28 : 8, right: 12, top: 8, bottom: spec.xName ? 26 : 6, containLabel: true },
    tooltip: { ...tooltip, formatter: (p: { value: [number, number, number] }) => `${escape(spec.yName ?? "")} <b>${escape(spec.rows[p.value[1]] ?? "")}</b><br>${escape(spec.xName ?? "")} <b>${escape(spec.columns[p.value[0]] ?? "")}</b><br>${figure(p.value[2])}` },
    xAxis: { ...axis, type: "category", data: spec.columns, name: spec.xName, nameLocation: "middle", nameGap: 26, splitArea: { show: false }, axisLabel: { ...axis.axisLabel, width: 80, overflow: "truncate", interval: 0 } },
    yAxis: { ...axis, type: "category", data: spec.rows, inverse: true, name: spec.yName, nameLocation: "middle", nameGap: 70, axisLabel: { ...axis.axisLabel, width: 80, overflow: "truncate", interval: 0 } },
    visualMap: { show: false, min: 0, max: most, inRange: { color: dark ? ["#1a1e22", "#11474d", "#178089", "#73c2c8", "#e9f6f7"] : ["#f3f5f6", "#a5d7db", "#33a0a9", "#0f6b74", "#053036"] } },
    series: [
      {
        type: "heatmap",
        data: spec.values.flatMap((row, y) => row.map((v, x) => ({ value: [x, y, v], label: { color: (v / most > 0.45) !== dark ? "#fff" : dark && v / most > 0.45 ? "#0a0c0e" : strong } }))),
        label: { show: spec.columns.length <= 16, fontSize: 11, formatter: (p: { value: [number, number, number] }) => figure(p.value[2], 3) },
        itemStyle: { borderColor: dark ? "#14171a" : "#fff", borderWidth: 2, borderRadius: 3 },
        emphasis: { itemStyle: { borderColor: text } },
      },
    ],
  };
}

interface Props {
  spec: ChartSpec;
  dark: boolean;
  onReady: (h: ChartHandle) => void;
  onPick?: (at: { series: number; index: number; name: string }) => void;
}

export default function Drawn({ spec, dark, onReady, onPick }: Props) {
  const room = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts | null>(null);
  const pick = useRef(onPick);
  useEffect(() => {
    pick.current = onPick;
  });
  useEffect(() => {
    if (!room.current) return;
    const c = echarts.init(room.current, null, { renderer: "canvas" });
    chart.current = c;
    onReady({ png: () => c.getDataURL({ pixelRatio: 2, backgroundColor: getComputedStyle(document.body).backgroundColor }) });
    c.on("click", (p) => pick.current?.({ series: p.seriesIndex ?? 0, index: p.dataIndex, name: p.name }));
    // A tooltip goes with the pointer, also when that leaves over something that lies on the chart, or by scrolling.
    const hide = () => {
      c.dispatchAction({ type: "hideTip" });
      c.dispatchAction({ type: "updateAxisPointer", currTrigger: "leave" });
    };
    const frame = room.current.parentElement;
    frame?.addEventListener("pointerleave", hide);
    window.addEventListener("scroll", hide, { capture: true, passive: true });
    c.getZr().on("dblclick", () => c.dispatchAction({ type: "dataZoom", start: 0, end: 100 }));
    const watch = new ResizeObserver(() => c.resize());
    watch.observe(room.current);
    return () => {
      watch.disconnect();
      frame?.removeEventListener("pointerleave", hide);
      window.removeEventListener("scroll", hide, { capture: true });
      c.dispose();
      chart.current = null;
    };
  }, []);
  const shape = spec.kind === "line" ? `line${spec.series.length}${spec.smooth ? 1 : 0}${spec.log ? 1 : 0}` : spec.kind;
  const last = useRef("");
  useEffect(() => {
    const c = chart.current;
    if (!c) return;
    // New points of the same lines keep the reader's zoom; another set of lines starts anew.
    c.setOption(options(spec, dark) as echarts.EChartsCoreOption, { notMerge: last.current !== shape + String(dark) });
    last.current = shape + String(dark);
    if (spec.kind === "line") c.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
  }, [spec, dark, shape]);
  return <div ref={room} style={{ width: "100%", height: "100%" }} />;
}
