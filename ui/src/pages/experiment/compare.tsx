// Two or more experiments side by side: curves over each other, what differs in their parameters.
import { SegmentedControl, Slider, Switch } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useParams, useSearch } from "wouter";
import { Chart, type ChartSpec } from "../../kit/chart";
import { figure } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconCompare } from "../../kit/icons";
import { lineColour } from "../../kit/palette";
import { Cut, Empty, Fault, Lines, Section, Status, Swatch } from "../../kit/parts";
import { useUrl } from "../../kit/url";
import { useComputedColorScheme } from "@mantine/core";
import { logsQuery, useProject, useProjectExperiments, type Experiment, type Log } from "./data";
import { pointsOf } from "./logs";

/** Of losses the least is best, of what is reached the most; of a rate or a speed nothing is. */
const lower = (name: string) => /loss|error/i.test(name);
const higher = (name: string) => /mAP|precision|recall|accuracy|f1|iou|auc/i.test(name);
/** What was reached stands first, then losses, then the rest, the machine's figures last. */
const weight = (name: string) => (/(^|\/)mAP50$/i.test(name) ? 0 : /mAP/i.test(name) ? 1 : higher(name) ? 2 : /(^|\/)loss$/i.test(name) ? 3 : lower(name) ? 4 : /second|time|memory/i.test(name) ? 6 : 5);
const byWeight = (a: string, b: string) => weight(a) - weight(b) || a.localeCompare(b);
const best = (name: string, values: number[]) => (lower(name) ? Math.min(...values) : Math.max(...values));

