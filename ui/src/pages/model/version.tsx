// A model version: what it is, where it comes from, where it serves.
import { Button, NumberInput, Radio, SegmentedControl, Select, Slider, Text } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { Dialog } from "../../kit/dialog";
import { figure, sentence, typeWord } from "../../kit/format";
import { IconRocket, IconTrash } from "../../kit/icons";
import { nameColours } from "../../kit/palette";
import { DeleteDialog, NameField, nameReady } from "../../kit/naming";
import { Page } from "../../kit/page";
import { Facts, Section, Swatch, Time, Words } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { deleteModelVersion, deploy, makeShadow, useContext, useDeployments, useFiles, useModelVersion, useScores, type ModelVersion } from "./data";
import { FileTold } from "./file";
import { Files } from "./files";
import { Lineage } from "./lineage";
import { TryModel } from "./try";

export default function VersionPage() {
  const { id = "" } = useParams();
  const asked = useModelVersion(id);
  const v = asked.data;
  const files = useFiles(id);
  const own = v?.origin.private !== false;
  const context = useContext(v && own && !v.context ? id : null);
  const made = v?.context ?? context.data;
  const scores = useScores(made?.experiment_id);
  const best = scores.best_threshold;
  const [dialog, setDialog] = useState<"" | "deploy" | "delete">("");
  const settings = Object.entries(v?.parameters ?? {}).filter(([k]) => k !== "onnx"); // what is told about the file stands with the file
  const servable = !!files.data?.items.some((f) => f.name === "model-latest");
  return (
    <>
      <Page
        crumbs={[{ text: "Models", to: own ? "/models" : "/models?tab=hub" }, { text: v?.origin.name ?? "…", ...(v ? { to: `/models/${v.origin.id}` } : {}) }, { text: v ? `Version ${v.version}` : "…" }]}
        id={id}
        chips={v && <><span className="chip" data-plain="">{typeWord(v.type)}</span><span className="chip" data-plain="">{v.framework === "ONNX" ? "ONNX" : sentence(v.framework)}</span></>}
        on={v && own ? { kind: "model", id: v.origin.id } : null}
        actions={
          own && (
            <Button leftSection={<IconRocket size={15} />} disabled={!v} onClick={() => setDialog("deploy")}>
              Deploy
            </Button>
          )
        }
        menu={own ? [{ text: "Delete the version…", icon: IconTrash, danger: true, run: () => setDialog("delete") }] : []}
        of={[asked]}
      >
        {() => v && (
          <>
            <Words of={v.description} />
            {own && (
              <Section title="Lineage">
                <Lineage version={v} context={made} />
              </Section>
            )}
            <div style={{ display: "grid", gridTemplateColumns: "minmax(0, 3fr) minmax(220px, 1fr)", gap: 48 }}>
              <div>
                {servable && <TryModel version={id} labels={Object.values(v.labels ?? {})} least={best ?? 0.5} from={best === undefined ? "as a start" : "the best one of its training"} told={JSON.stringify(v.parameters.onnx ?? null)} />}
                {servable && own && !v.architecture && <FileTold v={v} />}
                <Files version={id} files={files.data?.items} own={own} />
                <Section title="Hyperparameters">
                  {settings.length ? (
                    <div style={{ columns: "3 220px", columnGap: 40 }}>
                      {settings.map(([k, x]) => (
                        <div key={k} style={{ display: "flex", justifyContent: "space-between", gap: 12, padding: "4px 0", borderBottom: "1px solid var(--line)", breakInside: "avoid" }}>
                          <span className="mono dim">{k}</span>
                          <span>{typeof x === "number" ? figure(x) : String(x)}</span>
                        </div>
                      ))}
                    </div>
                  ) : (
                    <span className="dim">None.</span>
                  )}
                </Section>
              </div>
              <div>
                <Section title="Labels">
                  {Object.keys(v.labels ?? {}).length ? (
                    Object.entries(v.labels ?? {}).map(([k, l]) => (
                      <div key={k} style={{ display: "flex", gap: 8, alignItems: "center", minHeight: 26 }}>
                        <Swatch colour={nameColours(Object.values(v.labels ?? {})).get(l)} />
                        <span className="dim" style={{ minWidth: 18 }}>{k}</span>
                        {l}
                      </div>
                    ))
                  ) : (
                    <span className="dim">{own ? "None." : "It learns those of your dataset."}</span>
                  )}
                </Section>
                {Object.keys(scores).length > 0 && (
                  <Section title="Scores of its training">
                    <Facts of={Object.entries(scores).map(([name, x]) => [name.replace(/_/g, " "), figure(x)])} />
                  </Section>
                )}
                <Section title="Facts">
                  <Facts of={[["Type", typeWord(v.type)], ["Framework", v.framework === "ONNX" ? "ONNX" : sentence(v.framework)], own ? ["Made", <Time key="t" at={v.created_at} />] : null]} />
                </Section>
              </div>
            </div>
            <Deploy key={`${best ?? ""} ${servable}`} v={v} best={best} servable={servable} open={dialog === "deploy"} onClose={() => setDialog("")} />
          </>
        )}
      </Page>
      <DeleteDialog open={dialog === "delete"} onClose={() => setDialog("")} title={`Delete ${v?.origin.name ?? ""} / ${v?.version ?? ""}`} run={async () => { await deleteModelVersion(id); navigate(`/models/${v?.origin.id ?? ""}`); }}>
        Its files are lost.
      </DeleteDialog>
    </>
  );
}

