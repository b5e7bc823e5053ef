// A list of tokens: shown once when they are made, told apart by their last letters, revoked after a question.
import { ActionIcon, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Dialog } from "./dialog";
import { IconKey, IconTrash } from "./icons";
import { CopyBlock, Empty, Time } from "./parts";
import { Table, type Column } from "./table";

export interface Listed {
  id: string;
  name: string;
  hint: string;
  username: string;
  created_at: string;
  last_used_at: string | null;
}

/** Between who made a token and what can be done with it a place may have columns of its own. */
export function TokenList<T extends Listed>({ rows, fresh, none, more = [], drop }: { rows: T[] | undefined; fresh: string | null; none: ReactNode; more?: Column<T>[]; drop: (token: T) => Promise<unknown> }) {
  const [dropping, setDropping] = useState<T | null>(null);
  return (
    <>
      {fresh && (
        <div style={{ margin: "0 0 20px", maxWidth: 720 }}>
          <p style={{ margin: "0 0 8px" }}>
            <b style={{ fontWeight: 600 }}>Copy the token now.</b> It is shown this once only.
          </p>
          <CopyBlock text={fresh} />
        </div>
      )}
      <Table
        rows={rows}
        id={(t) => t.id}
        empty={
          <Empty icon={IconKey} title="No tokens yet">
            {none}
          </Empty>
        }
        columns={[
          { key: "name", title: "Name", cell: (t) => <b style={{ fontWeight: 540 }}>{t.name}</b> },
          { key: "hint", title: "Token", cell: (t) => <span className="mono dim">…{t.hint}</span> },
          { key: "by", title: "Made by", cell: (t) => t.username },
          { key: "made", title: "Made", cell: (t) => <Time at={t.created_at} /> },
          { key: "used", title: "Last used", cell: (t) => (t.last_used_at ? <Time at={t.last_used_at} /> : <span className="dim">never</span>) },
          ...more,
          { key: "do", title: "", align: "right", cell: (t) => <ActionIcon aria-label={`Revoke ${t.name}`} onClick={() => setDropping(t)}><IconTrash size={15} /></ActionIcon> },
        ]}
      />
      <Dialog open={!!dropping} onClose={() => setDropping(null)} title={`Revoke the token ${dropping?.name ?? ""}`} does="Revoke" danger run={async () => { if (dropping) await drop(dropping); }}>
        <Text size="sm">Programs that use it are refused from now on.</Text>
      </Dialog>
    </>
  );
}