export default function Compare() {
  const { id = "" } = useParams();
  const ids = useMemo(() => (new URLSearchParams(location.search).get("ids") ?? "").split(",").filter(Boolean), [useSearch()]);
  const dark = useComputedColorScheme("light") === "dark";
  const project = useProject(id);
  const all = useProjectExperiments(id);
  const logs = useQueries({ queries: ids.map((e) => logsQuery(e)) });
  const [only, setOnly] = useUrl("only", "on");
  const [smooth, setSmooth] = useUrl("smooth", "0");
  const [scale, setScale] = useUrl("scale", "linear");
  const s = Number(smooth) || 0;
  const chosen = ids.map((i) => all.data?.items.find((e) => e.id === i)).filter((e): e is Experiment => !!e);
  const colour = (i: number) => lineColour(i, dark);
  const sets = logs.map((l) => l.data?.items);
  const lines = useMemo(() => {
    const names = new Set<string>();
    sets.forEach((set) => set?.forEach((l) => l.type === "LINE" && names.add(l.name)));
    return [...names].sort(byWeight);
  }, [logs.map((l) => l.dataUpdatedAt).join()]);
  const values = useMemo(() => {
    const names = new Map<string, (number | null)[]>();
    const put = (name: string, i: number, v: number) => {
      const row = names.get(name) ?? ids.map(() => null);
      row[i] = v;
      names.set(name, row);
    };
    sets.forEach((set, i) => {
      set?.forEach((l) => {
        if (l.type === "VALUE") {
          if (set.some((curve) => curve.type === "LINE" && curve.name === `eval/${l.name}`)) return; // the end of that curve
          const v = typeof l.data === "object" && l.data ? (l.data as { value?: unknown }).value : l.data;
          if (typeof v === "number") put(l.name, i, v);
        } else if (l.type === "LINE") {
          const ys = pointsOf(l.data).flatMap(([, y]) => (y === null ? [] : [y]));
          if (ys.length) put(l.name, i, lower(l.name) || higher(l.name) ? best(l.name, ys) : (ys[ys.length - 1] ?? 0));
        }
      });
    });
    return [...names.entries()].sort((a, b) => byWeight(a[0], b[0]));
  }, [logs.map((l) => l.dataUpdatedAt).join(), ids]);
  const parameters = useMemo(() => {
    const keys = new Set(chosen.flatMap((e) => Object.keys(e.parameters ?? {})));
    const facts: { name: string; values: string[]; same: boolean }[] = [];
    const row = (name: string, of: (e: Experiment) => string) => {
      const v = chosen.map(of);
      facts.push({ name, values: v, same: new Set(v).size < 2 });
    };
    row("base model", (e) => (e.base_model_version ? `${typeof e.base_model_version.origin === "object" ? e.base_model_version.origin.name : (e.base_model_version.name ?? "")} / ${e.base_model_version.version}` : "–"));
    row("datasets", (e) => e.datasets?.map((d) => `${d.name}: ${d.dataset_version.origin_name} / ${d.dataset_version.version}`).join(", ") || "–");
    for (const k of [...keys].sort()) row(k, (e) => (e.parameters?.[k] === undefined ? "–" : typeof e.parameters[k] === "number" ? figure(e.parameters[k] as number) : String(e.parameters[k])));
    return facts;
  }, [chosen.map((e) => e.id + e.updated_at).join()]);
  const shown = only === "on" ? parameters.filter((p) => !p.same) : parameters;
  const specs = useMemo(
    () =>
      lines.map((name): { name: string; spec: ChartSpec } => {
        const series = chosen.flatMap((e, i) => {
          const l = sets[ids.indexOf(e.id)]?.find((x: Log) => x.name === name && x.type === "LINE");
          return l ? [{ name: e.name, points: pointsOf(l.data), colour: colour(i) }] : [];
        });
        return { name, spec: { kind: "line", x: "step", xName: "step", series, smooth: s, log: scale === "log" && series.every((x) => x.points.every(([, y]) => y === null || y > 0)) } };
      }),
    [lines, s, scale, dark, chosen.length, logs.map((l) => l.dataUpdatedAt).join()],
  );
  const head = (
    <thead>
      <tr>
        <th style={{ width: 220 }} />
        {chosen.map((e, i) => (
          <th key={e.id} style={{ color: "var(--text)" }}>
            <Link href={`/experiments/${e.id}`} style={{ display: "inline-flex", gap: 7, alignItems: "center", textDecoration: "none", maxWidth: 240 }}>
              <Swatch colour={colour(i)} />
              <Cut text={e.name} />
            </Link>
          </th>
        ))}
      </tr>
    </thead>
  );
  const error = all.error ?? logs.find((l) => l.error)?.error;
  return (
    <div className="page">
      <Head crumbs={[{ text: "Projects", to: "/projects" }, { text: project.data?.name ?? "…", to: `/projects/${id}` }, { text: `Compare ${ids.length} experiments` }]} />
      <div className="body">
        {error ? (
          <Fault error={error as { message: string }} />
        ) : ids.length < 2 ? (
          <Empty icon={IconCompare} title="Choose two or more experiments">
            <Link href={`/projects/${id}`}>Choose them in the project’s table.</Link>
          </Empty>
        ) : !all.data ? (
          <Lines n={8} />
        ) : (
          <>
            <Section title="Results" end={<span className="dim">of losses and scores the best value, of other curves the last</span>}>
              <div style={{ overflowX: "auto" }}>
                <table className="table" data-testid="compare-results">
                  {head}
                  <tbody>
                    <tr>
                      <td className="dim">status</td>
                      {chosen.map((e) => (
                        <td key={e.id}>
                          <Status of={e.status} />
                        </td>
                      ))}
                    </tr>
                    {values.map(([name, row]) => {
                      const known = chosen.map((e) => row[ids.indexOf(e.id)] ?? null);
                      const numbers = known.filter((v): v is number => v !== null);
                      const top = best(name, numbers);
                      const differ = (lower(name) || higher(name)) && new Set(numbers.map((v) => figure(v))).size > 1;
                      return (
                        <tr key={name}>
                          <td className="dim">{name}</td>
                          {known.map((v, i) => (
                            <td key={i} style={differ && v !== null && figure(v) === figure(top) ? { fontWeight: 650, color: "var(--accent)" } : undefined}>{figure(v)}</td>
                          ))}
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              </div>
            </Section>
            <Section title="Parameters" end={<Switch size="xs" label="Only what differs" checked={only === "on"} onChange={(e) => setOnly(e.currentTarget.checked ? "on" : "off")} />}>
              {!shown.length ? (
                <span className="dim">All parameters are the same.</span>
              ) : (
                <div style={{ overflowX: "auto" }}>
                  <table className="table" data-testid="compare-parameters">
                    {head}
                    <tbody>
                      {shown.map((p) => (
                        <tr key={p.name} data-differs={p.same ? undefined : ""}>
                          <td className="mono dim">{p.name}</td>
                          {p.values.map((v, i) => (
                            <td key={i} title={v} style={p.same ? undefined : { background: "color-mix(in srgb, var(--warn) 11%, transparent)", fontWeight: 560 }}>{v}</td>
                          ))}
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              )}
            </Section>
            <Section
              title="Curves"
              end={
                <>
                  <SegmentedControl size="xs" value={scale} onChange={setScale} data={[{ value: "linear", label: "Linear" }, { value: "log", label: "Log" }]} aria-label="Scale of the y axis" />
                  <span className="dim">Smoothing</span>
                  <Slider w={110} size={3} thumbSize={14} min={0} max={0.98} step={0.02} value={s} label={(v) => v.toFixed(2)} onChange={(v) => setSmooth(v ? v.toFixed(2) : null)} thumbLabel="Smoothing of the curves" />
                </>
              }
            >
              {logs.some((l) => !l.data) ? (
                <Lines n={4} h={80} />
              ) : !specs.length ? (
                <span className="dim">None of them has a curve yet.</span>
              ) : (
                <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(420px, 1fr))", gap: 14 }}>
                  {specs.map((c) => (
                    <figure key={c.name} className="card" data-log={c.name} style={{ margin: 0, padding: "10px 12px 12px" }}>
                      <figcaption style={{ fontWeight: 560, marginBottom: 6 }}>{c.name}</figcaption>
                      <Chart spec={c.spec} name={c.name} height={230} />
                    </figure>
                  ))}
                </div>
              )}
            </Section>
          </>
        )}
      </div>
    </div>
  );
}
