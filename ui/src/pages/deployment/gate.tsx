// What is decided by reviews: that a shadow takes over, that a champion goes. The settings, and the decisions with their figures.
import { NumberInput, Switch } from "@mantine/core";
import { useEffect, useState } from "react";
import { percent, plural } from "../../kit/format";
import { Fault, Lines, Section, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { changeGate, useDecisions, useGate, type Decision, type Deployment } from "./data";

export function GateSettings({ deployment: d }: { deployment: Deployment }) {
  const gate = useGate(d.id);
  const g = gate.data;
  const [reviews, setReviews] = useState(50);
  const [margin, setMargin] = useState(0);
  const [confidence, setConfidence] = useState(95);
  useEffect(() => {
    if (!g) return;
    setReviews(g.reviews);
    setMargin(g.margin);
    setConfidence(Math.round(g.confidence * 1000) / 10);
  }, [g]);
  if (gate.error) return <Fault error={gate.error} again={() => void gate.refetch()} />;
  if (!g) return <Lines n={3} />;
  const set = (c: Parameters<typeof changeGate>[1]) => changeGate(d.id, c).then(() => toast.done("Saved"), toast.failed);
  return (
    <section style={{ marginTop: 32, display: "grid", gap: 14 }} aria-label="By what reviews say">
      <h2 style={{ margin: 0, fontSize: 14 }}>By what reviews say</h2>
      <Switch checked={g.promotes} onChange={(e) => void set({ promotes: e.currentTarget.checked })} label="A shadow that is better takes over by itself" description="Both models are compared on the reviewed images that both have seen." />
      <Switch checked={g.rolls_back} onChange={(e) => void set({ rolls_back: e.currentTarget.checked })} label="A champion that turns out worse than its predecessor goes" description={`Once its predecessor had ${plural(g.reviews, "review")}, and as soon as its own score is surely below what that one had.`} />
      <div style={{ display: "grid", gridTemplateColumns: "repeat(3, minmax(0, 1fr))", gap: 16 }}>
        <NumberInput label="Reviews before the first look" description="The next look is at twice as many." min={10} max={2000} value={reviews} onChange={(x) => setReviews(Number(x) || 50)} onBlur={() => reviews !== g.reviews && void set({ reviews })} />
        <NumberInput label="Better by" description="Difference of the score, 0 to 0.5." min={0} max={0.5} step={0.01} decimalScale={3} value={margin} onChange={(x) => setMargin(Number(x) || 0)} onBlur={() => margin !== g.margin && void set({ margin })} />
        <NumberInput label="With a confidence of" description="Over all looks together." suffix=" %" min={50} max={99} decimalScale={1} value={confidence} onChange={(x) => setConfidence(Number(x) || 95)} onBlur={() => confidence / 100 !== g.confidence && void set({ confidence: confidence / 100 })} />
      </div>
    </section>
  );
}

const words: Record<Decision["kind"], { text: string; colour: string }> = {
  TRAINING: { text: "Training began", colour: "--accent" },
  PASSED: { text: "Passed its test", colour: "--good" },
  REFUSED: { text: "Not put to work", colour: "--bad" },
  PROMOTED: { text: "Took over", colour: "--good" },
  KEPT: { text: "Stays a shadow", colour: "--dim" },
  ROLLED_BACK: { text: "Rolled back", colour: "--bad" },
  STAYED: { text: "Stays champion", colour: "--dim" },
  CHAMPION: { text: "New champion", colour: "--accent" },
  SHADOW: { text: "Shadow", colour: "--dim" },
  CANARY: { text: "Shadow answers", colour: "--warn" },
  PAUSED: { text: "Paused", colour: "--bad" },
  RESUMED: { text: "Resumed", colour: "--good" },
};

/** Nothing at all while nothing was decided. */
export function Decisions({ deployment: d }: { deployment: Deployment }) {
  const { data } = useDecisions(d.id);
  if (!data?.items.length) return null;
  return (
    <Section title="Decisions">
      <table className="table">
        <tbody>
          {data.items.map((x) => (
            <tr key={x.id}>
              <td style={{ width: 1 }}>
                <span className="chip" style={{ ["--chip" as string]: `var(${words[x.kind].colour})` }}>
                  {words[x.kind].text}
                </span>
              </td>
              <td style={{ maxWidth: "none", whiteSpace: "normal", padding: "9px 12px" }}>{x.says}{x.created_by && <span className="dim"> · {x.created_by}</span>}</td>
              <td data-align="right" className="dim" style={{ width: 1 }} title={x.confidence === null ? undefined : `asked for: ${percent(x.confidence, 1)}`}>
                <Time at={x.created_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
