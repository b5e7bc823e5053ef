// A dataset: its versions, as cards with their pictures and numbers.
import { Button, Select, Skeleton } from "@mantine/core";
import { useState } from "react";
import { Link, useParams } from "wouter";
import { AccessDialog } from "../../kit/access";
import { count, plural, typeWord } from "../../kit/format";
import { IconEdit, IconLock, IconPlus, IconStack, IconTrash, IconUser } from "../../kit/icons";
import { May } from "../../kit/may";
import { DeleteDialog, NameDialog } from "../../kit/naming";
import { CardsWaiting, Page } from "../../kit/page";
import { Cut, Empty, Time, Words } from "../../kit/parts";
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
  const [dialog, setDialog] = useState<"" | "version" | "edit" | "access" | "delete">("");
  const d = dataset.data;
  const close = () => setDialog("");
  return (
    <>
      <Page
        crumbs={[{ text: "Datasets", to: "/datasets" }, { text: d?.name ?? "…" }]}
        id={id}
        on={{ kind: "dataset", id }}
        actions={
          <Button leftSection={<IconPlus size={15} />} onClick={() => setDialog("version")}>
            New version
          </Button>
        }
        menu={[
          { text: "Rename or describe…", icon: IconEdit, run: () => setDialog("edit") },
          { text: "Access…", icon: IconUser, needs: "admin", run: () => setDialog("access") },
          { text: "Delete the dataset…", icon: IconTrash, danger: true, run: () => setDialog("delete") },
        ]}
        of={[dataset, versions]}
        waiting={<CardsWaiting n={3} height={300} />}
      >
        {() => (
          <>
            <Words of={d?.description} />
            {!versions.data?.items.length ? (
              <Empty icon={IconStack} title="No versions yet" action={<May to="write"><Button size="sm" onClick={() => setDialog("version")}>New version</Button></May>}>
                A version holds images with their annotations and can be locked once something was trained on it.
              </Empty>
            ) : (
              <div className="cards">
                {versions.data.items.map((v) => (
                  <VersionCard key={v.id} v={v} />
                ))}
              </div>
            )}
          </>
        )}
      </Page>
      <NewVersion dataset={id} open={dialog === "version"} onClose={close} />
      {d && <NameDialog open={dialog === "edit"} onClose={close} title="Rename or describe" does="Save" name={d.name} description={d.description ?? ""} run={(name, description) => changeDataset(id, { name, description })} />}
      <AccessDialog thing={{ kind: "dataset", id }} name={d?.name ?? ""} open={dialog === "access"} onClose={close} />
      <DeleteDialog open={dialog === "delete"} onClose={close} title={`Delete the dataset ${d?.name ?? ""}`} users={`/api/dataset/${id}/users`} run={async () => { await deleteDataset(id); navigate("/datasets"); }}>
        Its {plural(versions.data?.items.length ?? 0, "version")} and all annotations in them are lost. The images stay in the datalake.
      </DeleteDialog>
    </>
  );
}

function NewVersion({ dataset, open, onClose }: { dataset: string; open: boolean; onClose: () => void }) {
  const [type, setType] = useState<string | null>("OBJECT_DETECTION");
  return (
    <NameDialog open={open} onClose={onClose} title="New version" does="Create" run={async (name, description) => navigate(`/versions/${(await createVersion(dataset, name, description, (type ?? "NOT_CONFIGURED") as InferenceType)).id}`)}>
      <Select label="Type" data={["OBJECT_DETECTION", "CLASSIFICATION", "SEGMENTATION", "LINE", "POINT", "NOT_CONFIGURED"].map((t) => ({ value: t, label: typeWord(t) }))} value={type} onChange={setType} allowDeselect={false} />
    </NameDialog>
  );
}
