// Keys of a page: said once, heard, and listed by `?`.
import { Modal, ScrollArea } from "@mantine/core";
import { useEffect, useState } from "react";
import { Kbd } from "./parts";

export interface Key {
  /** As KeyboardEvent.key, with "mod+" for ctrl or cmd and "shift+" for shift. Several: separated by a space. */
  keys: string;
  says: string;
  run?: (e: KeyboardEvent) => void;
}

const pages = new Set<{ of: string; keys: readonly Key[] }>();

function matches(spec: string, e: KeyboardEvent): boolean {
  return spec.split(" ").some((one) => {
    const parts = one.split("+");
    const key = parts.pop() || "+";
    const mod = parts.includes("mod");
    const shift = parts.includes("shift");
    if (mod !== (e.ctrlKey || e.metaKey) || e.altKey) return false;
    if (shift && !e.shiftKey) return false;
    const name = key === "Space" ? " " : key;
    return e.key === name || (name.length === 1 && e.key.toLowerCase() === name.toLowerCase() && (mod || shift === e.shiftKey));
  });
}

export const isTyping = (e: Event) =>
  e.target instanceof HTMLElement && (e.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) &&
  !(e.target instanceof HTMLInputElement && /^(checkbox|radio|range|button)$/.test(e.target.type));

/** Enter or Space on what Tab has led to: it is pressed, not the page's key. */
const isPressing = (e: KeyboardEvent) => (e.key === "Enter" || e.key === " ") && e.target instanceof HTMLElement && e.target.matches("button:focus-visible, a:focus-visible");

/** Hears the page's keys while it is shown, except where text is being typed or a dialog is open. */
export function useKeys(of: string, keys: readonly Key[]): void {
  const [page] = useState(() => ({ of, keys }));
  useEffect(() => {
    page.keys = keys;
  });
  useEffect(() => {
    pages.add(page);
    const hear = (e: KeyboardEvent) => {
      if (e.defaultPrevented || isTyping(e) || isPressing(e) || document.querySelector("[role=dialog]")) return;
      const hit = page.keys.find((k) => k.run && matches(k.keys, e));
      if (!hit?.run) return;
      e.preventDefault();
      hit.run(e);
    };
    window.addEventListener("keydown", hear);
    return () => {
      window.removeEventListener("keydown", hear);
      pages.delete(page);
    };
  }, [page]);
}

const shown = (spec: string) =>
  spec.split(" ").map((one) => one.split("+").map((k) => ({ mod: /Mac/.test(navigator.platform) ? "⌘" : "Ctrl", shift: "⇧", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Escape: "Esc" })[k] ?? (k.length === 1 ? k.toUpperCase() : k)));

/** The list of keys that `?` opens. */
export function KeysHelp() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const hear = (e: KeyboardEvent) => {
      if (e.key === "?" && !isTyping(e)) setOpen((o) => !o);
    };
    const show = () => setOpen(true);
    window.addEventListener("keydown", hear);
    window.addEventListener("saccade-keys", show);
    return () => {
      window.removeEventListener("keydown", hear);
      window.removeEventListener("saccade-keys", show);
    };
  }, []);
  return (
    <Modal opened={open} onClose={() => setOpen(false)} title="Keys on this page" size="md" scrollAreaComponent={ScrollArea.Autosize}>
      {[...pages].map((p) => (
        <div key={p.of} style={{ marginBottom: 16 }}>
          <div className="dim" style={{ marginBottom: 6 }}>{p.of}</div>
          {p.keys.map((k) => (
            <div key={k.keys + k.says} style={{ display: "flex", justifyContent: "space-between", padding: "4px 0" }}>
              <span>{k.says}</span>
              <span style={{ display: "flex", gap: 8 }}>
                {shown(k.keys).map((one, i) => (
                  <span key={i} style={{ display: "flex", gap: 2 }}>
                    {one.map((x) => (
                      <Kbd key={x}>{x}</Kbd>
                    ))}
                  </span>
                ))}
              </span>
            </div>
          ))}
        </div>
      ))}
    </Modal>
  );
}
export const showKeys = () => window.dispatchEvent(new Event("saccade-keys"));
