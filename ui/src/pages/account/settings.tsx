// Settings: the organization, its users, your API tokens.
import { ActionIcon, Button, Checkbox, PasswordInput, Select, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../kit/dialog";
import { IconKey, IconPlus, IconTrash } from "../../kit/icons";
import { Page } from "../../kit/page";
import { CopyBlock, Empty, Facts, Fault, Id, Section, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { addToken, addUser, changeOwnPassword, changeUser, dropToken, removeUser, useSignedIn, useTokens, useUsers, type Token, type User } from "./data";

const roles = ["viewer", "annotator", "member", "admin", "owner"].map((r) => ({ value: r, label: r.charAt(0).toUpperCase() + r.slice(1) }));

export default function Settings() {
  return (
    <Page
      crumbs={[{ text: "Settings" }]}
      tabs={[
        { key: "organization", text: "Organization", show: () => <Organization /> },
        { key: "users", text: "Users", show: () => <Users /> },
        { key: "tokens", text: "API tokens", show: () => <Tokens /> },
      ]}
    />
  );
}

function Organization() {
  const { organization, datalake, user } = useSignedIn();
  return (
    <Section title="This organization">
      <Facts
        of={[
          ["Name", organization.name],
          ["Id", <Id key="o" id={organization.id} whole />],
          ["Datalake", datalake.name],
          ["Datalake id", <Id key="d" id={datalake.id} whole />],
          ["Signed in as", `${user.username} (${user.role.toLowerCase()})`],
          ["Address for clients", location.origin],
        ]}
      />
    </Section>
  );
}

function Users() {
  const me = useSignedIn().user;
  const users = useUsers();
  const [making, setMaking] = useState(false);
  const [reset, setReset] = useState<User | null>(null);
  const [name, setName] = useState("");
  const [word, setWord] = useState("");
  const [old, setOld] = useState("");
  const [leaving, setLeaving] = useState<User | null>(null);
  const [role, setRole] = useState<string | null>("member");
  const [revoke, setRevoke] = useState(true);
  const mayChange = /admin|owner/i.test(me.role);
  if (users.error) return <Fault error={users.error} again={() => void users.refetch()} />;
  return (
    <>
      <Section
        title="Users"
        end={
          mayChange && (
            <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
              New user
            </Button>
          )
        }
      >
        <Table
          rows={users.data?.items}
          id={(u) => u.id}
          columns={[
            { key: "name", title: "Username", cell: (u) => <b style={{ fontWeight: 540 }}>{u.username}{u.id === me.id && <span className="dim"> (you)</span>}</b> },
            { key: "role", title: "Role", width: 160, cell: (u) => mayChange && u.id !== me.id ? <Select size="xs" w={130} aria-label={`Role of ${u.username}`} data={roles} value={u.role.toLowerCase()} allowDeselect={false} onChange={(r) => r && changeUser(u.id, { role: r }).then(() => toast.done(`${u.username} is ${r} now`), toast.failed)} /> : <span style={{ textTransform: "capitalize" }}>{u.role.toLowerCase()}</span> },
            { key: "since", title: "Since", cell: (u) => <Time at={u.created_at} /> },
            { key: "seen", title: "Last signed in", cell: (u) => <Time at={u.last_login_at} /> },
            { key: "do", title: "", align: "right", cell: (u) => (mayChange || u.id === me.id) && <Button variant="subtle" size="compact-xs" onClick={() => { setWord(""); setOld(""); setReset(u); }}>Set password…</Button> },
            { key: "gone", title: "", align: "right", width: 40, cell: (u) => mayChange && u.id !== me.id && <ActionIcon aria-label={`Remove ${u.username}`} onClick={() => setLeaving(u)}><IconTrash size={15} /></ActionIcon> },
          ]}
        />
      </Section>
      <Dialog open={making} onClose={() => setMaking(false)} title="New user" does="Create" ready={!!name.trim() && word.length >= 8} run={async () => { await addUser({ username: name.trim(), password: word, role: role ?? "member" }); setName(""); setWord(""); }}>
        <TextInput label="Username" value={name} onChange={(e) => setName(e.target.value)} autoComplete="off" data-autofocus />
        <PasswordInput label="Password" description="At least 8 characters; the user can change it." value={word} onChange={(e) => setWord(e.target.value)} autoComplete="new-password" />
        <Select label="Role" description="Viewers look, annotators annotate and review, members work, admins manage users." data={roles} value={role} onChange={setRole} allowDeselect={false} />
      </Dialog>
      <Dialog open={!!reset} onClose={() => setReset(null)} title={`Set the password of ${reset?.username ?? ""}`} does="Set password" ready={word.length >= 8} run={async () => { if (reset) await (reset.id === me.id ? changeOwnPassword(old, word, revoke) : changeUser(reset.id, { password: word, revoke_tokens: revoke })); toast.done("The password is set"); }}>
        {reset?.id === me.id && <PasswordInput label="Password until now" value={old} onChange={(e) => setOld(e.target.value)} autoComplete="current-password" />}
        <PasswordInput label="New password" description="At least 8 characters." value={word} onChange={(e) => setWord(e.target.value)} autoComplete="new-password" data-autofocus />
        <Checkbox label="Revoke the API tokens, too" description="Programs that use them stop working until they get new ones." checked={revoke} onChange={(e) => setRevoke(e.target.checked)} />
      </Dialog>
      <Dialog open={!!leaving} onClose={() => setLeaving(null)} title={`Remove ${leaving?.username ?? ""}`} does="Remove" danger run={async () => { if (leaving) await removeUser(leaving.id); }}>
        <Text size="sm">They are signed out and their API tokens stop working. What they made stays.</Text>
      </Dialog>
    </>
  );
}

function Tokens() {
  const tokens = useTokens();
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  const [fresh, setFresh] = useState<string | null>(null);
  const [dropping, setDropping] = useState<Token | null>(null);
  if (tokens.error) return <Fault error={tokens.error} again={() => void tokens.refetch()} />;
  return (
    <>
      <Section
        title="Your API tokens"
        end={
          <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
            New token
          </Button>
        }
      >
        {fresh && (
          <div style={{ margin: "0 0 20px", maxWidth: 720 }}>
            <p style={{ margin: "0 0 8px" }}>
              <b style={{ fontWeight: 600 }}>Copy the token now.</b> It is shown this once only.
            </p>
            <CopyBlock text={fresh} />
          </div>
        )}
        <Table
          rows={tokens.data?.items}
          id={(t) => t.id}
          empty={
            <Empty icon={IconKey} title="No tokens yet">
              A token lets the Python client, the command line and your own programs work with this server in your name.
            </Empty>
          }
          columns={[
            { key: "name", title: "Name", cell: (t) => <b style={{ fontWeight: 540 }}>{t.name}</b> },
            { key: "ends", title: "Ends in", cell: (t) => <span className="mono dim">…{t.hint}</span> },
            { key: "of", title: "Of", cell: (t) => t.username },
            { key: "made", title: "Made", cell: (t) => <Time at={t.created_at} /> },
            { key: "used", title: "Last used", cell: (t) => (t.last_used_at ? <Time at={t.last_used_at} /> : <span className="dim">never</span>) },
            { key: "do", title: "", align: "right", cell: (t) => <ActionIcon aria-label={`Revoke ${t.name}`} onClick={() => setDropping(t)}><IconTrash size={15} /></ActionIcon> },
          ]}
        />
      </Section>
      <Dialog open={making} onClose={() => setMaking(false)} title="New API token" does="Make" ready={!!name.trim()} run={async () => { setFresh((await addToken(name.trim())).token); setName(""); }}>
        <TextInput label="Name" description="What it is for: a script, a camera, a machine." value={name} onChange={(e) => setName(e.target.value)} data-autofocus />
      </Dialog>
      <Dialog open={!!dropping} onClose={() => setDropping(null)} title={`Revoke the token ${dropping?.name ?? ""}`} does="Revoke" danger run={async () => { if (dropping) await dropToken(dropping.id); }}>
        <Text size="sm">Programs that use it are refused from now on.</Text>
      </Dialog>
    </>
  );
}
