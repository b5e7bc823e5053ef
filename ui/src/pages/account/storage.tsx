// Storage: connectors to buckets of other stores, and which storage the datalake's uploads go to.
import { ActionIcon, Button, Menu, PasswordInput, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../kit/dialog";
import { count } from "../../kit/format";
import { IconBucket, IconDots, IconPlus, IconTrash } from "../../kit/icons";
import { useMay } from "../../kit/may";
import { DeleteDialog, NameField, nameReady } from "../../kit/naming";
import { Cut, Empty, Fault, Lines, Section, Status, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { addConnector, bindLake, changeConnector, changeSync, removeConnector, removeSync, runSync, testConnector, useConnectors, useLake, useSignedIn, useSyncs, type BucketSync, type Connector, type ConnectorInput, type ConnectorTest } from "./data";

type Login = "key" | "profile" | "public";
const logins = [
  { value: "key", label: "Key and secret" },
  { value: "profile", label: "Profile of the server" },
  { value: "public", label: "Public bucket" },
];
const loginOf = (c: Connector | null): Login => (!c || c.access_key ? "key" : c.profile ? "profile" : "public");

/** What is sent; the secret only if one was typed. */
const input = (f: ConnectorInput, login: Login): ConnectorInput => ({
  ...f,
  name: f.name.trim(),
  access_key: login === "key" ? (f.access_key ?? null) : null,
  profile: login === "profile" ? (f.profile ?? null) : null,
  ...(login !== "key" ? { secret_key: null } : f.secret_key ? { secret_key: f.secret_key } : {}),
});

function Form({ of: c, onClose }: { of: Connector | null; onClose: () => void }) {
  const { organization } = useSignedIn();
  const [login, setLogin] = useState<Login>(loginOf(c));
  const [f, setF] = useState<ConnectorInput>(c ? { name: c.name, endpoint: c.endpoint, region: c.region, bucket: c.bucket, prefix: c.prefix, path_style: c.path_style, access_key: c.access_key, profile: c.profile } : { name: "", endpoint: "", region: "us-east-1", bucket: "", prefix: "", access_key: "", profile: "" });
  const set = (change: Partial<ConnectorInput>) => setF({ ...f, ...change });
  const whole = login === "public" || (login === "key" ? !!f.access_key && (!!c?.access_key || !!f.secret_key) : !!f.profile);
  const { secret_key: _, ...shown } = f;
  const run = async () => {
    const sent = input(f, login);
    if (!c) await addConnector(organization.id, sent);
    else {
      const { bucket: _b, prefix: _p, ...rest } = sent;
      await changeConnector(c.id, rest);
    }
  };
  return (
    <Dialog open onClose={onClose} size="lg" title={c ? "Edit the connector" : "New connector"} does={c ? "Save" : "Add connector"} ready={nameReady(shown.name) && /^https?:\/\/./.test(f.endpoint) && f.bucket.length > 2 && whole} run={run}>
      <NameField value={f.name} onChange={(name) => set({ name })} />
      <div style={{ display: "grid", gridTemplateColumns: "1fr 160px", gap: 8 }}>
        <TextInput label="Endpoint" placeholder="https://s3.eu-west-1.amazonaws.com" value={f.endpoint} onChange={(e) => set({ endpoint: e.currentTarget.value.trim() })} />
        <TextInput label="Region" value={f.region ?? ""} onChange={(e) => set({ region: e.currentTarget.value.trim() })} />
      </div>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 8 }}>
        <TextInput label="Bucket" disabled={!!c} value={f.bucket} onChange={(e) => set({ bucket: e.currentTarget.value.trim() })} />
        <TextInput label="Prefix" placeholder="All of the bucket" disabled={!!c} value={f.prefix ?? ""} onChange={(e) => set({ prefix: e.currentTarget.value })} />
      </div>
      <div>
        <div style={{ fontWeight: 500, marginBottom: 6 }}>Signed with</div>
        <SegmentedControl size="xs" aria-label="Signed with" data={logins} value={login} onChange={(l) => setLogin(l as Login)} />
      </div>
      {login === "key" && (
        <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 8 }}>
          <TextInput label="Access key" autoComplete="off" value={f.access_key ?? ""} onChange={(e) => set({ access_key: e.currentTarget.value.trim() })} />
          <PasswordInput label="Secret key" autoComplete="new-password" placeholder={c?.access_key ? "Kept; type it to change it" : ""} value={f.secret_key ?? ""} onChange={(e) => set({ secret_key: e.currentTarget.value })} />
        </div>
      )}
      {login === "profile" && <TextInput label="Profile" description="Of the file that the server was started with (serve --credentials FILE)." value={f.profile ?? ""} onChange={(e) => set({ profile: e.currentTarget.value.trim() })} />}
      {c && <Switch label="The bucket’s name is part of the path" description="Of most stores but Amazon’s." checked={!!f.path_style} onChange={(e) => set({ path_style: e.currentTarget.checked })} />}
    </Dialog>
  );
}