type Mode = "SERVING" | "OWN_SERVING" | "MONITORING";
const modes: { value: Mode; label: string; says: string }[] = [
  { value: "SERVING", label: "Here", says: "It answers images over HTTP, and all of it is watched." },
  { value: "OWN_SERVING", label: "On a server of your own", says: "It follows the champion and tells what it predicted by the API: shadow and continuous deployment go on." },
  { value: "MONITORING", label: "Elsewhere, only monitored", says: "Whatever makes the predictions tells them; you change models by hand." },
];

/** best: the threshold with the best scores in its training, which is offered. */
function Deploy({ v, best, servable, open, onClose }: { v: ModelVersion; best: number | undefined; servable: boolean; open: boolean; onClose: () => void }) {
  const deployments = useDeployments();
  const others = deployments.data?.items.filter((d) => d.type === v.type && d.model_version?.id !== v.id) ?? [];
  const [kind, setKind] = useState("new");
  const [mode, setMode] = useState<Mode>(servable ? "SERVING" : "OWN_SERVING");
  const [name, setName] = useState(v.origin.name);
  const [least, setLeast] = useState(Math.round((best ?? 0.5) * 100) / 100);
  const [target, setTarget] = useState<string | null>(null);
  const run = async () => {
    if (kind === "shadow" && target) {
      await makeShadow(target, v.id);
      navigate(`/deployments/${target}`);
      return;
    }
    const d = await deploy(v.id, name.trim(), least, mode);
    toast.done(mode === "SERVING" ? `${d.name} takes images now` : `${d.name} takes predictions now`);
    navigate(`/deployments/${d.id}${mode === "SERVING" ? "" : "?tab=try"}`);
  };
  return (
    <Dialog open={open} onClose={onClose} title={`Deploy ${v.origin.name} / ${v.version}`} does={kind === "new" ? "Deploy" : "Run as shadow"} ready={kind === "new" ? nameReady(name) : !!target} run={run}>
      <SegmentedControl value={kind} onChange={setKind} fullWidth data={[{ value: "new", label: "A new deployment" }, { value: "shadow", label: "Shadow of a deployment", disabled: !others.length }]} />
      {kind === "new" ? (
        <>
          <NameField value={name} onChange={setName} />
          <Radio.Group label="Where predictions are made" value={mode} onChange={(m) => setMode(m as Mode)}>
            <div style={{ display: "grid", gap: 8, marginTop: 6 }}>
              {modes.map((m) => (
                <Radio key={m.value} value={m.value} label={m.label} description={m.value === "SERVING" && !servable ? "It has no file called model-latest, an ONNX model, yet." : m.says} disabled={m.value === "SERVING" && !servable} />
              ))}
            </div>
          </Radio.Group>
          <div>
            <Text size="sm" fw={500}>
              Confidence threshold
            </Text>
            <Text size="xs" c="dimmed" mb={6}>
              Predictions below it are dropped. It can be changed later. {best === undefined ? "" : `${figure(best, 2)} scored best on the evaluation images of its training.`}
            </Text>
            <div style={{ display: "grid", gridTemplateColumns: "1fr 90px", gap: 16, alignItems: "center" }}>
              <Slider min={0} max={1} step={0.01} label={null} value={least} onChange={setLeast} thumbLabel="Confidence threshold" />
              <NumberInput aria-label="Confidence threshold as a number" name="threshold" min={0} max={1} step={0.05} decimalScale={2} value={least} onChange={(x) => setLeast(Math.min(1, Math.max(0, Number(x) || 0)))} />
            </div>
          </div>
        </>
      ) : (
        <Select label="Deployment" description="Every image it gets is also shown to this version; only the champion’s answer is returned." placeholder="Choose one" data={others.map((d) => ({ value: d.id, label: d.name }))} value={target} onChange={setTarget} />
      )}
    </Dialog>
  );
}
