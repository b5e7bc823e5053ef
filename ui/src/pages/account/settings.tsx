// Settings: the organization, its members, your API tokens, and what is told outside.
import { ActionIcon, Button, PasswordInput, Select, Switch, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../kit/dialog";
import { IconPlus, IconTrash } from "../../kit/icons";
import { capital } from "../../kit/format";
import { roles, useMay } from "../../kit/may";
import { NameField, nameReady } from "../../kit/naming";
import { Page } from "../../kit/page";
import { Facts, Fault, Id, Section, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { TokenList } from "../../kit/tokens";
import { Storage } from "./storage";
import { Mail, Webhooks } from "./told";
import { addOrganization, addToken, addUser, changeOwnPassword, changeRole, changeUser, dropToken, invite, leaveOrganization, removeUser, renameOrganization, switchOrganization, useOrganizations, useSignedIn, useTokens, useUsers, type User } from "./data";

export default function Settings() {
  return (
    <Page
      crumbs={[{ text: "Settings" }]}
      tabs={[
        { key: "organization", text: "Organization", show: () => <Organization /> },
        { key: "users", text: "Members", show: () => <Members /> },
        { key: "tokens", text: "API tokens", show: () => <Tokens /> },
        { key: "storage", text: "Storage", show: () => <Storage /> },
        { key: "webhooks", text: "Webhooks", show: () => <Webhooks />, needs: "admin" },
        { key: "mail", text: "E-mail", show: () => <Mail />, needs: "admin" },
      ]}
    />
  );
}

function Organization() {
  const { organization, datalake, user } = useSignedIn();
  const may = useMay();
  const mine = useOrganizations();
  const [dialog, setDialog] = useState<"" | "new" | "rename" | "leave">("");
  const [name, setName] = useState("");
  const open = (which: "new" | "rename") => {
    setName(which === "rename" ? organization.name : "");
    setDialog(which);
  };
  return (
    <>
      <Section
        title="This organization"
        end={
          may("admin") && (
            <Button variant="default" size="compact-xs" onClick={() => open("rename")}>
              Rename…
            </Button>
          )
        }
      >
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
      <Section
        title="Your organizations"
        end={
          may("admin") && (
            <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => open("new")}>
              New organization
            </Button>
          )
        }
      >
        <Table
          rows={mine.data?.items}
          id={(o) => o.id}
          columns={[
            { key: "name", title: "Name", cell: (o) => <b style={{ fontWeight: 540 }}>{o.name}</b> },
            { key: "role", title: "Your role", cell: (o) => capital(o.role ?? "") },
            { key: "here", title: "", align: "right", cell: (o) => (o.id === organization.id ? <span className="dim">You are here</span> : <Button variant="default" size="compact-xs" onClick={() => void switchOrganization(o.id).catch(toast.failed)}>Go there</Button>) },
          ]}
        />
        {(mine.data?.items.length ?? 0) > 1 && (
          <Button variant="subtle" color="red" size="compact-xs" mt={10} onClick={() => setDialog("leave")}>
            Leave {organization.name}…
          </Button>
        )}
      </Section>
      <Dialog open={dialog === "new"} onClose={() => setDialog("")} title="New organization" does="Create" ready={nameReady(name)} run={async () => switchOrganization((await addOrganization(name.trim())).id)}>
        <NameField value={name} onChange={setName} />
        <Text size="sm" c="dimmed">
          It has a datalake, datasets and members of its own. You are its owner, and go there at once.
        </Text>
      </Dialog>
      <Dialog open={dialog === "rename"} onClose={() => setDialog("")} title="Rename the organization" does="Rename" ready={nameReady(name)} run={() => renameOrganization(organization.id, name.trim())}>
        <NameField value={name} onChange={setName} />
      </Dialog>
      <Dialog open={dialog === "leave"} onClose={() => setDialog("")} title={`Leave ${organization.name}`} does="Leave" danger run={async () => { await leaveOrganization(organization.id); location.assign("/"); }}>
        <Text size="sm">You see nothing of it any more, until somebody there takes you in again. What you made stays.</Text>
      </Dialog>
    </>
  );
}

const choices = roles.map((r) => ({ value: r, label: capital(r) }));
const says = "Viewers look, annotators annotate and review, members work, admins manage members.";

function Members() {
  const { user: me, organization } = useSignedIn();
  const users = useUsers();
  const [dialog, setDialog] = useState<"" | "new" | "invite">("");
  const [reset, setReset] = useState<User | null>(null);
  const [leaving, setLeaving] = useState<User | null>(null);
  const mayChange = useMay()("admin");
  if (users.error) return <Fault error={users.error} again={() => void users.refetch()} />;
  return (
    <>
      <Section
        title="Members"
        end={
          mayChange && (
            <>
              <Button variant="default" onClick={() => setDialog("invite")}>
                Invite somebody
              </Button>
              <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setDialog("new")}>
                New user
              </Button>
            </>
          )
        }
      >
        <Table
          rows={users.data?.items}
          id={(u) => u.id}
          columns={[
            { key: "name", title: "Username", cell: (u) => <b style={{ fontWeight: 540 }}>{u.username}{u.id === me.id && <span className="dim"> (you)</span>}{u.home === false && u.id !== me.id && <span className="dim"> of another organization</span>}</b> },
            { key: "role", title: "Role", width: 160, cell: (u) => mayChange && u.id !== me.id ? <Select size="xs" w={130} aria-label={`Role of ${u.username}`} data={choices} value={u.role.toLowerCase()} allowDeselect={false} onChange={(r) => r && changeRole(organization.id, u.id, r).then(() => toast.done(`${u.username} is ${r} now`), toast.failed)} /> : capital(u.role.toLowerCase()) },
            { key: "since", title: "Since", cell: (u) => <Time at={u.created_at} /> },
            { key: "seen", title: "Last signed in", cell: (u) => <Time at={u.last_login_at} /> },
            { key: "do", title: "", align: "right", cell: (u) => ((mayChange && u.home !== false) || u.id === me.id) && <Button variant="subtle" size="compact-xs" onClick={() => setReset(u)}>Set password…</Button> },
            { key: "gone", title: "", align: "right", width: 40, cell: (u) => mayChange && u.id !== me.id && <ActionIcon aria-label={`Remove ${u.username}`} onClick={() => setLeaving(u)}><IconTrash size={15} /></ActionIcon> },
          ]}
        />
      </Section>
      <NewUser open={dialog === "new"} onClose={() => setDialog("")} />
      <Invite open={dialog === "invite"} onClose={() => setDialog("")} />
      <SetPassword key={reset?.id} of={reset} own={reset?.id === me.id} onClose={() => setReset(null)} />
      <Dialog open={!!leaving} onClose={() => setLeaving(null)} title={`Remove ${leaving?.username ?? ""}`} does="Remove" danger run={async () => { if (leaving) await removeUser(leaving.id); }}>
        <Text size="sm">{leaving?.home === false ? "They are no member any more; their account elsewhere stays." : "They are signed out and their API tokens stop working."} What they made stays.</Text>
      </Dialog>
    </>
  );
}

