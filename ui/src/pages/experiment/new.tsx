// A new experiment: what it is called, what it learns from, what it starts from, how it learns.
import { ActionIcon, Button, Checkbox, Select, Textarea, TextInput } from "@mantine/core";
import { useEffect, useMemo, useState, type FormEvent, type ReactNode } from "react";
import { Link, useParams, useSearch } from "wouter";
import { plural } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconPlus, IconX } from "../../kit/icons";
import { NameField, nameFault } from "../../kit/naming";
import { ParameterFields, faultOf } from "../../kit/parameter-fields";
import { Fault, Lines } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { createExperiment, launch, useAttached, useExperiment, useModels, useModelVersions, useProject, useSettings, type DatasetVersion, type Experiment, type Model, type Parameters } from "./data";
import { Overlaps } from "./overlap";
import { partsOf, sameTwice, splitOf, type PartRow } from "./parts";

function Block({ n, title, says, children }: { n: number; title: string; says: string; children: ReactNode }) {
  return (
    <section style={{ display: "grid", gridTemplateColumns: "30px minmax(0, 200px) minmax(0, 1fr)", gap: "0 18px", padding: "22px 0", borderBottom: "1px solid var(--line)" }}>
      <span style={{ width: 26, height: 26, borderRadius: 13, display: "grid", placeItems: "center", background: "var(--accent-soft)", color: "var(--accent)", fontWeight: 620 }}>{n}</span>
      <div>
        <h2 style={{ margin: "3px 0 4px", fontSize: 14, fontWeight: 620 }}>{title}</h2>
        <p className="dim" style={{ margin: 0, fontSize: 12.5 }}>{says}</p>
      </div>
      <div style={{ display: "grid", gap: 12, alignContent: "start" }}>{children}</div>
    </section>
  );
}

const typeOf = (m: Model) => m.type ?? "OTHER";
const taskWords: Record<string, string> = { OBJECT_DETECTION: "boxes around objects", CLASSIFICATION: "a label for the whole image" };

function ModelCard({ model }: { model: Model }) {
  return (
    <div className="card" aria-label={`About ${model.name}`} style={{ padding: "10px 12px" }}>
      <b style={{ fontWeight: 560 }}>{model.name}</b>
      <span className="dim"> · {taskWords[typeOf(model)] ?? typeOf(model).toLowerCase()}</span>
      {model.description && <div style={{ marginTop: 4, fontSize: 12.5 }}>{model.description}</div>}
    </div>
  );
}

/** What may be chosen: the project's versions, and those of the experiment that this one is to be like. */
function versionsOf(attached: readonly DatasetVersion[], like: Experiment | undefined): DatasetVersion[] {
  const all = new Map(like?.datasets?.map((d) => [d.dataset_version.id, d.dataset_version]));
  for (const v of attached) all.set(v.id, v);
  return [...all.values()];
}

/** A version that is to be learned from and that nobody has annotated yet. */
function unannotated(rows: readonly PartRow[], choices: readonly DatasetVersion[]): string | null {
  const learned = new Set(splitOf(rows).learned.map((r) => r.version));
  const v = choices.find((c) => learned.has(c.id) && c.nb_annotated === 0);
  return v ? `${v.origin_name} / ${v.version}` : null;
}

