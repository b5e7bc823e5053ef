// A model: its versions.
import { Button, Select, Textarea } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { AccessDialog } from "../../kit/access";
import { Dialog } from "../../kit/dialog";
import { plural, sentence, typeWord } from "../../kit/format";
import { IconBox, IconEdit, IconPlus, IconTrash, IconUser } from "../../kit/icons";
import { DeleteDialog, NameDialog } from "../../kit/naming";
import { Page } from "../../kit/page";
import { nameColours } from "../../kit/palette";
import { Empty, Swatch, Time, Words } from "../../kit/parts";
import { Table } from "../../kit/table";
import { navigate } from "../../kit/url";
import { changeModel, createModelVersion, deleteModel, useModel, useModelVersions } from "./data";

export default function ModelPage() {
  const { id = "" } = useParams();
  const model = useModel(id);
  const versions = useModelVersions(id);
  const [dialog, setDialog] = useState<"" | "version" | "edit" | "access" | "delete">("");
  const m = model.data;
  const own = m?.private !== false;
  const close = () => setDialog("");
  return (
    <>
      <Page
        crumbs={[{ text: "Models", to: m && !own ? "/models?tab=hub" : "/models" }, { text: m?.name ?? "…" }]}
        id={id}
        chips={m && !own && <span className="chip" data-plain="">Hub</span>}
        on={m && own ? { kind: "model", id } : null}
        actions={
          m && own && (
            <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setDialog("version")}>
              New version
            </Button>
          )
        }
        menu={
          m && own ? [
            { text: "Rename or describe…", icon: IconEdit, run: () => setDialog("edit") },
            { text: "Access…", icon: IconUser, needs: "admin", run: () => setDialog("access") },
            { text: "Delete the model…", icon: IconTrash, danger: true, run: () => setDialog("delete") },
          ] : []
        }
        of={[model, versions]}
      >
        {() => (
          <>
            <Words of={m?.description} />
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
          </>
        )}
      </Page>
      <NewVersion model={id} open={dialog === "version"} onClose={close} />
      {m && <NameDialog open={dialog === "edit"} onClose={close} title="Rename or describe" does="Save" name={m.name} description={m.description ?? ""} run={(name, description) => changeModel(id, { name, description })} />}
      <AccessDialog thing={{ kind: "model", id }} name={m?.name ?? ""} open={dialog === "access"} onClose={close} />
      <DeleteDialog open={dialog === "delete"} onClose={close} title={`Delete the model ${m?.name ?? ""}`} run={async () => { await deleteModel(id); navigate("/models"); }}>
        Its {plural(versions.data?.items.length ?? 0, "version")} with all files are lost.
      </DeleteDialog>
    </>
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
