// An experiment: its curves while they come, its console, its files, how to launch it, what to make of it.
import { ActionIcon, Button, Progress, SegmentedControl, Select, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { Link, useParams } from "wouter";
import { Dialog } from "../../kit/dialog";
import { bytes, figure, percent, scoreName } from "../../kit/format";
import { IconBox, IconDownload, IconEdit, IconFile, IconPlay, IconPlus, IconStop, IconTerminal, IconTrash } from "../../kit/icons";
import { DeleteDialog, NameDialog, NameField, nameReady } from "../../kit/naming";
import { Page } from "../../kit/page";
import { CopyBlock, Cut, Empty, Facts, Fault, Id, Section, Status, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { navigate, useUrl } from "../../kit/url";
import { cancel, changeExperiment, deleteExperiment, launch, makeToken, ownUrl, publish, publishIn, useArtifacts, useConsole, useExperiment, useLiveExperiment, useModels, useProject, type Experiment } from "./data";
import { Diagnosis, Doubts } from "./findings";
import { Logs } from "./logs";

export default function ExperimentPage() {
  const { id = "" } = useParams();
  const experiment = useExperiment(id);
  const e = experiment.data;
  const project = useProject(e?.project_id ?? null);
  const [, setTab] = useUrl("tab", "logs");
  const [dialog, setDialog] = useState<"" | "export" | "edit" | "delete" | "cancel">("");
  useLiveExperiment(id);
  const running = e?.status === "RUNNING";
  const queued = e?.status === "WAITING" && !!e.job_id;
  const start = () => {
    launch(id).then(() => setTab(null), toast.failed);
  };
  const waiting = running ? "The training has begun; the first points come within seconds." : queued ? "The training waits for its turn; it starts by itself." : e?.status === "WAITING" ? "Launch the training to see its curves grow here." : "This run logged nothing.";
  const close = () => setDialog("");
  return (
    <>
      <Page
        crumbs={[{ text: "Projects", to: "/projects" }, { text: project.data?.name ?? "…", ...(e ? { to: `/projects/${e.project_id}` } : {}) }, { text: e?.name ?? "…" }]}
        id={id}
        on={e ? { kind: "project", id: e.project_id } : null}
        chips={e && <Status of={e.status} word={queued ? "Waiting for its turn" : undefined} />}
        actions={
          <>
            {(running || queued) && (
              <Button variant="default" leftSection={<IconStop size={15} />} onClick={() => setDialog("cancel")}>
                Cancel
              </Button>
            )}
            {e && e.status === "WAITING" && !queued && (
              <Button leftSection={<IconPlay size={15} />} onClick={start}>
                Launch
              </Button>
            )}
            {e?.status === "SUCCESS" && (
              <Button leftSection={<IconBox size={15} />} onClick={() => setDialog("export")}>
                Export as model
              </Button>
            )}
          </>
        }
        menu={[
          { text: "Rename or describe…", icon: IconEdit, run: () => setDialog("edit") },
          e && { text: "New experiment like this", icon: IconPlus, run: () => navigate(`/projects/${e.project_id}/new?from=${id}`) },
          e && e.status !== "SUCCESS" && { text: "Export as model…", icon: IconBox, run: () => setDialog("export") },
          { text: "Delete the experiment…", icon: IconTrash, danger: true, run: () => setDialog("delete") },
        ]}
        bar={running && <Progress value={100 * (e?.progress ?? 0)} size={3} radius={0} aria-label={`Progress of the training, ${percent(e?.progress)}`} />}
        of={[experiment]}
        tabs={[
          { key: "logs", text: "Logs", show: () => e && <Learned e={e} waiting={waiting} /> },
          { key: "console", text: "Console", whole: true, show: () => <Console id={id} /> },
          { key: "artifacts", text: "Artifacts", show: () => <Artifacts id={id} /> },
          { key: "launch", text: "Launch", needs: "write", show: () => e && <Launch e={e} onStart={start} /> },
        ]}
      />
      {e && <Export e={e} open={dialog === "export"} onClose={close} />}
      {e && <NameDialog open={dialog === "edit"} onClose={close} title="Rename or describe" does="Save" name={e.name} description={e.description ?? ""} run={(name, description) => changeExperiment(e.id, { name, description })} />}
      <Dialog open={dialog === "cancel"} onClose={close} title={`Cancel ${e?.name ?? ""}`} does="Cancel the training" danger run={() => cancel(id)}>
        <Text size="sm">It stops within seconds. Curves and the last checkpoint up to here are kept.</Text>
      </Dialog>
      <DeleteDialog open={dialog === "delete"} onClose={close} title={`Delete ${e?.name ?? ""}`} run={async () => { await deleteExperiment(id); navigate(`/projects/${e?.project_id ?? ""}`); }}>
        Its curves, files and parameters are lost. Models that were exported from it stay.
      </DeleteDialog>
    </>
  );
}

/** The curves, with what the training found out below them, and the facts at their side. */
function Learned({ e, waiting }: { e: Experiment; waiting: string }) {
  return (
    <div style={{ display: "grid", gridTemplateColumns: "minmax(0, 1fr) 260px", gap: 32 }}>
      <div>
        {e.status === "FAILED" && e.error && (
          <div style={{ marginBottom: 16 }}>
            <Fault error={{ message: "The training failed", detail: e.error }} />
          </div>
        )}
        <Diagnosis id={e.id} />
        <Logs id={e.id} waiting={waiting} />
        <Doubts id={e.id} />
      </div>
      <Summary e={e} />
    </div>
  );
}

/** What it learnt from; what was deleted since then is told as it was. */
function Source({ of: s }: { of: Experiment["sources"][number] }) {
  const name = `${s.origin_name} / ${s.version}`;
  if (s.there) return <Link href={s.kind === "dataset version" ? `/versions/${s.thing_id}` : `/model-versions/${s.thing_id}`}>{name}</Link>;
  return (
    <span>
      {name}{" "}
      <Text span size="sm" c="dimmed">
        (deleted{s.nb_assets == null ? "" : `; ${s.nb_assets} images, ${s.nb_objects ?? 0} objects`})
      </Text>
    </span>
  );
}

function Summary({ e }: { e: Experiment }) {
  const b = e.base_model_version;
  return (
    <aside aria-label="Summary" style={{ minWidth: 0 }}>
      <Section title="Summary">
        <Facts
          of={[
            e.best == null ? null : [`Best ${scoreName(e.best.name)}`, <b key="b" style={{ fontWeight: 600 }}>{e.best.value?.toFixed(4) ?? "–"}</b>],
            e.status === "RUNNING" ? ["Progress", percent(e.progress)] : null,
            ["Made", <Time key="t" at={e.created_at} />],
            ["Changed", <Time key="u" at={e.updated_at} />],
            b ? ["Base model", <Link key="m" href={`/model-versions/${b.id}`}>{typeof b.origin === "object" ? b.origin.name : (b.origin ?? b.name)} / {b.version}</Link>] : null,
            ...e.sources.filter((s) => s.kind === "dataset version" || !b).map((s) => [s.kind === "model version" ? "Base model" : s.name, <Source key={s.name} of={s} />] as const),
          ]}
        />
        {e.description && <p style={{ marginTop: 12, overflowWrap: "anywhere" }}>{e.description}</p>}
      </Section>
      {e.parameters && Object.keys(e.parameters).length > 0 && (
        <Section title="Hyperparameters">
          <dl className="facts" style={{ gap: "3px 12px" }}>
            {Object.entries(e.parameters).map(([k, v]) => [
              <dt key={`${k}t`} className="mono">{k}</dt>,
              <dd key={`${k}d`} style={{ textAlign: "right" }}>{typeof v === "number" ? figure(v) : String(v)}</dd>,
            ])}
          </dl>
        </Section>
      )}
    </aside>
  );
}

function Console({ id }: { id: string }) {
  const { lines, loading, error } = useConsole(id);
  const el = useRef<HTMLPreElement>(null);
  const stick = useRef(true);
  useEffect(() => {
    if (stick.current && el.current) el.current.scrollTop = el.current.scrollHeight;
  }, [lines]);
  if (error)
    return (
      <div className="body">
        <Fault error={error} />
      </div>
    );
  if (!loading && !lines.length) return <Empty icon={IconTerminal} title="Nothing was printed yet">What the training prints appears here line by line.</Empty>;
  return (
    <div style={{ flex: 1, minHeight: 0 }}>
      <pre
        ref={el}
        className="console"
        tabIndex={0}
        aria-label="Console"
        onScroll={(e) => {
          const t = e.currentTarget;
          stick.current = t.scrollHeight - t.scrollTop - t.clientHeight < 40;
        }}
      >
        {lines.map((l) => l.text).join("\n")}
      </pre>
    </div>
  );
}

function Artifacts({ id }: { id: string }) {
  const { data, error, refetch } = useArtifacts(id);
  if (error) return <Fault error={error} again={() => void refetch()} />;
  return (
    <Table
      rows={data?.items}
      id={(a) => a.id}
      empty={<Empty icon={IconFile} title="No files yet">The training stores its model, its checkpoint and its configuration here.</Empty>}
      columns={[
        { key: "name", title: "Name", cell: (a) => <b style={{ fontWeight: 540 }}>{a.name}</b> },
        { key: "file", title: "File", cell: (a) => <Cut text={a.filename} /> },
        { key: "size", title: "Size", align: "right", cell: (a) => bytes(a.size) },
        { key: "at", title: "Stored", cell: (a) => <Time at={a.created_at} /> },
        { key: "id", title: "", cell: (a) => <Id id={a.id} /> },
        { key: "do", title: "", align: "right", cell: (a) => <ActionIcon component="a" href={a.presigned_url ? ownUrl(a.presigned_url) : undefined} download={a.filename} aria-label={`Download ${a.name}`}><IconDownload size={16} /></ActionIcon> },
      ]}
    />
  );
}

function Launch({ e, onStart }: { e: Experiment; onStart: () => void }) {
  const [token, setToken] = useState("");
  const command = `saccade train --host ${location.origin} --token ${token || "YOUR_API_TOKEN"} --experiment ${e.id}`;
  const busy = e.status === "RUNNING" || (e.status === "WAITING" && !!e.job_id);
  const over = e.status === "SUCCESS";
  return (
    <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(380px, 1fr))", gap: "0 48px", maxWidth: 1200 }}>
      <Section title="On this server">
        <p className="dim" style={{ marginTop: 0 }}>The training runs as a job beside the server; its curves and its console appear here while it learns.</p>
        <Button size="sm" leftSection={<IconPlay size={15} />} disabled={busy || over} onClick={onStart}>
          {over ? "It has succeeded" : busy ? "It is under way" : e.status === "WAITING" ? "Launch here" : "Launch again"}
        </Button>
        {over && (
          <p className="dim">
            A finished experiment stays as it is. <Link href={`/projects/${e.project_id}/new?from=${e.id}`}>Make a new one like it.</Link>
          </p>
        )}
      </Section>
      <Section title="On your own machine">
        <p className="dim" style={{ marginTop: 0 }}>Any machine that reaches this address can train: it needs the program and an API token, talks HTTP only, and sends everything here.</p>
        <CopyBlock text={command} />
        {!token && (
          <Button variant="default" mt={10} onClick={() => void makeToken(`training of ${e.name}`).then(setToken, toast.failed)}>
            Make a token for it
          </Button>
        )}
        {token && <p className="dim">The token is in the command now and is shown this once only. Revoke it in the settings.</p>}
      </Section>
    </div>
  );
}

function Export({ e, open, onClose }: { e: Experiment; open: boolean; onClose: () => void }) {
  const models = useModels(false);
  const [kind, setKind] = useState("new");
  const [name, setName] = useState("");
  const [model, setModel] = useState<string | null>(null);
  const ready = kind === "new" ? nameReady(name) : !!model;
  const run = async () => {
    const v = kind === "new" ? await publish(e.id, name.trim()) : await publishIn(e.id, model ?? "");
    toast.done(`Exported as ${v.origin?.name ?? name} / ${v.version}`);
    navigate(`/model-versions/${v.id}`);
  };
  return (
    <Dialog open={open} onClose={onClose} title="Export as model" does="Export" ready={ready} run={run}>
      <SegmentedControl value={kind} onChange={setKind} data={[{ value: "new", label: "A new model" }, { value: "next", label: "Next version of a model", disabled: !models.data?.items.length }]} fullWidth />
      {kind === "new" ? (
        <NameField label="Name of the model" value={name} onChange={setName} />
      ) : (
        <Select label="Model" searchable placeholder="Choose one" data={models.data?.items.map((m) => ({ value: m.id, label: m.name })) ?? []} value={model} onChange={setModel} />
      )}
      <Text size="sm" c="dimmed">
        Takes along the files, the labels and the hyperparameters, and remembers where they come from.
      </Text>
    </Dialog>
  );
}
