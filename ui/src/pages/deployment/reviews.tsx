// What reviews say of the models: figures with their intervals, by label and size, and what is taken for what.
import { SegmentedControl, Skeleton } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { count, figure, fixed, percent, plural } from "../../kit/format";
import { Fault, Section } from "../../kit/parts";
import { useUrl } from "../../kit/url";
import { behind, behindCell, reviewedOnes } from "./behind";
import { useConfusion, type Dashboard, type Deployment, type Reviewed } from "./data";
import type { Filter } from "./filters";

/** From so many reviews on an interval is short enough to act by. */
const steady = 30;
type Interval = readonly [number, number] | null | undefined;

/** A figure from 0 to 1 and below it its interval. */
function Scored({ value, interval }: { value: number | null | undefined; interval: Interval }) {
  if (typeof value !== "number") return <span className="dim">–</span>;
  return (
    <>
      <span>{fixed(value, 3)}</span>
      {interval && (
        <span className="dim" title="95 % interval: images drawn anew" style={{ display: "block", fontSize: 11.5, whiteSpace: "nowrap" }}>
          {fixed(interval[0], 2)}–{fixed(interval[1], 2)}
        </span>
      )}
    </>
  );
}

/** What reviews say of both on the same images, to decide by. */
export function Beside({ of }: { of: Dashboard["reviews"] | undefined }) {
  const b = of?.beside;
  if (!b?.images || b.shadow === null) return <span className="dim">Waits for the review of an image that both have seen.</span>;
  const signed = (x: number) => (x < 0 ? "−" : "+") + figure(Math.abs(x), 2);
  const within = (i: Interval) => (i ? ` (${fixed(i[0], 2)}–${fixed(i[1], 2)})` : "");
  return (
    <span className="dim" data-testid="beside">
      {b.metric} <b>{fixed(b.shadow, 3)}</b>{within(b.shadow_interval)}, the champion’s {fixed(b.champion, 3)}{within(b.champion_interval)}, on the same {plural(b.images, "reviewed image")}
      {b.better !== null && b.difference && (
        <>
          ; better in {percent(b.better)} of resamples ({signed(b.difference[0])} to {signed(b.difference[1])})
        </>
      )}
    </span>
  );
}

interface Row {
  name: string;
  r: Reviewed;
}

function rowsOf(of: Dashboard["reviews"]): Row[] {
  const s = of.shared;
  if (s?.champion.images && s.shadow.images) return [{ name: "champion", r: s.champion }, { name: "shadow", r: s.shadow }];
  return (["champion", "shadow"] as const).flatMap((k) => (of[k].images ? [{ name: k, r: of[k] }] : []));
}

