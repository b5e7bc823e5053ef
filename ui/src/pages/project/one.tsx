// A project: attached dataset versions, and the table of its experiments.
import { ActionIcon, Button, Progress, Select, Tooltip } from "@mantine/core";
import { useState } from "react";
import { Link, useParams } from "wouter";
import { AccessDialog } from "../../kit/access";
import { Dialog } from "../../kit/dialog";
import { percent, plural, scoreName, typeWord } from "../../kit/format";
import { IconCompare, IconEdit, IconFlask, IconPlus, IconTrash, IconUser, IconX } from "../../kit/icons";
import { May } from "../../kit/may";
import { DeleteDialog, NameDialog } from "../../kit/naming";
import { Page } from "../../kit/page";
import { Cut, Empty, Lines, Section, Status, Time, Words } from "../../kit/parts";
import { QueryBar } from "../../kit/query-bar";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { navigate, useUrl } from "../../kit/url";
import { attach, changeProject, complete, deleteExperiments, deleteProject, detach, thumbnail, useAttached, useDatasets, useDatasetVersions, useExperiments, useProject, type Experiment } from "./data";

const modelName = (e: Experiment) => {
  const b = e.base_model_version;
  if (!b) return "";
  return `${typeof b.origin === "object" ? b.origin.name : (b.origin ?? b.name ?? "")} / ${b.version}`;
};

