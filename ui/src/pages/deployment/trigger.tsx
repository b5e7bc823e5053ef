// What starts a continuous training by itself: one choice, and the few figures that it needs.
import { NumberInput, Select } from "@mantine/core";
import type { Pipelines } from "./data";

type Set = NonNullable<Pipelines["ct"]>;
export type Trigger = Pick<Set, "trigger" | "threshold" | "every_hours" | "weekday" | "hour" | "metric" | "below" | "reviews" | "rest_hours">;
type Word = Set["trigger"];

const choices: { value: Word; label: string; says: string }[] = [
  { value: "FEEDBACK_LOOP", label: "Enough reviewed images", says: "As soon as so many are new in the feedback loop." },
  { value: "SCHEDULE", label: "A schedule", says: "At its time, if so many reviewed images are new; else at the next." },
  { value: "DRIFT", label: "A drift alarm", says: "Once for each alarm, when so many images were reviewed since." },
  { value: "METRIC", label: "A score that falls", says: "When the champion's score on its newest reviewed images is below the bound." },
  { value: "NONE", label: "Only by hand", says: "Nothing starts by itself." },
];

const metrics: { value: NonNullable<Set["metric"]>; label: string }[] = [
  { value: "ap_50", label: "AP 50" },
  { value: "ap_50_95", label: "AP 50–95" },
  { value: "precision", label: "Precision" },
  { value: "recall", label: "Recall" },
  { value: "accuracy", label: "Accuracy" },
];

const times = [
  { value: "24", label: "Every 24 hours" },
  { value: "72", label: "Every 3 days" },
  { value: "168", label: "Every 7 days" },
  { value: "day", label: "Every day at" },
  ...["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"].map((d, i) => ({ value: `on${i}`, label: `Every ${d} at` })),
];

export const triggerOf = (ct: Pipelines["ct"] | undefined): Trigger => ({
  trigger: ct?.configured ? ct.trigger : "FEEDBACK_LOOP",
  threshold: ct?.threshold ?? 10,
  every_hours: ct?.every_hours ?? null,
  weekday: ct?.weekday ?? null,
  hour: ct?.hour ?? null,
  metric: ct?.metric ?? "ap_50",
  below: ct?.below ?? 0.6,
  reviews: ct?.reviews ?? 50,
  rest_hours: ct?.rest_hours ?? null,
});

export const triggerReady = (t: Trigger) => t.trigger === "NONE" || ((t.threshold ?? 0) > 0 && (t.trigger !== "SCHEDULE" || t.every_hours !== null || t.hour !== null));

const number = (x: string | number) => (x === "" ? null : Number(x));

function Schedule({ t, set }: { t: Trigger; set: (c: Partial<Trigger>) => void }) {
  const value = t.every_hours ? String(t.every_hours) : t.hour === null ? null : t.weekday === null ? "day" : `on${t.weekday}`;
  const choose = (v: string | null) => {
    const hour = t.hour ?? 3;
    if (v === "day") set({ every_hours: null, weekday: null, hour });
    else if (v?.startsWith("on")) set({ every_hours: null, weekday: Number(v.slice(2)), hour });
    else if (v) set({ every_hours: Number(v), weekday: null, hour: null });
  };
  const all = value && !times.some((x) => x.value === value) ? [...times, { value, label: `Every ${value} hours` }] : times;
  return (
    <>
      <Select label="When" placeholder="Choose" data={all} value={value} onChange={choose} allowDeselect={false} />
      {t.hour !== null && <NumberInput label="Hour (UTC)" min={0} max={23} allowDecimal={false} value={t.hour} onChange={(x) => set({ hour: number(x) ?? 0 })} />}
    </>
  );
}

function Falls({ t, set }: { t: Trigger; set: (c: Partial<Trigger>) => void }) {
  return (
    <>
      <Select label="Score" data={metrics} value={t.metric} onChange={(v) => set({ metric: v as Trigger["metric"] })} allowDeselect={false} />
      <NumberInput label="Below" min={0} max={1} step={0.05} decimalScale={3} value={t.below ?? ""} onChange={(x) => set({ below: number(x) ?? 0 })} />
      <NumberInput label="On at least (reviews)" min={1} max={1000} allowDecimal={false} value={t.reviews ?? ""} onChange={(x) => set({ reviews: number(x) ?? 1 })} />
    </>
  );
}

export function TriggerFields({ value: t, onChange }: { value: Trigger; onChange: (t: Trigger) => void }) {
  const set = (c: Partial<Trigger>) => onChange({ ...t, ...c });
  const rests = t.trigger === "DRIFT" || t.trigger === "METRIC";
  return (
    <fieldset style={{ border: 0, padding: 0, margin: 0, display: "grid", gap: 12 }}>
      <Select label="What starts a training" data={choices} value={t.trigger} onChange={(v) => set({ trigger: v as Word })} description={choices.find((c) => c.value === t.trigger)?.says} allowDeselect={false} />
      {t.trigger !== "NONE" && (
        <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(190px, 1fr))", gap: 12, alignItems: "end" }}>
          {t.trigger === "SCHEDULE" && <Schedule t={t} set={set} />}
          {t.trigger === "METRIC" && <Falls t={t} set={set} />}
          <NumberInput label={t.trigger === "FEEDBACK_LOOP" ? "New reviewed images" : "New reviewed images it takes"} name="threshold" min={1} allowDecimal={false} value={t.threshold ?? ""} onChange={(x) => set({ threshold: number(x) })} />
          {rests && <NumberInput label="Hours between two trainings" min={0} max={8784} allowDecimal={false} value={t.rest_hours ?? 24} onChange={(x) => set({ rest_hours: number(x) ?? 0 })} />}
        </div>
      )}
    </fieldset>
  );
}

/** What is sent: only what the trigger has to do with. */
export function triggerSent(t: Trigger): Partial<Trigger> {
  const { trigger, threshold, every_hours, weekday, hour, metric, below, reviews, rest_hours } = t;
  if (trigger === "NONE") return { trigger };
  if (trigger === "SCHEDULE") return { trigger, threshold, every_hours, weekday, hour };
  if (trigger === "METRIC") return { trigger, threshold, metric, below, reviews, rest_hours };
  return trigger === "DRIFT" ? { trigger, threshold, rest_hours } : { trigger, threshold };
}
