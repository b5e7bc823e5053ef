// How a deployment is watched for drift.
import { Button, NumberInput, Select } from "@mantine/core";
import { useState } from "react";
import type { DriftMonitor } from "../../api/answers";
import { Fault, Lines } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { changeDrift, useDrift, type Deployment } from "./data";
import { Part } from "./parts";

const references = [
  { value: "TRAINING", label: "The images that the model was trained on" },
  { value: "FIRST_PREDICTIONS", label: "The first predictions of the deployment" },
];

function Fields({ d, of: s }: { d: Deployment; of: DriftMonitor }) {
  const [with_, setWith] = useState<DriftMonitor["compares_with"]>(s.compares_with);
  const [window_size, setWindow] = useState<number | string>(s.window_size);
  const [step_size, setStep] = useState<number | string>(s.step_size);
  const [directions, setDirections] = useState<number | string>(s.directions);
  const [alpha, setAlpha] = useState<number | string>(s.alpha);
  const ready = [window_size, step_size, directions, alpha].every((x) => typeof x === "number");
  const save = () => changeDrift(d.id, { compares_with: with_, window_size: Number(window_size), step_size: Number(step_size), directions: Number(directions), alpha: Number(alpha) }).then(() => toast.done("Drift saved"), toast.failed);
  return (
    <>
      <Select label="Images are compared with" description="What the model says is always compared with its first predictions: on images that it has learnt it would be too sure of itself." data={references} value={with_} onChange={(v) => setWith((v ?? "TRAINING") as DriftMonitor["compares_with"])} allowDeselect={false} />
      <NumberInput label="Window" description="So many of the newest predictions are compared. A small window tells of great changes sooner, a large one of smaller changes." value={window_size} onChange={setWindow} min={30} max={2000} allowDecimal={false} />
      <NumberInput label="Checked every" description="Predictions from one check to the next." value={step_size} onChange={setStep} min={1} max={1000} allowDecimal={false} />
      <NumberInput label="Directions of the embedding" description="Of what the network sees, so many directions are compared, those along which the training images differ most." value={directions} onChange={setDirections} min={1} max={32} allowDecimal={false} />
      <NumberInput label="Risk of a false alarm of one check" description="At 0.001 there is less than one false alarm in 30 days on average, however many predictions come: checks are made at most every 45 minutes on average. It is shared out among the features." value={alpha} onChange={setAlpha} min={0.000001} max={0.5} step={0.001} decimalScale={6} />
      <div>
        <Button disabled={!ready} onClick={() => void save()}>
          Save
        </Button>
      </div>
    </>
  );
}

export function DriftSettings({ d }: { d: Deployment }) {
  const drift = useDrift(d.id);
  const s = drift.data?.settings;
  if (drift.error) return <Fault error={drift.error} again={() => void drift.refetch()} />;
  if (!s) return <Lines n={4} />;
  return (
    <Part title="Drift" says="Whether production still shows what the model was made for." on={s.active} onToggle={(active) => changeDrift(d.id, { active }).catch(toast.failed)}>
      <Fields key={JSON.stringify(s)} d={d} of={s} />
    </Part>
  );
}
