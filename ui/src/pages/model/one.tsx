// A model: its versions.
import { ActionIcon, Button, Menu, Select, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { Dialog } from "../../kit/dialog";
import { plural, sentence, typeWord } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconBox, IconDots, IconEdit, IconPlus, IconTrash } from "../../kit/icons";
import { nameColours } from "../../kit/palette";
import { Empty, Fault, Swatch, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { navigate } from "../../kit/url";
import { changeModel, createModelVersion, deleteModel, useModel, useModelVersions } from "./data";

export default function ModelPage() {
  const { id = "" } = useParams();
  const model = useModel(id);
  const versions = useModelVersions(id);
  const [dialog, setDialog] = useState<"" | "version" | "edit" | "delete">("");
  const m = model.data;
  const own = m?.private !== false;
  return (
    <div className="page">
      <Head crumbs={[{ text: "Models", to: m && !own ? "/models?tab=hub" : "/models" }, { text: m?.name ?? "…" }]} id={id} chips={m && !own && <span className="chip" data-plain="">Hub</span>}>
        {m && own && (
          <>
            <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setDialog("version")}>
              New version
            </Button>
            <Menu>
              <Menu.Target>
                <ActionIcon aria-label="More actions">
                  <IconDots size={17} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<IconEdit size={14} />} onClick={() => setDialog("edit")}>
                  Rename or describe…
                </Menu.Item>
                <Menu.Item color="red" leftSection={<IconTrash size={14} />} onClick={() => setDialog("delete")}>
                  Delete the model…
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )}
      </Head>
      <div className="body">
        {m?.description && <p style={{ margin: "0 0 16px", maxWidth: 760 }}>{m.description}</p>}
        {(model.error ?? versions.error) ? (
          <Fault error={(model.error ?? versions.error) as { message: string }} again={() => { void model.refetch(); void versions.refetch(); }} />
        ) : (
          <Table
            rows={versions.data && [...versions.data.items].sort((a, b) => b.version - a.version)}
            id={(v) => v.id}
            to={(v) => `/model-versions/${v.id}`}
            empty={<Empty icon={IconBox} title="No versions yet">Export an experiment into this model, or make a version and add its files.</Empty>}
            columns={[
              { key: "version", title: "Version", width: 90, cell: (v) => <b style={{ fontWeight: 600 }}>{v.version}</b> },
              { key: "type", title: "Type", cell: (v) => typeWord(v.type) },
              { key: "framework", title: "Framework", cell: (v) => (v.framework === "ONNX" ? "ONNX" : sentence(v.framework)) },
              {
                key: "labels",
                title: "Labels",
                cell: (v) => (
                  <span style={{ display: "flex", gap: 10 }}>
                    {[...nameColours(Object.values(v.labels ?? {}))].slice(0, 6).map(([l, colour]) => (
                      <span key={l} style={{ display: "flex", gap: 5, alignItems: "center" }}>
                        <Swatch colour={colour} /> {l}
                      </span>
                    ))}
                    {Object.keys(v.labels ?? {}).length > 6 && <span className="dim">+{Object.keys(v.labels ?? {}).length - 6}</span>}
                  </span>
                ),
              },
              { key: "made", title: "Made", cell: (v) => <Time at={v.created_at} /> },
            ]}
          />
        )}
      </div>
      <NewVersion model={id} open={dialog === "version"} onClose={() => setDialog("")} />
      {m && <Edit key={m.name} id={id} name={m.name} description={m.description ?? ""} open={dialog === "edit"} onClose={() => setDialog("")} />}
      <Dialog open={dialog === "delete"} onClose={() => setDialog("")} title={`Delete the model ${m?.name ?? ""}`} does="Delete" danger run={async () => { await deleteModel(id); navigate("/models"); }}>
        <Text size="sm">Its {plural(versions.data?.items.length ?? 0, "version")} with all files are lost.</Text>
      </Dialog>
    </div>
  );
}

function NewVersion({ model, open, onClose }: { model: string; open: boolean; onClose: () => void }) {
  const [labels, setLabels] = useState("");
  const [type, setType] = useState<string | null>("OBJECT_DETECTION");
  const [framework, setFramework] = useState<string | null>("ONNX");
  const names = labels.split(/[,\n]/).map((x) => x.trim()).filter(Boolean);
  return (
    <Dialog open={open} onClose={onClose} title="New version" does="Make" ready={names.length > 0} run={async () => navigate(`/model-versions/${(await createModelVersion(model, { type: type ?? "OBJECT_DETECTION", framework: framework ?? "ONNX", labels: Object.fromEntries(names.map((n, i) => [String(i), n])) })).id}`)}>
      <Select label="Type" data={["OBJECT_DETECTION", "CLASSIFICATION", "SEGMENTATION"].map((t) => ({ value: t, label: typeWord(t) }))} value={type} onChange={setType} allowDeselect={false} />
      <Select label="Framework" data={["ONNX", "PYTORCH", "TENSORFLOW"].map((t) => ({ value: t, label: t === "ONNX" ? t : sentence(t) }))} value={framework} onChange={setFramework} allowDeselect={false} />
      <Textarea label="Labels" description="In the order of the network’s classes; commas or lines between them." autosize minRows={2} value={labels} onChange={(e) => setLabels(e.target.value)} />
    </Dialog>
  );
}

function Edit({ id, name, description, open, onClose }: { id: string; name: string; description: string; open: boolean; onClose: () => void }) {
  const [n, setName] = useState(name);
  const [d, setDescription] = useState(description);
  return (
    <Dialog open={open} onClose={onClose} title="Rename or describe" does="Save" ready={!!n.trim()} run={() => changeModel(id, { name: n.trim(), description: d })}>
      <TextInput label="Name" value={n} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
      <Textarea label="Description" autosize minRows={2} value={d} onChange={(e) => setDescription(e.target.value)} />
    </Dialog>
  );
}