export default function ProjectPage() {
  const { id = "" } = useParams();
  const project = useProject(id);
  const attached = useAttached(id);
  const [q, setQ] = useUrl("q");
  const [sort, setSort] = useUrl("sort", "-created");
  const experiments = useExperiments(id, q);
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [dialog, setDialog] = useState<"" | "attach" | "edit" | "access" | "delete" | "drop">("");
  const p = project.data;
  const wrongQuery = experiments.error?.status === 400 && q ? [experiments.error.message, experiments.error.detail].filter(Boolean).join(". ") : null;
  const blank = experiments.data?.items.length === 0 && !q;
  const close = () => setDialog("");
  return (
    <>
      <Page
        crumbs={[{ text: "Projects", to: "/projects" }, { text: p?.name ?? "…" }]}
        id={id}
        on={{ kind: "project", id }}
        actions={
          <Button leftSection={<IconPlus size={15} />} onClick={() => navigate(`/projects/${id}/new`)}>
            New experiment
          </Button>
        }
        menu={[
          { text: "Rename or describe…", icon: IconEdit, run: () => setDialog("edit") },
          { text: "Access…", icon: IconUser, needs: "admin", run: () => setDialog("access") },
          { text: "Delete the project…", icon: IconTrash, danger: true, run: () => setDialog("delete") },
        ]}
        of={wrongQuery ? [project] : [project, experiments]}
      >
        {() => (
          <>
            <Words of={p?.description} />
            <Section
              title="Dataset versions"
              end={
                <May to="write">
                  <Button variant="default" size="compact-xs" leftSection={<IconPlus size={13} />} onClick={() => setDialog("attach")}>
                    Attach
                  </Button>
                </May>
              }
            >
              {!attached.data ? (
                <Lines n={1} />
              ) : !attached.data.items.length ? (
                <span className="dim">None attached yet. Experiments train on what is attached here.</span>
              ) : (
                <div style={{ display: "flex", flexWrap: "wrap", gap: 10 }}>
                  {attached.data.items.map((v) => (
                    <div key={v.id} className="card" style={{ display: "flex", alignItems: "center", gap: 10, padding: "6px 4px 6px 6px", maxWidth: 340 }}>
                      {v.thumbnails?.[0] ? <img src={thumbnail(v.thumbnails[0], 128)} alt="" width={44} height={34} style={{ objectFit: "cover", borderRadius: 4 }} /> : <span style={{ width: 44, height: 34, borderRadius: 4, background: "var(--image-ground)" }} />}
                      <Link href={`/versions/${v.id}`} style={{ textDecoration: "none", minWidth: 0 }}>
                        <Cut text={`${v.origin_name} / ${v.version}`} style={{ fontWeight: 540 }} />
                        <span className="dim" style={{ fontSize: 12 }}>
                          {plural(v.nb_assets ?? 0, "image")} · {typeWord(v.type)}
                        </span>
                      </Link>
                      <May to="write">
                        <Tooltip label="Detach">
                          <ActionIcon size={24} aria-label={`Detach ${v.origin_name} / ${v.version}`} onClick={() => detach(id, v.id).catch(toast.failed)}>
                            <IconX size={14} />
                          </ActionIcon>
                        </Tooltip>
                      </May>
                    </div>
                  ))}
                </div>
              )}
            </Section>
            <Section
              title={<>Experiments {experiments.data && <span className="dim" style={{ fontWeight: 400 }}>{experiments.data.items.length}</span>}</>}
              end={
                chosen.size > 0 && (
                  <>
                    <span>{chosen.size} chosen</span>
                    <Button leftSection={<IconCompare size={15} />} disabled={chosen.size < 2} onClick={() => navigate(`/projects/${id}/compare?ids=${[...chosen].join(",")}`)}>
                      Compare
                    </Button>
                    <May to="write">
                      <Button variant="default" leftSection={<IconTrash size={14} />} onClick={() => setDialog("drop")}>
                        Delete
                      </Button>
                    </May>
                  </>
                )
              }
            >
              {blank ? (
                <Empty icon={IconFlask} title="No experiments yet" action={<May to="write"><Button size="sm" onClick={() => navigate(`/projects/${id}/new`)}>New experiment</Button></May>}>
                  An experiment trains a model of the hub, or one of yours, on attached dataset versions and keeps its curves, files and parameters.
                </Empty>
              ) : (
                <>
                  <div style={{ display: "flex", marginBottom: 8 }}>
                    <QueryBar of="experiment" value={q} onSubmit={setQ} complete={complete} error={wrongQuery} placeholder='Search, for example  status = "SUCCESS"' />
                  </div>
                  <Table
                    rows={experiments.data?.items}
                    id={(e) => e.id}
                    to={(e) => `/experiments/${e.id}`}
                    sort={sort}
                    onSort={setSort}
                    chosen={chosen}
                    onChoose={setChosen}
                    empty={<span className="dim">No experiment matches the query.</span>}
                    columns={[
                      { key: "name", title: "Name", by: (e) => e.name, cell: (e) => <Link href={`/experiments/${e.id}`} style={{ textDecoration: "none", fontWeight: 540 }}>{e.name}</Link> },
                      { key: "status", title: "Status", width: 190, by: (e) => e.status, cell: (e) => <span style={{ display: "flex", gap: 10, alignItems: "center" }}><Status of={e.status} />{e.status === "RUNNING" && <Progress w={64} value={100 * (e.progress ?? 0)} aria-label={`Progress ${percent(e.progress)}`} />}</span> },
                      { key: "best", title: "Best", align: "right", by: (e) => e.best?.value, cell: (e) => (e.best == null ? <span className="dim">–</span> : <span><span className="dim">{scoreName(e.best.name)}</span> {e.best.value?.toFixed(3) ?? "–"}</span>) },
                      { key: "model", title: "Base model", by: modelName, cell: (e) => modelName(e) || <span className="dim">–</span> },
                      { key: "data", title: "Data", cell: (e) => <span style={{ display: "flex", gap: 4 }}>{e.datasets?.map((d) => <span key={d.name} className="chip" data-plain="" title={`${d.dataset_version.origin_name} / ${d.dataset_version.version}`}>{d.name}: {d.dataset_version.version}</span>)}</span> },
                      { key: "created", title: "Made", by: (e) => e.created_at, cell: (e) => <Time at={e.created_at} /> },
                    ]}
                  />
                </>
              )}
            </Section>
          </>
        )}
      </Page>
      <Attach project={id} taken={attached.data?.items.map((v) => v.id) ?? []} open={dialog === "attach"} onClose={close} />
      {p && <NameDialog open={dialog === "edit"} onClose={close} title="Rename or describe" does="Save" name={p.name} description={p.description ?? ""} run={(name, description) => changeProject(id, { name, description })} />}
      <AccessDialog thing={{ kind: "project", id }} name={p?.name ?? ""} open={dialog === "access"} onClose={close} />
      <DeleteDialog open={dialog === "drop"} onClose={close} title={`Delete ${plural(chosen.size, "experiment")}`} run={async () => { await deleteExperiments(id, [...chosen]); setChosen(new Set()); }}>
        Their curves, files and parameters are lost. Models that were exported from them stay.
      </DeleteDialog>
      <DeleteDialog open={dialog === "delete"} onClose={close} title={`Delete the project ${p?.name ?? ""}`} run={async () => { await deleteProject(id); navigate("/projects"); }}>
        Its {plural(experiments.data?.items.length ?? 0, "experiment")} with all curves and files are lost. Dataset versions and exported models stay.
      </DeleteDialog>
    </>
  );
}

function Attach({ project, taken, open, onClose }: { project: string; taken: string[]; open: boolean; onClose: () => void }) {
  const datasets = useDatasets();
  const [dataset, setDataset] = useState<string | null>(null);
  const versions = useDatasetVersions(dataset);
  const [version, setVersion] = useState<string | null>(null);
  return (
    <Dialog open={open} onClose={onClose} title="Attach a dataset version" does="Attach" ready={!!version} run={async () => { if (version) await attach(project, version); setVersion(null); }}>
      <Select label="Dataset" placeholder="Choose one" searchable data={datasets.data?.items.map((d) => ({ value: d.id, label: d.name })) ?? []} value={dataset} onChange={(v) => { setDataset(v); setVersion(null); }} />
      <Select label="Version" placeholder="Choose one" disabled={!dataset} data={versions.data?.items.map((v) => ({ value: v.id, label: v.version, disabled: taken.includes(v.id) })) ?? []} value={version} onChange={setVersion} />
    </Dialog>
  );
}