export default function NewExperiment() {
  const { id = "" } = useParams();
  const fromId = new URLSearchParams(useSearch()).get("from");
  const project = useProject(id);
  const attached = useAttached(id);
  const from = useExperiment(fromId);
  const hub = useModels(true);
  const own = useModels(false);
  const settings = useSettings();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [data, setData] = useState<PartRow[] | null>(null);
  const [sameIsMeant, setSameIsMeant] = useState(false);
  const [model, setModel] = useState<string | null>(null);
  const versions = useModelVersions(model);
  const [version, setVersion] = useState<string | null>(null);
  const [parameters, setParameters] = useState<Parameters>({});
  const [busy, setBusy] = useState<"" | "create" | "launch">("");
  const [error, setError] = useState<{ message: string; detail?: string } | null>(null);

  // The data of the one it is like, or aliases by what the versions are called.
  useEffect(() => {
    if (data || !attached.data || (fromId && !from.data && !from.error)) return;
    const like = from.data?.datasets;
    setData(like?.length ? like.map((d) => ({ name: d.name, version: d.dataset_version.id })) : partsOf(attached.data.items));
  }, [attached.data, data, fromId, from.data, from.error]);
  useEffect(() => {
    if (!model) setModel(from.data?.base_model_version && typeof from.data.base_model_version.origin === "object" ? from.data.base_model_version.origin.id : (hub.data?.items[0]?.id ?? null));
  }, [hub.data, model, from.data]);
  const chosenVersion = versions.data?.items.find((v) => v.id === version) ?? null;
  useEffect(() => {
    const list = versions.data?.items;
    if (list?.length && !list.some((v) => v.id === version)) setVersion([...list].sort((a, b) => b.version - a.version)[0]?.id ?? null);
  }, [versions.data, version]);
  const defaults = useMemo(() => chosenVersion?.parameters ?? {}, [chosenVersion]);
  useEffect(() => setParameters({ ...defaults, ...(from.data?.parameters ?? {}) }), [defaults, from.data]);

  const known = useMemo(() => new Map(settings.data?.items.map((s) => [s.name, s])), [settings.data]);
  const rows = data ?? [];
  const names = rows.map((d) => d.name.trim());
  const choices = versionsOf(attached.data?.items ?? [], from.data);
  const same = sameTwice(rows);
  const bare = unannotated(rows, choices);
  const fault = !name.trim() ? "It needs a name." : nameFault(name) ? "Its name is too long." : !splitOf(rows).learned.length ? "It needs a dataset version to learn from." : bare ? `${bare} has no annotations to learn from.` : same && !sameIsMeant ? "It would be measured on what it learns from." : new Set(names).size !== names.length ? "Two dataset versions have the same alias." : !version ? "It needs a model to start from." : Object.entries(parameters).some(([k, v]) => faultOf(known.get(k), v)) ? "A parameter is out of range." : "";
  const submit = async (then: "create" | "launch") => {
    if (fault || !version) return;
    setBusy(then);
    setError(null);
    try {
      const e = await createExperiment(id, { name: name.trim(), description: description.trim(), base_model_version_id: version, parameters }, rows.flatMap((d) => (d.version ? [{ name: d.name.trim(), version: d.version }] : [])));
      if (then === "launch") await launch(e.id);
      navigate(`/experiments/${e.id}${then === "launch" ? "" : "?tab=launch"}`);
    } catch (x) {
      setError(x as Error);
    } finally {
      setBusy("");
    }
  };
  const byTask = (type: string) => hub.data?.items.filter((m) => typeOf(m) === type) ?? [];
  const tasks = [...new Set(hub.data?.items.map(typeOf))];
  const chosen = [...(hub.data?.items ?? []), ...(own.data?.items ?? [])].find((m) => m.id === model);
  const modelData = [
    ...tasks.map((t) => ({ group: `Hub: ${taskWords[t] ?? t}`, items: byTask(t).map((m) => ({ value: m.id, label: m.name })) })),
    { group: "Registry", items: own.data?.items.map((m) => ({ value: m.id, label: m.name })) ?? [] },
  ].filter((g) => g.items.length);
  return (
    <div className="page">
      <Head crumbs={[{ text: "Projects", to: "/projects" }, { text: project.data?.name ?? "…", to: `/projects/${id}` }, { text: "New experiment" }]} />
      <div className="body" style={{ paddingTop: 0 }}>
        <form style={{ maxWidth: 1040 }} onSubmit={(e: FormEvent) => { e.preventDefault(); void submit("launch"); }}>
          <Block n={1} title="General" says="How it is called in tables and charts.">
            <NameField value={name} onChange={setName} autoFocus />
            <Textarea label="Description" placeholder="Optional: what is tried" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
          </Block>
          <Block n={2} title="Data" says="Dataset versions with their part: train is learned from, test and eval are measured on. With train alone, a part of it is held back.">
            {!attached.data || !data ? (
              <Lines n={2} />
            ) : !choices.length ? (
              <span className="dim">
                The project has no dataset versions yet. <Link href={`/projects/${id}`}>Attach one first.</Link>
              </span>
            ) : (
              <>
                {rows.map((d, i) => (
                  <div key={i} style={{ display: "grid", gridTemplateColumns: "120px minmax(0, 1fr) 30px", gap: 8, alignItems: "center" }}>
                    <TextInput aria-label="Alias" value={d.name} onChange={(e) => setData(rows.map((x, k) => (k === i ? { ...x, name: e.target.value } : x)))} />
                    <Select aria-label={`Dataset version for ${d.name}`} placeholder="Choose a version" data={choices.map((v) => ({ value: v.id, label: `${v.origin_name} / ${v.version}${v.nb_assets === undefined ? "" : ` · ${plural(v.nb_assets, "image")}`}` }))} value={d.version} onChange={(v) => { setSameIsMeant(false); setData(rows.map((x, k) => (k === i ? { ...x, version: v } : x))); }} />
                    <ActionIcon aria-label={`Leave out ${d.name}`} onClick={() => setData(rows.filter((_, k) => k !== i))}>
                      <IconX size={15} />
                    </ActionIcon>
                  </div>
                ))}
                <Overlaps rows={rows} choices={choices} />
                {same && <Checkbox size="sm" label={`Measure ${same[1].name} on the very images that are learned from all the same`} checked={sameIsMeant} onChange={(e) => setSameIsMeant(e.currentTarget.checked)} />}
                <div>
                  <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setData([...rows, { name: ["train", "test", "eval"].find((n) => !names.includes(n)) ?? `part-${rows.length + 1}`, version: null }])}>
                    Another version
                  </Button>
                </div>
              </>
            )}
          </Block>
          <Block n={3} title="Base model" says="A model of the hub, or a version of one of yours to go on from.">
            {hub.error ? (
              <Fault error={hub.error} />
            ) : (
              <div style={{ display: "grid", gridTemplateColumns: "minmax(0, 1fr) 160px", gap: 8 }}>
                <Select label="Model" searchable data={modelData} value={model} onChange={(v) => { setModel(v); setVersion(null); }} allowDeselect={false} />
                <Select label="Version" data={versions.data?.items.map((v) => ({ value: v.id, label: String(v.version) })) ?? []} value={version} onChange={setVersion} allowDeselect={false} />
              </div>
            )}
            {chosen && <ModelCard model={chosen} />}
          </Block>
          <Block n={4} title="Hyperparameters" says="Taken from the model; change what you want to try.">
            {version && !Object.keys(parameters).length ? <span className="dim">The model states none.</span> : <ParameterFields value={parameters} defaults={defaults} settings={settings.data?.items ?? []} onChange={setParameters} />}
          </Block>
          <div style={{ padding: "20px 0 0 48px", display: "grid", gap: 12 }}>
            {error && <Fault error={error} />}
            <div style={{ display: "flex", gap: 8, alignItems: "center" }}>
              <Button type="submit" size="sm" disabled={!!fault} loading={busy === "launch"}>
                Create and launch
              </Button>
              <Button size="sm" variant="default" disabled={!!fault} loading={busy === "create"} onClick={() => void submit("create")}>
                Create only
              </Button>
              <span className="dim">{fault}</span>
            </div>
          </div>
        </form>
      </div>
    </div>
  );
}
