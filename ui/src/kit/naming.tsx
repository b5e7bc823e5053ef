// Dialogs that every thing has: giving it a name and words, and deleting it.
import { Text, Textarea, TextInput } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import type { UseOfAVersion } from "../api/answers";
import { useGet } from "../api/query";
import { Dialog } from "./dialog";
import { plural, sentence } from "./format";
import { Caution, Fault } from "./parts";

/** As long as the server keeps names. */
export const NAME_MOST = 100;

interface NameProps {
  value: string;
  onChange: (name: string) => void;
  label?: string;
  placeholder?: string;
  disabled?: boolean;
  description?: string;
  autoFocus?: boolean;
  autoComplete?: string;
}

/** A field for a name: what is too long is said, never cut. */
export function NameField({ value, onChange, label = "Name", ...more }: NameProps) {
  return <TextInput label={label} value={value} onChange={(e) => onChange(e.target.value)} error={nameFault(value)} data-autofocus {...more} />;
}
export const nameFault = (name: string) => {
  const n = [...name.trim()].length;
  return n > NAME_MOST ? `A name has at most ${NAME_MOST} characters; this one has ${n.toLocaleString("en")}.` : null;
};
export const nameReady = (name: string) => !!name.trim() && !nameFault(name);

interface WordsProps {
  open: boolean;
  onClose: () => void;
  title: string;
  does: string;
  name?: string;
  description?: string;
  /** What its description could say. */
  hint?: string;
  run: (name: string, description: string) => Promise<unknown>;
  children?: ReactNode;
}

/** Makes or renames a thing. */
export function NameDialog({ open, onClose, title, does, name = "", description = "", hint = "Optional", run, children }: WordsProps) {
  const [n, setName] = useState(name);
  const [d, setDescription] = useState(description);
  useEffect(() => {
    if (!open) return;
    setName(name);
    setDescription(description);
  }, [open, name, description]);
  return (
    <Dialog open={open} onClose={onClose} title={title} does={does} ready={nameReady(n)} run={() => run(n.trim(), d.trim())}>
      <NameField value={n} onChange={setName} />
      {children}
      <Textarea label="Description" placeholder={hint} autosize minRows={2} value={d} onChange={(e) => setDescription(e.target.value)} />
    </Dialog>
  );
}

interface DeleteProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** What is lost with it. */
  children: ReactNode;
  /** Where the server says who uses it. */
  users?: string;
  run: () => Promise<unknown>;
}
/** Who uses a thing, by name. */
function UsedBy({ of }: { of: readonly UseOfAVersion[] }) {
  if (!of.length) return null;
  return (
    <Caution title="It is in use">
      {of.map((u) => (
        <div key={u.kind}>
          <span className="dim">{u.count === 1 ? sentence(u.kind) : plural(u.count, u.kind)}:</span> {u.items.map((i) => i.name).join(", ")}
          {u.count > u.items.length && ` and ${u.count - u.items.length} more`}
        </div>
      ))}
      <div className="dim" style={{ marginTop: 4 }}>They lose it; what was learnt and measured with it cannot be repeated.</div>
    </Caution>
  );
}

/** Asks by naming what is lost, and who uses it. */
export function DeleteDialog({ open, onClose, title, children, users, run }: DeleteProps) {
  const asked = useGet<{ items: UseOfAVersion[] }>(open && users ? users : null, undefined, { stale: 0 });
  const used = asked.data?.items ?? [];
  return (
    <Dialog open={open} onClose={onClose} title={title} does={used.length ? "Delete nevertheless" : "Delete"} danger ready={!users || !!asked.data || !!asked.error} run={run}>
      <Text size="sm">{children}</Text>
      <UsedBy of={used} />
      {asked.error && <Fault error={asked.error} />}
    </Dialog>
  );
}
