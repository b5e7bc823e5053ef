// Settings of a deployment: general, and the loops: training data, feedback, training, deployment, alerts.
import { ActionIcon, Button, NumberInput, Select, Slider, Switch, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { plural } from "../../kit/format";
import { IconPlus, IconX } from "../../kit/icons";
import { NameField, nameReady } from "../../kit/naming";
import { ParameterFields, faultOf } from "../../kit/parameter-fields";
import { Fault, Lines, Status, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { useUrl } from "../../kit/url";
import { VersionPick } from "../../kit/version-pick";
import {
  addToLoop,
  change,
  leaveLoop,
  setChampion,
  setPolicy,
  setTraining,
  setTrainingData,
  toggle,
  trainNow,
  useModels,
  useModelVersions,
  usePipelines,
  useProjects,
  useSettings,
  type Deployment,
  type Parameters,
  type Pipelines,
  type Test,
} from "./data";
import { Alerts } from "./alerts";
import { GateSettings } from "./gate";
import { DriftSettings } from "./drift-settings";
import { OutlierSettings } from "./outlier-settings";
import { Part } from "./parts";
import { Tokens } from "./tokens";
import { TriggerFields, triggerOf, triggerReady, triggerSent } from "./trigger";

const parts = [
  { key: "general", text: "General" },
  { key: "tokens", text: "Tokens" },
  { key: "training-data", text: "Training data" },
  { key: "feedback", text: "Feedback loop" },
  { key: "training", text: "Continuous training" },
  { key: "deployment", text: "Continuous deployment" },
  { key: "drift", text: "Drift" },
  { key: "outliers", text: "Outliers" },
  { key: "alerts", text: "Alerts" },
];

export function DeploymentSettings({ deployment: d }: { deployment: Deployment }) {
  const [part, setPart] = useUrl("part", "general");
  const pipes = usePipelines(d.id);
  const p = pipes.data;
  const needs = !["general", "alerts", "drift", "outliers", "tokens"].includes(part);
  return (
    <div className="body">
      <div style={{ display: "grid", gridTemplateColumns: "190px minmax(0, 680px)", gap: 40 }}>
        <nav aria-label="Settings" style={{ display: "grid", gap: 2, alignContent: "start" }}>
          {parts.map((x) => (
            <button key={x.key} type="button" className="rail-link" data-here={part === x.key ? "" : undefined} onClick={() => setPart(x.key)}>
              {x.text}
            </button>
          ))}
        </nav>
        <div>
          {needs && pipes.error ? (
            <Fault error={pipes.error} again={() => void pipes.refetch()} />
          ) : needs && !p ? (
            <Lines n={4} />
          ) : part === "training-data" && p ? (
            <TrainingData d={d} p={p} />
          ) : part === "feedback" && p ? (
            <Feedback d={d} p={p} />
          ) : part === "training" && p ? (
            <Training d={d} p={p} />
          ) : part === "deployment" && p ? (
            <>
              <Delivery d={d} p={p} />
              <GateSettings deployment={d} />
            </>
          ) : part === "drift" ? (
            <DriftSettings d={d} />
          ) : part === "outliers" ? (
            <OutlierSettings d={d} />
          ) : part === "alerts" ? (
            <Alerts d={d} />
          ) : part === "tokens" ? (
            <Tokens d={d} />
          ) : (
            <General key={d.name + String(d.min_threshold)} d={d} />
          )}
        </div>
      </div>
    </div>
  );
}

const saved = (what: string) => () => toast.done(`${what} saved`);

function General({ d }: { d: Deployment }) {
  const [name, setName] = useState(d.name);
  const [least, setLeast] = useState(d.min_threshold ?? 0);
  const origin = typeof d.model_version?.origin === "object" ? d.model_version.origin.id : null;
  const [model, setModel] = useState<string | null>(origin);
  const models = useModels(false);
  const versions = useModelVersions(model);
  const [version, setVersion] = useState<string | null>(d.model_version?.id ?? null);
  return (
    <Part title="General" says="Name, threshold and champion.">
      <NameField value={name} onChange={setName} />
      <div>
        <label style={{ fontSize: 13, fontWeight: 500 }}>Confidence threshold</label>
        <div style={{ display: "grid", gridTemplateColumns: "1fr 90px", gap: 16, alignItems: "center" }}>
          <Slider min={0} max={1} step={0.01} label={null} value={least} onChange={setLeast} thumbLabel="Confidence threshold" />
          <NumberInput aria-label="Confidence threshold as a number" min={0} max={1} step={0.05} decimalScale={2} value={least} onChange={(x) => setLeast(Math.min(1, Math.max(0, Number(x) || 0)))} />
        </div>
        <span className="dim">Shapes below it are dropped from answers and from what is kept.</span>
      </div>
      <div>
        <Button disabled={!nameReady(name) || (name === d.name && least === d.min_threshold)} onClick={() => change(d.id, { name: name.trim(), min_threshold: least }).then(saved("General settings"), toast.failed)}>
          Save
        </Button>
      </div>
      <div style={{ borderTop: "1px solid var(--line)", paddingTop: 16, display: "grid", gap: 8 }}>
        <label style={{ fontSize: 13, fontWeight: 500 }}>Champion</label>
        <div style={{ display: "grid", gridTemplateColumns: "1fr 120px auto", gap: 8 }}>
          <Select aria-label="Model of the champion" data={models.data?.items.map((m) => ({ value: m.id, label: m.name })) ?? []} value={model} onChange={(m) => { setModel(m); setVersion(null); }} allowDeselect={false} />
          <Select aria-label="Version of the champion" data={versions.data?.items.map((v) => ({ value: v.id, label: String(v.version) })) ?? []} value={version} onChange={setVersion} allowDeselect={false} />
          <Button size="sm" variant="default" disabled={!version || version === d.model_version?.id} onClick={() => version && setChampion(d.id, version).then(saved("The champion is"), toast.failed)}>
            Set champion
          </Button>
        </div>
      </div>
    </Part>
  );
}

function TrainingData({ d, p }: { d: Deployment; p: Pipelines }) {
  const td = p.training_data;
  const [version, setVersion] = useState<string | null>(td?.dataset_version?.id ?? null);
  return (
    <Part title="Training data" says="What the champion was trained on: the reference for drift, outliers and the distribution of labels.">
      <VersionPick name="training data" value={td?.dataset_version ?? null} onChange={setVersion} />
      {td?.status && <span className="dim">Its figures: {td.status.toLowerCase()}</span>}
      <div style={{ display: "flex", gap: 8 }}>
        <Button disabled={!version || version === td?.dataset_version?.id} onClick={() => setTrainingData(d.id, version).then(saved("Training data"), toast.failed)}>
          Save
        </Button>
        {td?.dataset_version && (
          <Button variant="default" onClick={() => setTrainingData(d.id, null).catch(toast.failed)}>
            Use none
          </Button>
        )}
      </div>
    </Part>
  );
}

function Feedback({ d, p }: { d: Deployment; p: Pipelines }) {
  const old = p.fl?.datasets ?? [];
  const [version, setVersion] = useState<string | null>(null);
  const [turn, setTurn] = useState(0); // the choice begins anew
  const add = async () => {
    if (!version) return;
    await addToLoop(d.id, version, old.length > 0);
    setVersion(null);
    setTurn(turn + 1);
    toast.done("Feedback loop saved");
  };
  return (
    <Part title="Feedback loop" says="Reviewed predictions that you send there become annotated images of these dataset versions. One that has an image already takes no second copy of it." on={!!p.fl?.active} ready={old.length > 0} onToggle={(on) => toggle(d.id, "fl", on).catch(toast.failed)}>
      {old.map((v) => (
        <div key={v.id} style={{ display: "flex", gap: 8, alignItems: "center" }} data-testid="loop-version">
          <Link href={`/versions/${v.id}`}>{v.origin_name} / {v.version}</Link>
          <span style={{ flex: 1 }} />
          <ActionIcon aria-label={`Send nothing more to ${v.version}`} onClick={() => leaveLoop(d.id, v.id).catch(toast.failed)}>
            <IconX size={15} />
          </ActionIcon>
        </div>
      ))}
      <VersionPick key={turn} name="the feedback loop" value={null} onChange={setVersion} />
      <div>
        <Button disabled={!version || old.some((v) => v.id === version)} onClick={() => void add().catch(toast.failed)}>
          {old.length ? "Add this version, too" : "Save"}
        </Button>
      </div>
    </Part>
  );
}

function Training({ d, p }: { d: Deployment; p: Pipelines }) {
  const ct = p.ct;
  const projects = useProjects();
  const [project, setProject] = useState<string | null>(ct?.project?.id ?? null);
  const [trigger, setTrigger] = useState(() => triggerOf(ct));
  const [parameters, setParameters] = useState<Parameters>(ct?.parameters ?? {});
  const origin = typeof d.model_version?.origin === "object" ? d.model_version.origin.id : null;
  const versions = useModelVersions(origin);
  const champion = versions.data?.items.find((v) => v.id === d.model_version?.id);
  const brought = champion && !champion.architecture;
  const hub = useModels(true);
  const bases = hub.data?.items.filter((m) => m.type === d.type) ?? [];
  const [base, setBase] = useState<string | null>(ct?.base?.origin.private === false ? ct.base.origin.id : null);
  const begins = useModelVersions(brought ? base : null).data?.items[0];
  const defaults = (brought ? begins : champion)?.parameters ?? {};
  const settings = useSettings();
  const faulty = (settings.data?.items ?? []).some((s) => s.name in parameters && faultOf(s, parameters[s.name] ?? null));
  useEffect(() => {
    const first = champion?.architecture ? champion.parameters : begins?.parameters;
    if (!Object.keys(parameters).length && first) setParameters(first);
  }, [champion, begins, parameters]);
  const old = ct?.datasets ?? [];
  const [data, setData] = useState(() => (old.length ? old.map((o) => ({ name: o.name, version: o.dataset_version.id as string | null, of: o.dataset_version as { id: string; origin_id: string } | null })) : [{ name: "train", version: null as string | null, of: null as { id: string; origin_id: string } | null }]));
  const ready = !!project && triggerReady(trigger) && !faulty && (!brought || !!begins) && data.every((x) => x.version && x.name.trim());
  return (
    <Part title="Continuous training" says={brought ? "Trainings start by themselves; what comes out is the next version of the champion’s model." : "Trainings start by themselves from the champion’s weights; what comes out is the next version of its model."} on={!!ct?.active} ready={!!ct?.project} onToggle={(on) => toggle(d.id, "ct", on).catch(toast.failed)}>
      <Select label="Project" placeholder="Where its experiments appear" data={projects.data?.items.map((x) => ({ value: x.id, label: x.name })) ?? []} value={project} onChange={setProject} />
      {brought && (
        <Select
          label="Begins from"
          description={`${champion.origin.name} / ${champion.version} was brought along, so that its own weights cannot be trained here. A network of ours learns its labels, from the dataset versions below, and becomes the next version of the same model.`}
          placeholder="A network of the hub"
          data={bases.map((m) => ({ value: m.id, label: m.name }))}
          value={base}
          onChange={(m) => (setBase(m), setParameters({}))}
          allowDeselect={false}
        />
      )}
      <TriggerFields value={trigger} onChange={setTrigger} />
      {ct?.pending !== undefined && ct.project && (
        <div style={{ display: "flex", gap: 12, alignItems: "center" }}>
          <span className="dim">{plural(ct.pending, "image")} in the loop since the last training.</span>
          <Button variant="default" size="compact-xs" onClick={() => trainNow(d.id).then(() => toast.done("A training starts"), toast.failed)}>
            Train now
          </Button>
        </div>
      )}
      {ct?.error && <Fault error={{ message: "The last training could not start", detail: ct.error }} />}
      <div style={{ display: "grid", gap: 8 }}>
        <label style={{ fontSize: 13, fontWeight: 500 }}>Dataset versions</label>
        <span className="dim">All are learned from, except those called eval, val or test, which are measured on.</span>
        {data.map((x, i) => (
          <div key={i} style={{ display: "grid", gridTemplateColumns: "90px 1fr 30px", gap: 8, alignItems: "center" }}>
            <TextInput aria-label="Alias" value={x.name} onChange={(e) => setData(data.map((y, k) => (k === i ? { ...y, name: e.target.value } : y)))} />
            <VersionPick name={x.name} value={x.of} onChange={(v) => setData((now) => now.map((y, k) => (k === i ? { ...y, version: v } : y)))} />
            <ActionIcon aria-label={`Leave out ${x.name}`} onClick={() => setData(data.filter((_, k) => k !== i))}>
              <IconX size={15} />
            </ActionIcon>
          </div>
        ))}
        {(p.fl?.datasets ?? []).filter((v) => !data.some((x) => x.version === v.id)).map((v) => (
          <div key={v.id} style={{ display: "flex", gap: 12, alignItems: "center", minHeight: 36 }}>
            <span><Link href={`/versions/${v.id}`}>{v.origin_name} / {v.version}</Link> <span className="dim">is filled by the feedback loop, and not learned from</span></span>
            <Button variant="default" size="xs" onClick={() => setData([...data, { name: data.some((y) => y.name === "feedback") ? `feedback-${data.length}` : "feedback", version: v.id, of: v }])}>
              Learn from it, too
            </Button>
          </div>
        ))}
        <div>
          <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setData([...data, { name: data.some((y) => y.name === "eval") ? `part-${data.length + 1}` : "eval", version: null, of: null }])}>
            Another version
          </Button>
        </div>
      </div>
      <div style={{ display: "grid", gap: 8 }}>
        <label style={{ fontSize: 13, fontWeight: 500 }}>Hyperparameters</label>
        <ParameterFields value={parameters} defaults={defaults} settings={settings.data?.items ?? []} onChange={setParameters} />
      </div>
      <div>
        <Button disabled={!ready} onClick={() => setTraining(d.id, { project: project ?? "", trigger: triggerSent(trigger), parameters, base: brought ? begins?.id : undefined, datasets: data.flatMap((x) => (x.version ? [{ name: x.name.trim(), version: x.version }] : [])) }, old.map((o) => ({ name: o.name, version: o.dataset_version.id }))).then(saved("Continuous training"), toast.failed)}>
          Save
        </Button>
      </div>
      {!!ct?.runs?.length && (
        <div>
          <label style={{ fontSize: 13, fontWeight: 500 }}>Trainings so far</label>
          {ct.runs.slice(0, 8).map((r) => (
            <div key={r.created_at} style={{ display: "flex", gap: 12, alignItems: "center", minHeight: 36, padding: "6px 0", borderBottom: "1px solid var(--line)" }}>
              <span style={{ flex: 1, minWidth: 0 }}>
                {r.experiment_id ? <Link href={`/experiments/${r.experiment_id}`}>{r.experiment_name}</Link> : r.experiment_name}
                <span className="dim" style={{ display: "block", overflowWrap: "anywhere" }} data-testid="run-says">{r.says}</span>
              </span>
              <span className="dim">{plural(r.nb_images, "image")}</span>
              <Status of={r.state === "TESTING" ? r.state : (r.status ?? (r.state === "DONE" ? "SUCCESS" : r.state))} />
              <span className="dim">
                <Time at={r.created_at} />
              </span>
            </div>
          ))}
        </div>
      )}
    </Part>
  );
}

const policies = [
  { value: "DEPLOY_SHADOW", label: "Run it as shadow", says: "It predicts beside the champion; you promote it when you trust it. Recommended." },
  { value: "DEPLOY_CHAMPION", label: "Make it champion", says: "It answers from the next image on." },
  { value: "DEPLOY_MANUAL", label: "Only register it", says: "It waits in the registry." },
];

/** Whether, on what and how surely a new version is compared with the champion before the policy is followed. */
function TestFirst({ d, cd }: { d: Deployment; cd: Pipelines["cd"] }) {
  const [margin, setMargin] = useState<string | number>(cd.margin);
  const [confidence, setConfidence] = useState<string | number>(Math.round(cd.confidence * 1000) / 10);
  const set = (c: Test) => void setPolicy(d.id, cd.policy, c).then(saved("The test"), toast.failed);
  const sure = Number(confidence) / 100;
  return (
    <div style={{ display: "grid", gap: 12 }}>
      <Switch checked={cd.tests} onChange={(e) => set({ tests: e.currentTarget.checked })} label="Test it beside the champion first" description="A new champion must be better on this version and on what was reviewed since, and not worse on the version alone; a shadow must not be worse by more than 0.05. Else it stays a version, and the decision says why." />
      {cd.tests && (
        <>
          <VersionPick name="the test" value={cd.tested_on} onChange={(v) => v && v !== cd.tested_on?.id && set({ test_version_id: v })} />
          {!cd.tested_on && <span className="dim">No version is known to test on, so the policy is followed without a test.</span>}
          <div style={{ display: "grid", gridTemplateColumns: "repeat(2, minmax(0, 1fr))", gap: 12 }}>
            <NumberInput label="Better by" description="Difference of the score, 0 to 0.5." min={0} max={0.5} step={0.01} decimalScale={3} value={margin} onChange={setMargin} onBlur={() => margin !== "" && Number(margin) !== cd.margin && set({ margin: Number(margin) })} />
            <NumberInput label="With a confidence of" description="Share of the resamples that decide." suffix=" %" min={50} max={99.9} decimalScale={1} value={confidence} onChange={setConfidence} onBlur={() => confidence !== "" && sure !== cd.confidence && set({ confidence: sure })} />
          </div>
        </>
      )}
    </div>
  );
}

function Delivery({ d, p }: { d: Deployment; p: Pipelines }) {
  const policy = p.cd?.policy ?? "";
  return (
    <Part title="Continuous deployment" says="What happens with a version that continuous training has made." on={!!p.cd?.active} ready={!!policy} onToggle={(on) => toggle(d.id, "cd", on).catch(toast.failed)}>
      <div role="radiogroup" aria-label="Policy" style={{ display: "grid", gap: 8 }}>
        {policies.map((x) => (
          <button key={x.value} type="button" role="radio" aria-checked={policy === x.value} className="card" style={{ padding: "10px 14px", ...(policy === x.value ? { borderColor: "var(--accent)", background: "var(--accent-soft)" } : {}) }} onClick={() => setPolicy(d.id, x.value).then(saved("Policy"), toast.failed)}>
            <b style={{ fontWeight: 560 }}>{x.label}</b>
            <span className="dim" style={{ display: "block" }}>{x.says}</span>
          </button>
        ))}
      </div>
      {p.cd.active && <TestFirst key={`${p.cd.tested_on?.id} ${p.cd.margin} ${p.cd.confidence}`} d={d} cd={p.cd} />}
      {!p.ct?.active && <span className="dim">Continuous training is off, so nothing comes to be deployed.</span>}
    </Part>
  );
}