function NewUser({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [name, setName] = useState("");
  const [word, setWord] = useState("");
  const [role, setRole] = useState<string | null>("member");
  return (
    <Dialog open={open} onClose={onClose} title="New user" does="Create" ready={nameReady(name) && word.length >= WORD_LEAST} run={async () => { await addUser({ username: name.trim(), password: word, role: role ?? "member" }); setName(""); setWord(""); }}>
      <NameField label="Username" value={name} onChange={setName} autoComplete="off" />
      <PasswordInput label="Password" description={`At least ${WORD_LEAST} characters; the user can change it.`} value={word} onChange={(e) => setWord(e.target.value)} autoComplete="new-password" />
      <Select label="Role" description={says} data={choices} value={role} onChange={setRole} allowDeselect={false} />
    </Dialog>
  );
}

/** Takes in somebody who has an account on this server. */
function Invite({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { organization } = useSignedIn();
  const [name, setName] = useState("");
  const [role, setRole] = useState<string | null>("member");
  return (
    <Dialog open={open} onClose={onClose} title={`Invite somebody into ${organization.name}`} does="Invite" ready={nameReady(name)} run={async () => { const u = await invite(organization.id, name.trim(), role ?? "member"); toast.done(`${u.username} is a member now`); setName(""); }}>
      <NameField label="Username" description="Of an account on this server, in whatever organization." value={name} onChange={setName} autoComplete="off" />
      <Select label="Role" description={says} data={choices} value={role} onChange={setRole} allowDeselect={false} />
    </Dialog>
  );
}

const WORD_LEAST = 10;

function SetPassword({ of: u, own, onClose }: { of: User | null; own: boolean; onClose: () => void }) {
  const [old, setOld] = useState("");
  const [word, setWord] = useState("");
  const [revoke, setRevoke] = useState(true);
  const run = async () => {
    if (u) await (own ? changeOwnPassword(old, word, revoke) : changeUser(u.id, { password: word, revoke_tokens: revoke }));
    toast.done("The password is set");
  };
  return (
    <Dialog open={!!u} onClose={onClose} title={`Set the password of ${u?.username ?? ""}`} does="Set password" ready={word.length >= WORD_LEAST} run={run}>
      {own && <PasswordInput label="Password until now" value={old} onChange={(e) => setOld(e.target.value)} autoComplete="current-password" />}
      <PasswordInput label="New password" description={`At least ${WORD_LEAST} characters.`} value={word} onChange={(e) => setWord(e.target.value)} autoComplete="new-password" data-autofocus />
      <Switch label={own ? "Revoke my API tokens, too" : "Revoke their API tokens, too"} description="Whoever knew the password may have made one." checked={revoke} onChange={(e) => setRevoke(e.currentTarget.checked)} />
    </Dialog>
  );
}

function Tokens() {
  const tokens = useTokens();
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  const [fresh, setFresh] = useState<string | null>(null);
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
        <TokenList rows={tokens.data?.items} fresh={fresh} none="A token lets the Python client, the command line and your own programs work with this server in your name." drop={(t) => dropToken(t.id)} />
      </Section>
      <Dialog open={making} onClose={() => setMaking(false)} title="New API token" does="Make" ready={!!name.trim()} run={async () => { setFresh((await addToken(name.trim())).token); setName(""); }}>
        <TextInput label="Name" description="What it is for: a script, a camera, a machine." value={name} onChange={(e) => setName(e.target.value)} data-autofocus />
      </Dialog>
    </>
  );
}