const says = (c: Connector) => (c.access_key ? `key ${c.access_key.slice(0, 6)}…` : c.profile ? `profile ${c.profile}` : "public");

function Row({ c, admin, onEdit }: { c: Connector; admin: boolean; onEdit: () => void }) {
  const [tested, setTested] = useState<ConnectorTest | "busy" | null>(null);
  const [deleting, setDeleting] = useState(false);
  const test = () => {
    setTested("busy");
    testConnector(c.id).then(setTested, (e: Error) => { setTested(null); toast.failed(e); });
  };
  return (
    <article aria-label={c.name} style={{ border: "1px solid var(--line)", borderRadius: 8, padding: "12px 14px", display: "grid", gap: 6 }}>
      <div style={{ display: "flex", gap: 12, alignItems: "center" }}>
        <Cut text={c.name} style={{ flex: 1, fontWeight: 540 }} />
        {tested && tested !== "busy" && <Status of={tested.works ? "SUCCESS" : "FAILED"} word={tested.works ? "Works" : "Fails"} />}
        {admin && <Button size="compact-xs" variant="default" loading={tested === "busy"} onClick={test}>Test</Button>}
        {admin && (
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon aria-label={`More for ${c.name}`}><IconDots size={16} /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={onEdit}>Edit…</Menu.Item>
              <Menu.Item color="red" onClick={() => setDeleting(true)}>Delete…</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      <div className="dim" style={{ display: "flex", gap: 14, minWidth: 0 }}>
        <Cut text={`${c.bucket}/${c.prefix}`} />
        <Cut text={c.endpoint.replace(/^https:\/\//, "")} />
        <span style={{ whiteSpace: "nowrap" }}>{says(c)}</span>
      </div>
      {tested && tested !== "busy" && <div style={{ color: tested.works ? "var(--dim)" : "var(--bad)" }}>{tested.says[0]?.toUpperCase() + tested.says.slice(1)}.</div>}
      <DeleteDialog open={deleting} onClose={() => setDeleting(false)} title="Delete the connector" run={() => removeConnector(c.id)}>Nothing in the bucket is touched. It can be deleted only when no data have their bytes there.</DeleteDialog>
    </article>
  );
}

/** Where uploads to the datalake go. */
function Uploads({ connectors }: { connectors: readonly Connector[] }) {
  const { organization, datalake } = useSignedIn();
  const lake = useLake(datalake.id);
  const may = useMay();
  if (!lake.data) return lake.error ? <Fault error={lake.error} /> : <Lines n={1} />;
  return (
    <Select
      w={340}
      label={`Uploads to ${datalake.name} go to`}
      description="What is there already stays where it is."
      disabled={!may("admin")}
      allowDeselect={false}
      data={[{ value: organization.default_connector_id, label: "This server" }, ...connectors.map((c) => ({ value: c.id, label: `${c.name} (${c.bucket})` }))]}
      value={lake.data.connector_id}
      onChange={(to) => to && void bindLake(datalake.id, to).then(() => toast.done("New uploads go there"), toast.failed)}
    />
  );
}

const often: Record<number, string> = { 60: "every hour", 1440: "every day" };
const cameTo = (s: BucketSync) => {
  if (!s.last) return "waits for its first run";
  if (!s.last.ended_at) return "at work";
  if (s.last.error) return s.last.error;
  const r = (s.last.result ?? {}) as Record<string, number>;
  return ["added", "changed", "gone", "back", "failed"].filter((k) => k === "added" || r[k]).map((k) => `${count(r[k] ?? 0)} ${k}`).join(", ");
};

/** Prefixes that the datalake imports from again and again. */
function Syncs({ connectors }: { connectors: readonly Connector[] }) {
  const { datalake } = useSignedIn();
  const syncs = useSyncs(datalake.id);
  const may = useMay()("write");
  const act = (p: Promise<unknown>) => void p.catch(toast.failed);
  if (syncs.error) return <Fault error={syncs.error} again={() => void syncs.refetch()} />;
  return (
    <Table
      rows={syncs.data?.items}
      id={(s) => s.id}
      empty={<span className="dim">Nothing yet. “Import from a bucket” in the datalake offers it.</span>}
      columns={[
        { key: "what", title: "What", cell: (s) => <Cut text={`${connectors.find((c) => c.id === s.connector_id)?.name ?? ""} · ${s.prefix || "all"}`} style={{ fontWeight: 540 }} /> },
        { key: "often", title: "How often", cell: (s) => often[s.every_minutes] ?? `every ${s.every_minutes} min` },
        { key: "last", title: "Last run", cell: (s) => <span style={s.last?.error ? { color: "var(--bad)" } : undefined}>{cameTo(s)}{s.last?.ended_at && <span className="dim"> · <Time at={s.last.ended_at} /></span>}</span> },
        { key: "on", title: "On", width: 60, cell: (s) => <Switch size="xs" disabled={!may} aria-label={`${s.prefix}: on`} checked={s.active} onChange={(e) => act(changeSync(s.id, { active: e.currentTarget.checked }))} /> },
        { key: "do", title: "", align: "right", width: 150, cell: (s) => may && (
          <span style={{ display: "inline-flex", gap: 6 }}>
            <Button size="compact-xs" variant="default" disabled={!!s.last && !s.last.ended_at} onClick={() => act(runSync(s.id))}>Run now</Button>
            <ActionIcon aria-label={`Stop keeping ${s.prefix} in step`} onClick={() => act(removeSync(s.id))}><IconTrash size={15} /></ActionIcon>
          </span>
        ) },
      ]}
    />
  );
}

export function Storage() {
  const { organization } = useSignedIn();
  const connectors = useConnectors(organization.id);
  const may = useMay();
  const [form, setForm] = useState<Connector | "new" | null>(null);
  if (connectors.error) return <Fault error={connectors.error} again={() => void connectors.refetch()} />;
  return (
    <>
      <Section title="Connectors" end={may("admin") && <Button leftSection={<IconPlus size={15} />} onClick={() => setForm("new")}>New connector</Button>}>
        {!connectors.data ? <Lines n={2} h={60} /> : connectors.data.items.length ? (
          <div style={{ display: "grid", gap: 10 }}>{connectors.data.items.map((c) => <Row key={c.id} c={c} admin={may("admin")} onEdit={() => setForm(c)} />)}</div>
        ) : (
          <Empty icon={IconBucket} title="No other storage yet">A connector reaches a bucket of Amazon S3 or any store that speaks its language. Its images become data without being copied.</Empty>
        )}
      </Section>
      {!!connectors.data?.items.length && (
        <Section title="Uploads">
          <Uploads connectors={connectors.data.items} />
        </Section>
      )}
      {!!connectors.data?.items.length && (
        <Section title="Kept in step">
          <Syncs connectors={connectors.data.items} />
        </Section>
      )}
      {form && <Form of={form === "new" ? null : form} onClose={() => setForm(null)} />}
    </>
  );
}
