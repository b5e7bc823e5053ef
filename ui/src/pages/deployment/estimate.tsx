// The quality that is to be expected of predictions that nobody reviewed, beside what reviews say of those that somebody did.
import { Skeleton } from "@mantine/core";
import { Link } from "wouter";
import { count, figure, fixed, plural } from "../../kit/format";
import { Fault, Section } from "../../kit/parts";
import { behind, reviewedOnes } from "./behind";
import { useEstimate, type Dashboard, type Deployment } from "./data";
import type { Filter } from "./filters";

interface Mark {
  name: string;
  value: number;
  low: number;
  high: number;
  says: string;
  href: string;
}

/** Values with their intervals on one line from 0 to 1. */
function Lines({ of }: { of: readonly Mark[] }) {
  return (
    <div style={{ display: "grid", gridTemplateColumns: "max-content minmax(120px, 1fr) max-content", gap: "6px 14px", alignItems: "center" }}>
      {of.map((m, i) => [
        <span key={`${m.name} name`}>{m.name}</span>,
        <span key={`${m.name} line`} style={{ position: "relative", height: 18 }} title={`95 % interval: ${figure(m.low, 3)} to ${figure(m.high, 3)}`}>
          <span style={{ position: "absolute", left: 0, right: 0, top: 8.5, height: 1, background: "var(--line)" }} />
          <span style={{ position: "absolute", left: `${100 * m.low}%`, width: `max(3px, ${100 * (m.high - m.low)}%)`, top: 6, height: 6, borderRadius: 3, background: i ? "var(--dim)" : "var(--accent)", opacity: 0.45 }} />
          <span style={{ position: "absolute", left: `calc(${100 * m.value}% - 4px)`, top: 5, width: 8, height: 8, borderRadius: 4, background: i ? "var(--dim)" : "var(--accent)" }} />
        </span>,
        <span key={`${m.name} value`} style={{ whiteSpace: "nowrap" }}>
          <b style={{ fontWeight: 600 }}>{fixed(m.value, 3)}</b> <span className="dim">{fixed(m.low, 2)}–{fixed(m.high, 2)}, <Link href={m.href}>{m.says}</Link></span>
        </span>,
      ])}
    </div>
  );
}

export function Estimate({ deployment: d, dashboard: x, filter }: { deployment: Deployment; dashboard: Dashboard | undefined; filter: Filter }) {
  const { data, error, refetch } = useEstimate(d.id, filter);
  const e = data?.estimate;
  const reviewed = x?.reviews[filter.slot === "shadow" ? "shadow" : "champion"];
  const value = e?.metric === "accuracy" ? reviewed?.accuracy : reviewed?.ap_50;
  const interval = e?.metric === "accuracy" ? reviewed?.accuracy_interval : reviewed?.ap_50_interval;
  const metric = e?.metric === "accuracy" ? "Accuracy" : "AP50";
  const marks: Mark[] = [];
  if (e?.value != null && e.interval) marks.push({ name: "estimated", value: e.value, low: e.interval[0], high: e.interval[1], says: plural(e.images, "prediction"), href: behind(d, x) });
  if (typeof value === "number" && interval) marks.push({ name: "reviewed", value, low: interval[0], high: interval[1], says: plural(reviewed?.images ?? 0, "review"), href: behind(d, x, reviewedOnes) });
  const worst = (e?.labels ?? []).filter((l): l is { label: string; value: number } => l.value !== null).sort((a, b) => a.value - b.value);
  return (
    <Section title="Estimated quality" end={e?.value != null ? <span className="dim">by {plural(e.known_images, "review")} of this version</span> : null}>
      {error ? (
        <Fault error={error} again={() => void refetch()} />
      ) : !e ? (
        <Skeleton height={90} />
      ) : e.value === null ? (
        <span className="dim" data-testid="estimate">
          How right the model is where nobody looked, by how sure it is. Waits for {e.waits_for}.
        </span>
      ) : (
        <div data-testid="estimate" style={{ display: "grid", gap: 10 }}>
          <span className="dim">
            {metric} of {data.looked_at.all ? "these" : `the newest ${count(data.looked_at.predictions)}`} predictions, most of which nobody reviewed, by how sure the model is of them and how often it was right where it was as sure.
          </span>
          <Lines of={marks} />
          {worst.length > 1 && (
            <span className="dim" style={{ fontSize: 12.5 }}>
              By label: {worst.slice(0, 6).map((l, i) => <span key={l.label}>{i ? ", " : ""}<Link href={behind(d, x, `${filter.slot === "shadow" ? "shadow.label.name" : "label.name"} = ${JSON.stringify(l.label)}`)}>{l.label}</Link> {figure(l.value, 2)}</span>)}
              {worst.length > 6 && ` and ${worst.length - 6} better ones`}
            </span>
          )}
        </div>
      )}
    </Section>
  );
}
