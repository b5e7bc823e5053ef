// Where a model version comes from and where it serves, as a picture: data → experiment → version → deployments.
import { Link } from "wouter";
import { IconBox, IconFlask, IconPhoto, IconRocket } from "../../kit/icons";
import { Cut } from "../../kit/parts";
import { useDatasetVersionOf, useDeployments, useExperimentOf, type Context, type ModelVersion } from "./data";
import type { ComponentType } from "react";

interface Node {
  text: string;
  says: string;
  to?: string;
  here?: boolean;
  icon: ComponentType<{ size?: number; stroke?: number; color?: string }>;
}
const W = 216;
const H = 54;
const GAP = 56;
const ROW = 68;

function Box({ n, x, y }: { n: Node; x: number; y: number }) {
  const body = (
    <>
      <n.icon size={18} stroke={1.6} color="var(--accent)" />
      <span style={{ minWidth: 0 }}>
        <Cut text={n.text} style={{ fontWeight: 560 }} />
        <span className="dim" style={{ fontSize: 12 }}>{n.says}</span>
      </span>
    </>
  );
  const style = { position: "absolute" as const, left: x, top: y, width: W, height: H, boxSizing: "border-box" as const, display: "grid", gridTemplateColumns: "18px minmax(0, 1fr)", gap: 10, alignItems: "center", padding: "0 12px", ...(n.here ? { borderColor: "var(--accent)", background: "var(--accent-soft)" } : {}) };
  return n.to ? (
    <Link href={n.to} className="card" style={style}>
      {body}
    </Link>
  ) : (
    <div className="card" style={style}>
      {body}
    </div>
  );
}

function DatasetNode({ id, alias, x, y }: { id: string; alias: string; x: number; y: number }) {
  const { data } = useDatasetVersionOf(id);
  return <Box n={{ text: data ? `${data.origin_name} / ${data.version}` : "…", says: alias, to: `/versions/${id}`, icon: IconPhoto }} x={x} y={y} />;
}

export function Lineage({ version: v, context }: { version: ModelVersion; context: Context | undefined }) {
  const datas = (context?.datasets ?? context?.datas ?? []).map((d) => ({ name: d.name, id: d.version_id }));
  const experiment = useExperimentOf(context?.experiment_id);
  const deployments = useDeployments();
  const serving = deployments.data?.items.filter((d) => d.model_version?.id === v.id || d.shadow_model_version?.id === v.id) ?? [];
  const columns = [datas.length, context?.experiment_id ? 1 : 0, 1, Math.max(serving.length, 0)];
  const rows = Math.max(...columns, 1);
  const height = rows * ROW - (ROW - H);
  const used = columns.map((n, i) => ({ n, i })).filter((c) => c.n > 0);
  const x = (i: number) => used.findIndex((c) => c.i === i) * (W + GAP);
  const y = (i: number, k: number) => ((rows - (columns[i] ?? 0)) * ROW) / 2 + k * ROW;
  const lines: [number, number, number, number][] = [];
  for (let c = 0; c + 1 < used.length; c++) {
    const a = used[c];
    const b = used[c + 1];
    if (!a || !b) continue;
    for (let i = 0; i < a.n; i++) for (let k = 0; k < b.n; k++) lines.push([x(a.i) + W, y(a.i, i) + H / 2, x(b.i), y(b.i, k) + H / 2]);
  }
  return (
    <div style={{ overflowX: "auto", padding: "2px 2px 8px" }}>
      <div role="group" aria-label="Lineage" data-testid="lineage" style={{ position: "relative", width: used.length * (W + GAP) - GAP, height }}>
        <svg width={used.length * (W + GAP)} height={height} style={{ position: "absolute", inset: 0, pointerEvents: "none" }} fill="none" stroke="var(--dim)" strokeOpacity={0.55} strokeWidth={1.5}>
          {lines.map(([x0, y0, x1, y1], i) => (
            <path key={i} d={`M${x0} ${y0}C${x0 + GAP * 0.55} ${y0} ${x1 - GAP * 0.55} ${y1} ${x1} ${y1}`} />
          ))}
        </svg>
        {datas.map((d, i) => (
          <DatasetNode key={d.id + d.name} id={d.id} alias={d.name} x={x(0)} y={y(0, i)} />
        ))}
        {context?.experiment_id && <Box n={{ text: experiment.data?.name ?? "…", says: experiment.error ? "experiment, deleted" : "experiment", ...(experiment.error ? {} : { to: `/experiments/${context.experiment_id}` }), icon: IconFlask }} x={x(1)} y={y(1, 0)} />}
        <Box n={{ text: `${v.origin.name} / ${v.version}`, says: "this version", here: true, icon: IconBox }} x={x(2)} y={y(2, 0)} />
        {serving.map((d, i) => (
          <Box key={d.id} n={{ text: d.name, says: d.model_version?.id === v.id ? "serves as champion" : "runs as shadow", to: `/deployments/${d.id}`, icon: IconRocket }} x={x(3)} y={y(3, i)} />
        ))}
      </div>
    </div>
  );
}