function Figures({ rows, reviewed }: { rows: readonly Row[]; reviewed: (label?: string) => string }) {
  const whole = rows.some(({ r }) => r.accuracy !== undefined);
  return (
    <table className="table" data-testid="reviewed">
      <thead>
        <tr>
          <th />
          <th data-align="right">Reviews</th>
          {whole ? <th data-align="right">Accuracy</th> : <><th data-align="right">AP50</th><th data-align="right">AP50–95</th><th data-align="right" title="Average recall, over IoU 0.5 to 0.95">AR</th></>}
          <th data-align="right" title={whole ? "Mean over the labels" : "At the score at which F1 is best, at IoU 0.5"}>Precision</th>
          <th data-align="right">Recall</th>
          <th data-align="right">F1</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, r }) => (
          <tr key={name}>
            <td>{name}</td>
            <td data-align="right"><Link href={reviewed()} style={{ textDecoration: "none" }} title="Opens the reviewed images">{count(r.images)}</Link></td>
            {whole ? (
              <td data-align="right"><Scored value={r.accuracy} interval={r.accuracy_interval} /></td>
            ) : (
              <>
                <td data-align="right"><Scored value={r.ap_50} interval={r.ap_50_interval} /></td>
                <td data-align="right"><Scored value={r.ap_50_95} interval={r.ap_50_95_interval} /></td>
                <td data-align="right"><Scored value={r.ar} interval={r.ar_interval} /></td>
              </>
            )}
            <td data-align="right"><Scored value={r.precision} interval={r.precision_interval} /></td>
            <td data-align="right"><Scored value={r.recall} interval={r.recall_interval} /></td>
            <td data-align="right"><Scored value={r.f1} interval={r.f1_interval} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const bounds: Record<string, string> = { all: "of any size", small: "up to 32 × 32 pixels", medium: "up to 96 × 96 pixels", large: "above 96 × 96 pixels" };

type Told = readonly (readonly [name: string, value: number | null | undefined, interval: Interval])[];

/** What is told of a label, or of all of them, of things of a size. */
function toldOf(of: Reviewed | Reviewed["labels"][number] | undefined, whole: boolean, size: string): Told {
  if (whole) return [["Precision", of?.precision, of?.precision_interval], ["Recall", of?.recall, of?.recall_interval], ["F1", of?.f1, of?.f1_interval]];
  const sized = of?.sizes?.find((s) => s.size === size);
  if (size !== "all") return [["AP50–95", sized?.ap, sized?.ap_interval], ["AR", sized?.ar, sized?.ar_interval]];
  const average = of && "ap_50_95" in of ? [of.ap_50_95, of.ap_50_95_interval] as const : of && "ap" in of ? [of.ap, of.ap_interval] as const : [undefined, undefined] as const;
  return [["AP50", of?.ap_50, of?.ap_50_interval], ["AP50–95", ...average], ["AR", of?.ar, of?.ar_interval]];
}

/** One line a label (and one for all), the models side by side; a label opens the reviewed images that it rests on. */
function ByLabel({ rows, reviewed }: { rows: readonly Row[]; reviewed: (label?: string) => string }) {
  const [size, setSize] = useState("all");
  const first = rows[0]?.r;
  if (!first?.labels.length) return null;
  const whole = first.accuracy !== undefined;
  const wide = rows.length > 1;
  const all = rows.map(({ r }) => r);
  const lines = [
    ...(whole ? [] : [{ label: "all labels", href: reviewed(), of: all as (Reviewed | Reviewed["labels"][number] | undefined)[] }]),
    ...first.labels.map((l) => ({ label: l.label, href: reviewed(l.label), of: all.map((r) => r.labels.find((x) => x.label === l.label)) })),
  ];
  return (
    <div style={{ marginTop: 18 }}>
      {!whole && (
        <div style={{ display: "flex", alignItems: "center", gap: 10, marginBottom: 4 }}>
          <SegmentedControl size="xs" value={size} onChange={setSize} aria-label="Size of things" data={[{ value: "all", label: "All sizes" }, { value: "small", label: "Small" }, { value: "medium", label: "Medium" }, { value: "large", label: "Large" }]} />
          <span className="dim" style={{ fontSize: 12 }}>things {bounds[size]}</span>
        </div>
      )}
      <table className="table" data-testid="by-label">
        <thead>
          <tr>
            <th>Label</th>
            {!whole && <th data-align="right">Things</th>}
            <th data-align="right" title={whole ? "Reviewed images of the label" : "Reviewed images that have such a thing: what the figures rest on"}>Images</th>
            {rows.flatMap(({ name, r }) => toldOf(r, whole, size).map(([h]) => (
              <th key={name + h} data-align="right">{h}{wide && <span className="dim" style={{ display: "block" }}>{name}</span>}</th>
            )))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => {
            const one = line.of[0];
            const there = size === "all" ? one : one?.sizes?.find((s) => s.size === size);
            return (
              <tr key={line.label}>
                <td><Link href={line.href} style={{ textDecoration: "none" }} title="Opens the reviewed images">{line.label}</Link></td>
                {!whole && <td data-align="right">{count(there?.truths ?? 0)}</td>}
                <td data-align="right">{count(there?.images ?? there?.truths ?? 0)}</td>
                {rows.flatMap(({ name }, i) => toldOf(line.of[i], whole, size).map(([h, value, interval]) => <td key={name + h} data-align="right"><Scored value={value} interval={interval} /></td>))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Confusion({ deployment: d, filter, both }: { deployment: Deployment; filter: Filter; both: boolean }) {
  const [of, setOf] = useUrl("matrix", "champion");
  const { data, error, refetch } = useConfusion(d.id, filter, both ? of : "champion");
  if (error) return <Fault error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton height={220} />;
  const m = data.matrix;
  const whole = d.type === "CLASSIFICATION";
  const used = m.labels.map((_, i) => i).filter((i) => m.counts.some((row, k) => row[i] || (k === i && row.some(Boolean))));
  const last = m.labels.length;
  const rows = whole ? used : [...used, last];
  const columns = [...used, ...(!whole || m.counts.some((r) => r[last]) ? [last] : [])];
  const sums = m.counts.map((row) => row.reduce((a, b) => a + b, 0));
  const cell = (i: number, k: number) => m.counts[i]?.[k] ?? 0;
  return (
    <div>
      <div style={{ display: "flex", alignItems: "center", gap: 10, marginBottom: 6, minHeight: 26 }}>
        <span className="dim" style={{ fontSize: 12 }}>
          {plural(m.images, "reviewed image")}{both && ` that the ${of} saw`}. Rows: reviewed as. Columns: predicted as{whole ? "" : ", where boxes overlap by half"}. A cell opens its images.
        </span>
        {both && <SegmentedControl size="xs" style={{ marginLeft: "auto", flex: "none" }} value={of} onChange={setOf} data={[{ value: "champion", label: "Champion" }, { value: "shadow", label: "Shadow" }]} aria-label="Whose matrix" />}
      </div>
      <div style={{ overflow: "auto", maxHeight: 420 }}>
        <table style={{ borderCollapse: "separate", borderSpacing: 2, fontSize: 12.5 }} data-testid="confusion">
          <thead>
            <tr>
              <th />
              {columns.map((k) => (
                <th key={k} className="dim" title={m.labels[k]?.name} style={{ fontWeight: 500, padding: "2px 6px", maxWidth: 96, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
                  {m.labels[k]?.name ?? "not found"}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((i) => (
              <tr key={i}>
                <th className="dim" title={m.labels[i]?.name} style={{ fontWeight: 500, textAlign: "right", padding: "2px 8px", maxWidth: 140, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
                  {m.labels[i]?.name ?? "nothing there"}
                </th>
                {columns.map((k) => {
                  const n = cell(i, k);
                  const share = sums[i] ? n / (sums[i] ?? 1) : 0;
                  const colour = i === k ? "var(--good)" : "var(--bad)";
                  const style = { display: "block", minWidth: 64, padding: "7px 8px", textAlign: "center", borderRadius: 4, textDecoration: "none", color: n ? "var(--text)" : "var(--dim)", background: n ? `color-mix(in srgb, ${colour} ${Math.round(8 + 42 * share)}%, var(--raised))` : "var(--sunk)" } as const;
                  return (
                    <td key={k} style={{ padding: 0 }}>
                      {n ? (
                        <Link href={behindCell(d, filter, both ? of : "champion", m.labels[i]?.id, m.labels[k]?.id)} style={style} title={`${percent(share)} of ${i === last ? "what is not there" : m.labels[i]?.name ?? ""}`}>
                          {count(n)}
                        </Link>
                      ) : (
                        <span style={style}>{i === last && k === last ? "\u00a0" : "0"}</span>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

export function Reviews({ deployment: d, dashboard: x, filter }: { deployment: Deployment; dashboard: Dashboard | undefined; filter: Filter }) {
  if (!x) return <Section title="Against reviews"><Skeleton height={160} /></Section>;
  const rows = rowsOf(x.reviews);
  const n = Math.min(...rows.map(({ r }) => r.images));
  const shared = rows.length > 1 && !!x.reviews.shared;
  const reviewed = (label?: string) => behind(d, x, [reviewedOnes, shared && d.shadow_model_version && `shadow.model_version_id = "${d.shadow_model_version.id}"`, label !== undefined && `review.label.name = ${JSON.stringify(label)}`].filter(Boolean).join(" and "));
  return (
    <Section title="Against reviews" end={rows.length > 0 && (shared || n < steady) ? <span className="dim">{shared && <>on the {plural(n, "image")} that both saw{n < steady && " · "}</>}{n < steady && <span data-testid="few-reviews">{n} of {steady} reviews that make these figures steady</span>}</span> : null}>
      {!rows.length ? (
        <span className="dim">
          Waits for reviews: 0 of {steady}.{" "}
          {x.counts.to_review > 0 && <Link href={`/review/${d.id}?queue=MIXED`}>Review {plural(x.counts.to_review, "prediction")}</Link>}
        </span>
      ) : (
        <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(680px, 100%), 1fr))", gap: "20px 32px", alignItems: "start" }}>
          <div style={{ minWidth: 0, overflowX: "auto" }}>
            <Figures rows={rows} reviewed={reviewed} />
            <ByLabel rows={rows} reviewed={reviewed} />
          </div>
          <Confusion deployment={d} filter={filter} both={rows.some((r) => r.name === "shadow")} />
        </div>
      )}
      {x.reviews.directed > 0 && (
        <p className="dim" style={{ margin: "10px 0 0", fontSize: 12 }} data-testid="directed">
          Not counted: {plural(x.reviews.directed, "review")} of images that the queue put forward because a model found them hard. Of those alone it would look worse than it is.
        </p>
      )}
    </Section>
  );
}
