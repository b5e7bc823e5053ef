// What the organization tells outside: webhooks and letters, with the log of each.
import { ActionIcon, Button, Checkbox, Menu, NumberInput, PasswordInput, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../kit/dialog";
import { IconCloud, IconDots, IconPlus } from "../../kit/icons";
import { DeleteDialog } from "../../kit/naming";
import { CopyBlock, Cut, Empty, Facts, Fault, Lines, Section, Status, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { addWebhook, changeWebhook, forgetMail, newSecret, redeliver, removeWebhook, setMail, testMail, testWebhook, useDeliveries, useDelivery, useLetters, useMail, useSignedIn, useWebhookEvents, useWebhooks, type Delivery, type MailServer, type Webhook } from "./data";

const stateWord = (d: Delivery) => (d.state === "WAITING" ? (d.tries ? `Waits, try ${d.tries + 1}` : "Waits") : d.state === "DELIVERED" ? "Arrived" : "Failed");
const stateOf = (d: Delivery) => (d.state === "DELIVERED" ? "SUCCESS" : d.state === "FAILED" ? "FAILED" : "WAITING");

function Log({ rows, what }: { rows: readonly Delivery[] | undefined; what: (d: Delivery) => string }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <>
      <Table
        rows={rows}
        id={(d) => d.id}
        empty={<span className="dim">Nothing was sent yet.</span>}
        columns={[
          { key: "at", title: "When", cell: (d) => <Time at={d.created_at} /> },
          { key: "what", title: "What", cell: (d) => what(d) },
          { key: "state", title: "", cell: (d) => <Status of={stateOf(d)} word={stateWord(d)} /> },
          { key: "answer", title: "Answer", cell: (d) => <span className="dim">{[d.status, d.error].filter(Boolean).join(" · ") || "–"}</span> },
          { key: "do", title: "", align: "right", cell: (d) => (
            <span style={{ display: "inline-flex", gap: 6 }}>
              <Button size="compact-xs" variant="subtle" onClick={() => setOpen(d.id)}>Look</Button>
              <Button size="compact-xs" variant="default" disabled={d.state === "WAITING" && !d.tries} onClick={() => void redeliver(d.id).then(() => toast.done("It is sent again"), toast.failed)}>Send again</Button>
            </span>
          ) },
        ]}
      />
      {open && <Looked id={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function Looked({ id, onClose }: { id: string; onClose: () => void }) {
  const d = useDelivery(id);
  const x = d.data;
  return (
    <Dialog open onClose={onClose} title="What was sent" does="Send again" size="lg" run={() => redeliver(id)}>
      {d.error ? <Fault error={d.error} /> : !x ? <Lines n={3} /> : (
        <>
          <Facts of={[["Id", x.id], ["Tries", String(x.tries)], ["Answer", [x.status, x.error].filter(Boolean).join(" · ") || "–"], x.answer ? ["It said", x.answer] : null, x.subject ? ["Subject", x.subject] : null]} />
          <CopyBlock text={x.body ?? ""} />
        </>
      )}
    </Dialog>
  );
}

function Form({ webhook, onClose, onSecret }: { webhook: Webhook | null; onClose: () => void; onSecret: (s: string) => void }) {
  const { organization } = useSignedIn();
  const events = useWebhookEvents();
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [chosen, setChosen] = useState<string[]>(webhook?.events ?? ["alert_firing", "alert_ended"]);
  return (
    <Dialog open onClose={onClose} title={webhook ? "Edit the webhook" : "New webhook"} does={webhook ? "Save" : "Add webhook"} ready={/^https?:\/\/./.test(url) && chosen.length > 0}
      run={async () => { if (webhook) await changeWebhook(webhook.id, { url, events: chosen }); else onSecret((await addWebhook(organization.id, { url, events: chosen })).secret); }}>
      <TextInput label="Address" placeholder="https://example.org/hook" value={url} onChange={(e) => setUrl(e.currentTarget.value.trim())} />
      <Checkbox.Group label="Told when" value={chosen} onChange={setChosen}>
        <div style={{ display: "grid", gap: 8, marginTop: 8 }}>{events.data?.map((e) => <Checkbox key={e.name} value={e.name} label={e.says} />)}</div>
      </Checkbox.Group>
    </Dialog>
  );
}

function Hook({ w, onEdit, onSecret }: { w: Webhook; onEdit: () => void; onSecret: (s: string) => void }) {
  const [open, setOpen] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const log = useDeliveries(open ? w.id : null);
  const act = (p: Promise<unknown>) => void p.catch(toast.failed);
  const last = !w.last_at ? null : w.last_error ? <Status of="FAILED" word={String(w.last_status ?? "Failed")} /> : <Status of="SUCCESS" word={String(w.last_status)} />;
  return (
    <article aria-label={w.url} style={{ border: "1px solid var(--line)", borderRadius: 8, padding: "12px 14px", display: "grid", gap: 8 }}>
      <div style={{ display: "flex", gap: 12, alignItems: "center" }}>
        <Cut text={w.url} style={{ flex: 1, fontWeight: 540 }} />
        {last}
        <Button size="compact-xs" variant="default" disabled={!w.active} onClick={() => act(testWebhook(w.id).then(() => setOpen(true)))}>Test</Button>
        <Switch checked={w.active} aria-label={`${w.url}: on`} onChange={(e) => act(changeWebhook(w.id, { active: e.currentTarget.checked }))} />
        <Menu position="bottom-end">
          <Menu.Target><ActionIcon aria-label={`More for ${w.url}`}><IconDots size={16} /></ActionIcon></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={onEdit}>Edit…</Menu.Item>
            <Menu.Item onClick={() => act(newSecret(w.id).then((s) => onSecret(s.secret)))}>New secret</Menu.Item>
            <Menu.Item color="red" onClick={() => setDeleting(true)}>Delete…</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <div className="dim" style={{ display: "flex", gap: 14 }}>
        <span>{w.events.join(", ")}</span>
        <span>secret …{w.hint}</span>
        <span style={{ flex: 1 }} />
        {w.last_at && <span>last call <Time at={w.last_at} /></span>}
        <Button size="compact-xs" variant="subtle" aria-expanded={open} onClick={() => setOpen(!open)}>Log</Button>
      </div>
      {open && (log.error ? <Fault error={log.error} again={() => void log.refetch()} /> : <Log rows={log.data?.items} what={(d) => d.event} />)}
      <DeleteDialog open={deleting} onClose={() => setDeleting(false)} title="Delete the webhook" run={() => removeWebhook(w.id)}>What waits for it is not sent any more, and its log goes with it.</DeleteDialog>
    </article>
  );
}

export function Webhooks() {
  const { organization } = useSignedIn();
  const hooks = useWebhooks(organization.id);
  const [form, setForm] = useState<Webhook | "new" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  if (hooks.error) return <Fault error={hooks.error} again={() => void hooks.refetch()} />;
  return (
    <Section title="Webhooks" end={<Button leftSection={<IconPlus size={15} />} onClick={() => setForm("new")}>New webhook</Button>}>
      {!hooks.data ? <Lines n={2} h={70} /> : hooks.data.items.length ? (
        <div style={{ display: "grid", gap: 10 }}>{hooks.data.items.map((w) => <Hook key={w.id} w={w} onEdit={() => setForm(w)} onSecret={setSecret} />)}</div>
      ) : (
        <Empty icon={IconCloud} title="No program is told yet">An address of yours gets a signed call when an alert fires, a model is deployed or a training ends.</Empty>
      )}
      {form && <Form webhook={form === "new" ? null : form} onClose={() => setForm(null)} onSecret={setSecret} />}
      <Dialog open={!!secret} onClose={() => setSecret(null)} title="The webhook’s secret" does="I have it" run={async () => setSecret(null)}>
        <p style={{ margin: 0 }}>Calls are signed with it. It is shown this once.</p>
        <CopyBlock text={secret ?? ""} />
      </Dialog>
    </Section>
  );
}

const securities = [
  { value: "STARTTLS", label: "STARTTLS" },
  { value: "TLS", label: "TLS" },
  { value: "NONE", label: "None" },
];
const ports: Record<string, number> = { STARTTLS: 587, TLS: 465, NONE: 25 };

function Server({ m, org }: { m: MailServer; org: string }) {
  const [host, setHost] = useState(m.host ?? "");
  const [security, setSecurity] = useState(m.security ?? "STARTTLS");
  const [port, setPort] = useState(m.port ?? 587);
  const [username, setUsername] = useState(m.username ?? "");
  const [password, setPassword] = useState("");
  const [sender, setSender] = useState(m.sender ?? "");
  const save = () => setMail(org, { host, security, port, username: username || null, sender, ...(password ? { password } : {}) });
  return (
    <form style={{ display: "grid", gap: 14, maxWidth: 560 }} onSubmit={(e) => { e.preventDefault(); void save().then(() => { setPassword(""); toast.done("The mail server is set"); }, toast.failed); }}>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 130px 100px", gap: 8 }}>
        <TextInput label="Mail server" placeholder="mail.example.org" value={host} onChange={(e) => setHost(e.currentTarget.value.trim())} />
        <Select label="Encryption" data={securities} value={security} allowDeselect={false} onChange={(s) => { setSecurity((s ?? "TLS") as typeof security); setPort(ports[s ?? "TLS"] ?? 587); }} />
        <NumberInput label="Port" min={1} max={65535} hideControls value={port} onChange={(p) => setPort(Number(p) || 587)} />
      </div>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 8 }}>
        <TextInput label="User" autoComplete="off" value={username} onChange={(e) => setUsername(e.currentTarget.value)} />
        <PasswordInput label="Password" autoComplete="new-password" placeholder={m.has_password ? "Kept; type a new one to change it" : ""} value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
      </div>
      <TextInput label="Letters are from" placeholder="saccade@example.org" value={sender} onChange={(e) => setSender(e.currentTarget.value.trim())} />
      <div style={{ display: "flex", gap: 8 }}>
        <Button type="submit" disabled={!host || !sender.includes("@")}>Save</Button>
        {m.set && <Button variant="default" onClick={() => void forgetMail(org).catch(toast.failed)}>Use none of our own</Button>}
      </div>
    </form>
  );
}

export function Mail() {
  const { organization } = useSignedIn();
  const mail = useMail(organization.id);
  const letters = useLetters(organization.id);
  const [to, setTo] = useState("");
  const m = mail.data;
  if (mail.error) return <Fault error={mail.error} again={() => void mail.refetch()} />;
  if (!m) return <Lines n={4} />;
  return (
    <>
      <Section title="E-mail">
        <p className="dim" style={{ marginTop: 0 }}>
          {m.set ? "Letters of alerts go by this server." : m.default ? "Letters of alerts go by the server that this installation has for all; you may set one of your own." : "No letter can be sent until a mail server is set."}
        </p>
        <Server key={`${m.host} ${m.set}`} m={m} org={organization.id} />
      </Section>
      <Section title="Letters">
        <form style={{ display: "flex", gap: 8, marginBottom: 14, maxWidth: 560 }} onSubmit={(e) => { e.preventDefault(); void testMail(organization.id, to).then(() => toast.done("A letter is on its way"), toast.failed); }}>
          <TextInput aria-label="Address for a test" placeholder="you@example.org" style={{ flex: 1 }} value={to} onChange={(e) => setTo(e.currentTarget.value.trim())} />
          <Button type="submit" variant="default" disabled={!to.includes("@")}>Send a test</Button>
        </form>
        <Log rows={letters.data?.items} what={(d) => `${d.subject ?? ""} → ${d.address ?? ""}`} />
      </Section>
    </>
  );
}
