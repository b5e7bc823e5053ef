// Settings of a version: name, type, labels, lock, fork, delete.
import { ActionIcon, Button, Select, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { Dialog } from "../../kit/dialog";
import { plural, typeWord } from "../../kit/format";
import { IconEdit, IconPlus, IconTrash } from "../../kit/icons";
import { DeleteDialog, NameField, nameReady } from "../../kit/naming";
import { labelColours } from "../../kit/palette";
import { Lines, Section, Swatch } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { addLabel, changeVersion, deleteLabel, deleteVersion, forkVersion, lockVersion, renameLabel, useLabels, useStats, type DatasetVersion, type InferenceType, type Label } from "./data";

const types = ["NOT_CONFIGURED", "OBJECT_DETECTION", "CLASSIFICATION", "SEGMENTATION", "LINE", "POINT", "MULTI"];

export function VersionSettings({ version: v }: { version: DatasetVersion }) {
  const [name, setName] = useState(v.version);
  const [description, setDescription] = useState(v.description ?? "");
  const [dialog, setDialog] = useState<"" | "delete" | "fork">("");
  const dirty = name.trim() !== v.version || description !== (v.description ?? "");
  const save = (e: FormEvent) => {
    e.preventDefault();
    changeVersion(v.id, { version: name.trim(), description }).then(() => toast.done("Saved"), toast.failed);
  };
  return (
    <div className="body">
      <div style={{ maxWidth: 640 }}>
        <Section title="General">
          <form onSubmit={save} style={{ display: "grid", gap: 12 }}>
            <NameField value={name} disabled={!!v.locked} onChange={setName} />
            <Textarea label="Description" autosize minRows={2} value={description} disabled={!!v.locked} onChange={(e) => setDescription(e.target.value)} />
            {dirty && (
              <div>
                <Button type="submit" disabled={!nameReady(name)}>
                  Save
                </Button>
              </div>
            )}
          </form>
        </Section>
        <Section title="Type">
          <Select
            aria-label="Type"
            data={types.map((t) => ({ value: t, label: typeWord(t) }))}
            value={v.type}
            allowDeselect={false}
            disabled={!!v.locked}
            description="Says which shapes the annotation tool offers first and which models can be trained."
            inputWrapperOrder={["input", "description"]}
            onChange={(t) => t && changeVersion(v.id, { type: t as InferenceType }).catch(toast.failed)}
          />
        </Section>
        <Labels version={v} />
        <Section title="Lock">
          <Switch label="Locked: images, labels and annotations of this version cannot be changed" checked={!!v.locked} onChange={(e) => lockVersion(v.id, e.currentTarget.checked).catch(toast.failed)} />
        </Section>
        <Section title="Fork and delete">
          <div style={{ display: "flex", gap: 8 }}>
            <Button variant="default" onClick={() => setDialog("fork")}>
              Fork…
            </Button>
            <Button variant="default" color="red" c="var(--bad)" leftSection={<IconTrash size={14} />} disabled={!!v.locked} onClick={() => setDialog("delete")}>
              Delete the version…
            </Button>
          </div>
        </Section>
      </div>
      <DeleteDialog open={dialog === "delete"} onClose={() => setDialog("")} title={`Delete the version ${v.version}`} users={`/api/dataset/version/${v.id}/users`} run={async () => { await deleteVersion(v.id); navigate(`/datasets/${v.origin_id}`); }}>
        {plural(v.nb_annotated ?? 0, "annotation")} with {plural(v.nb_objects ?? 0, "object")} are lost. The {plural(v.nb_assets ?? 0, "image")} stay in the datalake.
      </DeleteDialog>
      <Fork version={v} open={dialog === "fork"} onClose={() => setDialog("")} />
    </div>
  );
}

function Fork({ version: v, open, onClose }: { version: DatasetVersion; open: boolean; onClose: () => void }) {
  const [name, setName] = useState(`${v.version}-2`);
  const [shapes, setShapes] = useState(true);
  return (
    <Dialog open={open} onClose={onClose} title={`Fork ${v.version}`} does="Fork" ready={nameReady(name)} run={async () => {
      const r = await forkVersion(v.origin_id, v.id, name.trim(), shapes, v.type);
      navigate(r.job.status === "SUCCESS" ? `/versions/${r.dataset_version.id}` : "/jobs"); // there is nothing to see before it is whole
    }}>
      <NameField label="Name of the new version" value={name} onChange={setName} />
      <Switch label="With annotations" checked={shapes} onChange={(e) => setShapes(e.currentTarget.checked)} />
    </Dialog>
  );
}

function Labels({ version: v }: { version: DatasetVersion }) {
  const labels = useLabels(v.id);
  const stats = useStats(v.id);
  const [name, setName] = useState("");
  const [change, setChange] = useState<{ label: Label; does: "rename" | "delete" } | null>(null);
  const [to, setTo] = useState("");
  const add = async (e: FormEvent) => {
    e.preventDefault();
    // Several at once: separated by commas.
    try {
      for (const one of name.split(",").map((x) => x.trim()).filter(Boolean)) await addLabel(v.id, one);
      setName("");
    } catch (x) {
      toast.failed(x as Error);
    }
  };
  const used = (l: Label) => stats.data?.label_repartition[l.name] ?? 0;
  return (
    <Section title={<>Labels {labels.data && <span className="dim" style={{ fontWeight: 400 }}>{labels.data.items.length}</span>}</>}>
      {!labels.data && <Lines n={3} />}
      {labels.data?.items.map((l) => (
        <div key={l.id} style={{ display: "flex", alignItems: "center", gap: 10, minHeight: 36, borderBottom: "1px solid var(--line)" }}>
          <Swatch colour={labelColours(labels.data?.items ?? []).get(l.id)} />
          <span style={{ flex: 1, fontWeight: 540 }}>{l.name}</span>
          <span className="dim">{plural(used(l), "object")}</span>
          <ActionIcon aria-label={`Rename ${l.name}`} disabled={!!v.locked} onClick={() => { setTo(l.name); setChange({ label: l, does: "rename" }); }}>
            <IconEdit size={15} />
          </ActionIcon>
          <ActionIcon aria-label={`Delete ${l.name}`} disabled={!!v.locked || used(l) > 0} title={used(l) ? "Objects carry this label; delete or relabel them first" : undefined} onClick={() => setChange({ label: l, does: "delete" })}>
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      ))}
      {!v.locked && (
        <form onSubmit={(e) => void add(e)} style={{ display: "flex", gap: 8, marginTop: 12 }}>
          <TextInput style={{ flex: 1 }} aria-label="New label" placeholder="New label; several with commas" value={name} onChange={(e) => setName(e.target.value)} />
          <Button type="submit" size="sm" variant="default" leftSection={<IconPlus size={15} />} disabled={!name.trim()}>
            Add
          </Button>
        </form>
      )}
      <Dialog
        open={change?.does === "rename"}
        onClose={() => setChange(null)}
        title={`Rename ${change?.label.name ?? ""}`}
        does="Rename"
        ready={!!to.trim()}
        run={async () => change && renameLabel(v.id, change.label.id, to.trim())}
      >
        <TextInput label="Name" value={to} onChange={(e) => setTo(e.target.value)} data-autofocus />
      </Dialog>
      <Dialog open={change?.does === "delete"} onClose={() => setChange(null)} title={`Delete the label ${change?.label.name ?? ""}`} does="Delete" danger run={async () => change && deleteLabel(v.id, change.label.id)}>
        <Text size="sm">
          No object carries this label.
        </Text>
      </Dialog>
    </Section>
  );
}
