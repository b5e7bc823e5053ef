// A dataset: its versions, as cards with their pictures and numbers.
import { ActionIcon, Button, Menu, Select, Skeleton, Text, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link, useParams } from "wouter";
import { Dialog } from "../../kit/dialog";
import { count, plural, typeWord } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconDots, IconEdit, IconLock, IconPlus, IconStack, IconTrash } from "../../kit/icons";
import { Cut, Empty, Fault, Time } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { changeDataset, createVersion, deleteDataset, useDataset, useDatasetVersions, useStats, type DatasetVersion, type InferenceType } from "./data";
import { nameColours } from "../../kit/palette";
import { Cover } from "./parts";

/** Objects by label as thin bars: enough to tell versions apart. */
function MiniBars({ id }: { id: string }) {
  const { data } = useStats(id);
  const entries = Object.entries(data?.label_repartition ?? {});
  const most = Math.max(1, ...entries.map(([, v]) => v));
  const colours = nameColours(entries.map(([name]) => name));
  if (!data) return <Skeleton height={40} />;
  if (!entries.length || !data.nb_objects) return <div className="dim" style={{ height: 40, display: "flex", alignItems: "center" }}>Nothing annotated yet</div>;
  return (
    <div style={{ display: "flex", alignItems: "flex-end", gap: 3, height: 40 }} role="img" aria-label={entries.map(([k, v]) => `${k} ${v}`).join(", ")}>
      {entries.slice(0, 24).map(([name, v]) => (
        <span key={name} title={`${name}: ${count(v)}`} style={{ flex: 1, maxWidth: 28, height: `${Math.max(4, (100 * v) / most)}%`, background: colours.get(name), borderRadius: "2px 2px 0 0" }} />
      ))}
    </div>
  );
}

function VersionCard({ v }: { v: DatasetVersion }) {
  return (
    <Link href={`/versions/${v.id}`} className="card">
      <Cover ids={v.thumbnails ?? []} />
      <div style={{ padding: "10px 14px 14px" }}>
        <div style={{ display: "flex", gap: 8, alignItems: "center" }}>
          <Cut text={v.version} style={{ fontWeight: 600, fontSize: 14, flex: 1 }} />
          {v.locked && <IconLock size={14} aria-label="Locked" />}
        </div>
        <div className="dim">
          {plural(v.nb_assets ?? 0, "image")} · {count(v.nb_annotated ?? 0)} annotated · {plural(v.nb_objects ?? 0, "object")}
        </div>
        <div style={{ margin: "12px 0 8px" }}>
          <MiniBars id={v.id} />
        </div>
        <div className="dim" style={{ display: "flex", gap: 6, fontSize: 12 }}>
          <span>{typeWord(v.type)}</span>
          <span style={{ marginLeft: "auto" }}>
            <Time at={v.created_at} />
          </span>
        </div>
      </div>
    </Link>
  );
}

export default function DatasetPage() {
  const { id = "" } = useParams();
  const dataset = useDataset(id);
  const versions = useDatasetVersions(id);
  const [dialog, setDialog] = useState<"" | "version" | "edit" | "delete">("");
  const name = dataset.data?.name ?? "…";
  const error = dataset.error ?? versions.error;
  return (
    <div className="page">
      <Head crumbs={[{ text: "Datasets", to: "/datasets" }, { text: name }]} id={id}>
        <Button leftSection={<IconPlus size={15} />} onClick={() => setDialog("version")}>
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
              Delete the dataset…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Head>
      <div className="body">
        {dataset.data?.description && <p style={{ margin: "0 0 16px", maxWidth: 720 }}>{dataset.data.description}</p>}
        {error ? (
          <Fault error={error} again={() => { void dataset.refetch(); void versions.refetch(); }} />
        ) : !versions.data ? (
          <div className="cards">
            {[0, 1, 2].map((i) => (
              <Skeleton key={i} height={300} radius={8} />
            ))}
          </div>
        ) : !versions.data.items.length ? (
          <Empty icon={IconStack} title="No versions yet" action={<Button size="sm" onClick={() => setDialog("version")}>New version</Button>}>
            A version holds images with their annotations and can be locked once something was trained on it.
          </Empty>
        ) : (
          <div className="cards">
            {versions.data.items.map((v) => (
              <VersionCard key={v.id} v={v} />
            ))}
          </div>
        )}
      </div>
      <NewVersion dataset={id} open={dialog === "version"} onClose={() => setDialog("")} />
      {dataset.data && <Edit key={dataset.data.name} dataset={dataset.data} open={dialog === "edit"} onClose={() => setDialog("")} />}
      <Dialog
        open={dialog === "delete"}
        onClose={() => setDialog("")}
        title={`Delete the dataset ${name}`}
        does="Delete"
        danger
        run={async () => {
          await deleteDataset(id);
          navigate("/datasets");
        }}
      >
        <Text size="sm">
          Its {plural(versions.data?.items.length ?? 0, "version")} and all annotations in them are lost. The images stay in the datalake.
        </Text>
      </Dialog>
    </div>
  );
}

function NewVersion({ dataset, open, onClose }: { dataset: string; open: boolean; onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [type, setType] = useState<string | null>("OBJECT_DETECTION");
  return (
    <Dialog open={open} onClose={onClose} title="New version" does="Create" ready={!!name.trim()} run={async () => navigate(`/versions/${(await createVersion(dataset, name.trim(), description.trim(), (type ?? "NOT_CONFIGURED") as InferenceType)).id}`)}>
      <TextInput label="Name" placeholder="train" value={name} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
      <Select label="Type" data={["OBJECT_DETECTION", "CLASSIFICATION", "SEGMENTATION", "LINE", "POINT", "NOT_CONFIGURED"].map((t) => ({ value: t, label: typeWord(t) }))} value={type} onChange={setType} allowDeselect={false} />
      <Textarea label="Description" placeholder="Optional" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
    </Dialog>
  );
}

function Edit({ dataset, open, onClose }: { dataset: { id: string; name: string; description?: string }; open: boolean; onClose: () => void }) {
  const [name, setName] = useState(dataset.name);
  const [description, setDescription] = useState(dataset.description ?? "");
  return (
    <Dialog open={open} onClose={onClose} title="Rename or describe" does="Save" ready={!!name.trim()} run={() => changeDataset(dataset.id, { name: name.trim(), description })}>
      <TextInput label="Name" value={name} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
      <Textarea label="Description" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
    </Dialog>
  );
}
