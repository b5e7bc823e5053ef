// Who may use a thing: the members of the organization by their roles, and those to whom more was given on it.
import { ActionIcon, Button, Group, Modal, Select } from "@mantine/core";
import { useState } from "react";
import { call, post } from "../api/client";
import { touch } from "../api/query";
import { capital } from "./format";
import { IconX } from "./icons";
import type { AccessOf } from "../api/types";
import { accessPath, roles, useAccess, type Thing } from "./may";
import { Fault } from "./parts";
import { Table } from "./table";
import { toast } from "./toast";

/** Roles that can be given on one thing. */
export const givable = roles.filter((r) => r !== "owner").map((r) => ({ value: r, label: capital(r) }));

export function AccessDialog({ thing, name, open, onClose }: { thing: Thing; name: string; open: boolean; onClose: () => void }) {
  const access = useAccess(open ? thing : null);
  const [who, setWho] = useState<string | null>(null);
  const [role, setRole] = useState<string | null>("annotator");
  const users = access.data?.users ?? [];
  const changed = () => touch(accessPath(thing));
  const give = (user_id: string, as: string) => post(accessPath(thing), { user_id, role: as }).then(changed, toast.failed);
  const take = (u: AccessOf) => call("DELETE", accessPath(thing), { body: { user_id: u.id } }).then(changed, toast.failed);
  return (
    <Modal opened={open} onClose={onClose} size="lg" title={<b style={{ fontWeight: 620, fontSize: 15 }}>Access to {name}</b>}>
      {access.error ? (
        <Fault error={access.error} />
      ) : (
        <Table
          rows={access.data?.users}
          id={(u) => u.id}
          columns={[
            { key: "name", title: "Who", cell: (u) => <b style={{ fontWeight: 540 }}>{u.username}</b> },
            { key: "role", title: "May", width: 150, cell: (u) => (u.given ? <Select size="xs" aria-label={`Role of ${u.username}`} data={givable} value={u.role} allowDeselect={false} onChange={(r) => r && void give(u.id, r)} /> : capital(u.role)) },
            { key: "why", title: "Because", cell: (u) => <span className="dim">{u.guest ? "given here, to a guest" : u.given ? "given here" : "role in the organization"}</span> },
            { key: "do", title: "", align: "right", width: 40, cell: (u) => u.given && <ActionIcon aria-label={`Take back from ${u.username}`} onClick={() => void take(u)}><IconX size={15} /></ActionIcon> },
          ]}
        />
      )}
      <Group gap="xs" mt="md" align="end">
        <Select label="Give somebody more" placeholder="Who" searchable style={{ flex: 1 }} data={users.filter((u) => !u.given).map((u) => ({ value: u.id, label: u.username }))} value={who} onChange={setWho} />
        <Select aria-label="Role to give" w={140} data={givable} value={role} onChange={setRole} allowDeselect={false} />
        <Button size="sm" variant="default" disabled={!who || !role} onClick={() => who && role && void give(who, role).then(() => setWho(null))}>
          Give
        </Button>
      </Group>
    </Modal>
  );
}
