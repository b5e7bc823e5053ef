// The alerts of a deployment: what holds, what it is now, since when; and the form of a rule.
import { ActionIcon, Button, Menu, NumberInput, Select, SegmentedControl, Switch, TagsInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Dialog } from "../../kit/dialog";
import { exact, figure } from "../../kit/format";
import { IconBell, IconDots, IconPlus } from "../../kit/icons";
import { May, useMay } from "../../kit/may";
import { DeleteDialog } from "../../kit/naming";
import { Empty, Fault, Lines, Section, Status, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { acknowledge, addAlert, changeAlert, muteAlert, removeAlert, useAlertHistory, useAlertMetrics, useAlerts, useLabels, type Alert, type AlertMetric, type AlertRule, type Deployment } from "./data";

const units = [
  { value: "1", label: "s" },
  { value: "60", label: "min" },
  { value: "3600", label: "h" },
  { value: "86400", label: "d" },
];
const unitOf = (s: number) => [86400, 3600, 60].find((u) => s >= u && s % u === 0) ?? 1;

/** Seconds, written in the largest unit that is whole. */
function Duration({ label, value, onChange, description }: { label: string; value: number; onChange: (s: number) => void; description?: string }) {
  const [unit, setUnit] = useState(() => unitOf(value));
  return (
    <div style={{ display: "grid", gridTemplateColumns: "1fr 80px", gap: 8, alignItems: "end" }}>
      <NumberInput label={label} description={description} min={0} value={value / unit} onChange={(x) => onChange(Math.round((Number(x) || 0) * unit))} />
      <Select aria-label={`Unit of ${label}`} data={units} value={String(unit)} onChange={(u) => { const next = Number(u ?? 1); onChange((value / unit) * next); setUnit(next); }} allowDeselect={false} />
    </div>
  );
}

const amount = (m: AlertMetric | undefined, v: number | null) => {
  if (v === null || !m) return "–";
  if (m.unit === "s") {
    const u = unitOf(Math.round(v));
    return `${figure(Math.round(v) / u, 3)} ${units.find((x) => Number(x.value) === u)?.label ?? "s"}`;
  }
  return `${figure(v, 3)}${m.unit ? ` ${m.unit}` : ""}`;
};

/** The last value beside the bar that it is compared with. */
function Meter({ a, metric }: { a: Alert; metric: AlertMetric | undefined }) {
  const most = Math.max(a.value * 2, (a.last_value ?? 0) * 1.15, 1e-9);
  const at = (v: number) => `${Math.min(100, (100 * v) / most)}%`;
  const too = a.last_value === null && a.min_count > 0;
  return (
    <div style={{ display: "grid", gridTemplateColumns: "minmax(120px, 260px) auto", gap: 14, alignItems: "center" }}>
      <div role="img" aria-label={`Now ${amount(metric, a.last_value)}, bar at ${amount(metric, a.value)}`} style={{ position: "relative", height: 8, borderRadius: 4, background: "var(--sunk)" }}>
        {a.last_value !== null && <div style={{ width: at(a.last_value), height: 8, borderRadius: 4, background: a.state === "FIRING" ? "var(--bad)" : a.state === "PENDING" ? "var(--warn)" : "var(--accent)" }} />}
        <div style={{ position: "absolute", left: at(a.value), top: -3, width: 2, height: 14, background: "var(--text)" }} />
      </div>
      <span className="dim" style={{ whiteSpace: "nowrap" }}>
        {!a.active ? "not looked at" : too ? `waits for ${a.last_count} of ${a.min_count}` : a.last_value === null ? "no value yet" : `now ${amount(metric, a.last_value)}`}
      </span>
    </div>
  );
}

function State({ a }: { a: Alert }) {
  if (!a.active) return <Status of="PAUSED" word="Off" />;
  if (a.state === "FIRING") return <Status of={a.acknowledged_at ? "TERMINATED" : "FAILED"} word={a.acknowledged_at ? "Fires, seen" : "Fires"} />;
  return a.state === "PENDING" ? <Status of="PENDING" word="Pending" /> : <Status of="LIVE" word="OK" />;
}

const hours = (n: number) => new Date(Date.now() + n * 3600e3).toISOString();

function Card({ d, a, metric, onEdit }: { d: Deployment; a: Alert; metric: AlertMetric | undefined; onEdit: () => void }) {
  const [open, setOpen] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const may = useMay()("write");
  const act = (p: Promise<unknown>) => void p.catch(toast.failed);
  const muted = a.muted_until && Date.parse(a.muted_until) > Date.now();
  return (
    <article aria-label={a.says} style={{ border: "1px solid var(--line)", borderRadius: 8, padding: "12px 14px", display: "grid", gap: 10 }}>
      <div style={{ display: "flex", gap: 12, alignItems: "center" }}>
        <State a={a} />
        <b style={{ flex: 1, fontWeight: 540 }}>{a.says}</b>
        {may && <Switch checked={a.active} aria-label={`${a.says}: on`} onChange={(e) => act(changeAlert(d.id, a.id, { active: e.currentTarget.checked }))} />}
        {may && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={`More for ${a.says}`}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={onEdit}>Edit…</Menu.Item>
              {muted ? (
                <Menu.Item onClick={() => act(muteAlert(d.id, a.id, null))}>Unmute</Menu.Item>
              ) : (
                <>
                  <Menu.Item onClick={() => act(muteAlert(d.id, a.id, hours(1)))}>Mute for an hour</Menu.Item>
                  <Menu.Item onClick={() => act(muteAlert(d.id, a.id, hours(24)))}>Mute for a day</Menu.Item>
                </>
              )}
              <Menu.Item color="red" onClick={() => setDeleting(true)}>
                Delete…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      <Meter a={a} metric={metric} />
      <div className="dim" style={{ display: "flex", gap: 14, alignItems: "center", flexWrap: "wrap" }}>
        {a.active && (
          <span>
            {a.state === "OK" ? "OK" : a.state === "PENDING" ? "Holds" : "Fires"} since <Time at={a.since} />
          </span>
        )}
        {a.acknowledged_by && <span>{a.acknowledged_by} takes care of it</span>}
        {muted && <span>muted until {exact(a.muted_until ?? "")}</span>}
        {a.emails.length > 0 && <span>{a.emails.join(", ")}</span>}
        {a.webhooks && <span>told to webhooks</span>}
        <span style={{ flex: 1 }} />
        {may && a.state === "FIRING" && !a.acknowledged_at && (
          <Button size="compact-xs" variant="default" onClick={() => act(acknowledge(d.id, a.id))}>
            I take care of it
          </Button>
        )}
        <Button size="compact-xs" variant="subtle" onClick={() => setOpen(!open)} aria-expanded={open}>
          History
        </Button>
      </div>
      {open && <History id={a.id} metric={metric} />}
      <DeleteDialog open={deleting} onClose={() => setDeleting(false)} title="Delete the alert" run={() => removeAlert(d.id, a.id)}>
        {a.says}. Its history goes with it.
      </DeleteDialog>
    </article>
  );
}

function History({ id, metric }: { id: string; metric: AlertMetric | undefined }) {
  const h = useAlertHistory(id);
  if (h.error) return <Fault error={h.error} again={() => void h.refetch()} />;
  if (!h.data) return <Lines n={2} h={24} />;
  if (!h.data.items.length) return <span className="dim">It has never changed its state.</span>;
  return (
    <div style={{ display: "grid", gridTemplateColumns: "auto auto 1fr auto", gap: "4px 16px", borderTop: "1px solid var(--line)", paddingTop: 10 }}>
      {h.data.items.map((c) => (
        <div key={c.id} style={{ display: "contents" }}>
          <span className="dim">{exact(c.at)}</span>
          <span style={{ color: c.state === "FIRING" ? "var(--bad)" : undefined }}>{c.state === "FIRING" ? "Fires" : c.state === "PENDING" ? "Pending" : "OK"}</span>
          <span className="dim">{c.why}</span>
          <span className="dim">{amount(metric, c.value)}</span>
        </div>
      ))}
    </div>
  );
}

const operators = [
  { value: ">", label: "above" },
  { value: ">=", label: "at least" },
  { value: "<", label: "below" },
  { value: "<=", label: "at most" },
];

type Draft = Required<Pick<AlertRule, "metric" | "operator" | "value" | "label" | "min_count" | "hold_seconds" | "emails" | "webhooks">> & { by: "predictions" | "time"; predictions: number; seconds: number };

const begun = (m: AlertMetric): Draft => ({
  metric: m.name, operator: m.operator, value: m.value, label: null, min_count: m.min_count, hold_seconds: m.hold_seconds, emails: [], webhooks: true,
  by: m.window_predictions || !m.of_time ? "predictions" : "time", predictions: m.window_predictions || 100, seconds: m.window_seconds || 3600,
});
const opened = (a: Alert): Draft => ({ ...a, by: a.window_seconds ? "time" : "predictions", predictions: a.window_predictions ?? 100, seconds: a.window_seconds ?? 3600 });

function ruleOf(x: Draft, m: AlertMetric): AlertRule {
  const windows = !m.of_predictions && !m.of_time ? {} : x.by === "time" ? { window_seconds: x.seconds } : { window_predictions: x.predictions };
  return { metric: x.metric, operator: x.operator, value: x.value, min_count: x.min_count, hold_seconds: x.hold_seconds, emails: x.emails, webhooks: x.webhooks, ...windows, ...(m.of_label ? { label: x.label } : {}) };
}

function Form({ d, alert, metrics, onClose }: { d: Deployment; alert: Alert | null; metrics: readonly AlertMetric[]; onClose: () => void }) {
  const first = metrics.find((m) => m.name === "avg_latency") ?? metrics[0];
  const [x, setX] = useState<Draft | null>(() => (alert ? opened(alert) : first ? begun(first) : null));
  const labels = useLabels(d.id);
  const m = metrics.find((k) => k.name === x?.metric);
  if (!x || !m) return null;
  const set = (part: Partial<Draft>) => setX({ ...x, ...part });
  const of = (supervised: boolean) => metrics.filter((k) => k.supervised === supervised).map((k) => ({ value: k.name, label: k.says }));
  const ready = (!m.of_label || !!x.label) && (x.by === "time" ? x.seconds >= 60 : x.predictions >= 1);
  return (
    <Dialog open onClose={onClose} title={alert ? "Edit the alert" : "New alert"} does={alert ? "Save" : "Add alert"} ready={ready} run={() => (alert ? changeAlert(d.id, alert.id, ruleOf(x, m)) : addAlert(d.id, ruleOf(x, m)))}>
      <Select label="What" searchable data={[{ group: "From images and predictions", items: of(false) }, { group: "From reviews", items: of(true) }]} value={x.metric} allowDeselect={false}
        onChange={(name) => { const next = metrics.find((k) => k.name === name); if (next) setX({ ...begun(next), emails: x.emails, webhooks: x.webhooks }); }} />
      {m.of_label && <Select label="Label" data={labels.data?.items.map((l) => l.name) ?? []} value={x.label} onChange={(label) => set({ label })} />}
      <div style={{ display: "grid", gridTemplateColumns: "130px 1fr", gap: 8, alignItems: "end" }}>
        <Select label="Is" data={operators} value={x.operator} onChange={(o) => set({ operator: (o ?? ">") as Draft["operator"] })} allowDeselect={false} />
        {m.unit === "s" ? <Duration label="Value" value={x.value} onChange={(value) => set({ value })} /> : <NumberInput label={m.unit ? `Value (${m.unit})` : "Value"} min={0} max={m.most} step={m.most <= 1 ? 0.05 : 1} value={x.value} onChange={(v) => set({ value: Number(v) || 0 })} />}
      </div>
      {(m.of_predictions || m.of_time) && (
        <div style={{ display: "grid", gap: 8 }}>
          <label style={{ fontSize: 13, fontWeight: 500 }}>Over</label>
          {m.of_predictions && m.of_time && <SegmentedControl size="xs" data={[{ value: "predictions", label: m.supervised ? "Reviewed images" : "Predictions" }, { value: "time", label: "Time" }]} value={x.by} onChange={(by) => set({ by: by as Draft["by"] })} />}
          {x.by === "time" ? <Duration label="The last" value={x.seconds} onChange={(seconds) => set({ seconds })} /> : <NumberInput label={m.supervised ? "The last reviewed images" : "The last predictions"} min={1} max={1000} allowDecimal={false} value={x.predictions} onChange={(n) => set({ predictions: Number(n) || 1, min_count: Math.min(x.min_count, Number(n) || 1) })} />}
          {m.min_count > 0 && <NumberInput label="At least so many, or it says nothing" min={0} max={x.by === "time" ? 1000 : x.predictions} allowDecimal={false} value={x.min_count} onChange={(n) => set({ min_count: Number(n) || 0 })} />}
        </div>
      )}
      <Duration label="Must hold for" description="Shorter peaks tell nobody." value={x.hold_seconds} onChange={(hold_seconds) => set({ hold_seconds })} />
      <TagsInput label="Letters to" description="Besides the dashboard and the home page." placeholder={x.emails.length ? "" : "ops@example.org"} maxTags={10} value={x.emails} onChange={(emails) => set({ emails })} />
      <Switch label="Tell the organization’s webhooks" checked={x.webhooks} onChange={(e) => set({ webhooks: e.currentTarget.checked })} />
    </Dialog>
  );
}

export function Alerts({ d }: { d: Deployment }) {
  const alerts = useAlerts(d.id);
  const metrics = useAlertMetrics();
  const [form, setForm] = useState<Alert | "new" | null>(null);
  const failed = alerts.error ?? metrics.error;
  if (failed) return <Fault error={failed} again={() => { void alerts.refetch(); void metrics.refetch(); }} />;
  if (!alerts.data || !metrics.data) return <Lines n={3} h={90} />;
  const all = metrics.data;
  const metric = (a: Alert) => all.find((m) => m.name === a.metric);
  const group = (title: string, supervised: boolean): ReactNode => {
    const rows = alerts.data.items.filter((a) => (metric(a)?.supervised ?? false) === supervised);
    return rows.length ? (
      <Section title={title}>
        <div style={{ display: "grid", gap: 10 }}>
          {rows.map((a) => (
            <Card key={a.id} d={d} a={a} metric={metric(a)} onEdit={() => setForm(a)} />
          ))}
        </div>
      </Section>
    ) : null;
  };
  return (
    <>
      <div style={{ display: "flex", alignItems: "flex-start", gap: 16, marginBottom: 18 }}>
        <div style={{ flex: 1 }}>
          <h2 style={{ margin: 0, fontSize: 15, fontWeight: 620 }}>Alerts</h2>
          <p className="dim" style={{ margin: "3px 0 0" }}>Told on the dashboard and the home page, by letter and by webhook as soon as they fire.</p>
        </div>
        <May to="write">
          <Button leftSection={<IconPlus size={15} />} onClick={() => setForm("new")}>
            New alert
          </Button>
        </May>
      </div>
      {alerts.data.items.length === 0 && (
        <Empty icon={IconBell} title="Nobody watches this deployment yet">
          An alert compares a figure with a value: latency, silence, confidence, drift, or what reviews say.
        </Empty>
      )}
      {group("From images and predictions", false)}
      {group("From reviews", true)}
      {form && <Form d={d} alert={form === "new" ? null : form} metrics={all} onClose={() => setForm(null)} />}
    </>
  );
}
