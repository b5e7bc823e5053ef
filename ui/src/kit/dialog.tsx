// Dialogs: one form that does one thing, or a question that names what will be lost.
import { Button, Group, Modal, Stack } from "@mantine/core";
import { useState, type FormEvent, type ReactNode } from "react";
import { Fault } from "./parts";

interface Failure {
  message: string;
  detail?: string;
  call?: string;
}

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** What the button says; what it does. The dialog closes when it succeeds, and shows the error when it does not. */
  does: string;
  run: () => Promise<unknown>;
  ready?: boolean;
  danger?: boolean;
  size?: string | number;
  children?: ReactNode;
}

export function Dialog({ open, onClose, title, does, run, ready = true, danger, size, children }: DialogProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Failure | null>(null);
  const close = () => {
    setError(null);
    onClose();
  };
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    setError(null);
    try {
      await run();
      close();
    } catch (x) {
      setError(x instanceof Error ? x : { message: String(x) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={open} onClose={close} title={<b style={{ fontWeight: 620, fontSize: 15 }}>{title}</b>} {...(size ? { size } : {})}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack gap="md">
          {children}
          {error && <Fault error={error} />}
          <Group justify="flex-end" gap="xs" mt={4}>
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={busy} disabled={!ready} {...(danger ? { color: "red" } : {})}>
              {does}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
