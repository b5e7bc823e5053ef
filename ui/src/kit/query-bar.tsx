// The one query bar: a line of the query language with completion, history and saved views.
import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import type { Completion } from "../api/types";
import { IconHistory, IconSearch, IconStar, IconTrash, IconX } from "./icons";

interface Props {
  /** What kind of list it is: history and saved views are kept by it. */
  of: string;
  value: string;
  onSubmit: (q: string) => void;
  complete: (q: string, at: number) => Promise<Completion>;
  placeholder: string;
  error?: string | null | undefined;
}

interface Kept {
  history: string[];
  saved: string[];
}
const read = (of: string): Kept => {
  try {
    return { history: [], saved: [], ...(JSON.parse(localStorage.getItem(`saccade-query-${of}`) ?? "{}") as Partial<Kept>) };
  } catch {
    return { history: [], saved: [] };
  }
};
const keep = (of: string, k: Kept) => localStorage.setItem(`saccade-query-${of}`, JSON.stringify(k));

export function QueryBar({ of, value, onSubmit, complete, placeholder, error }: Props) {
  const [text, setText] = useState(value);
  const [found, setFound] = useState<Completion | null>(null);
  const [here, setHere] = useState(0);
  const [kept, setKept] = useState(() => read(of));
  const input = useRef<HTMLInputElement>(null);
  const asked = useRef(0);
  useEffect(() => setText(value), [value]);
  // Where the caret stands after a completion: set before the next key can be typed.
  const caret = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (caret.current === null) return;
    input.current?.focus();
    input.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [text]);
  useEffect(() => {
    const hear = (e: globalThis.KeyboardEvent) => {
      if (e.key !== "/" || e.ctrlKey || e.metaKey) return;
      const t = e.target;
      if (t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName))) return;
      e.preventDefault();
      input.current?.focus();
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, []);

  const ask = async (q: string, at: number) => {
    const n = ++asked.current;
    try {
      const c = await complete(q, at);
      if (n === asked.current) {
        setFound(c.items.length ? c : null);
        setHere(0);
      }
    } catch {
      if (n === asked.current) setFound(null);
    }
  };
  const submit = (q: string) => {
    setFound(null);
    asked.current++;
    const t = q.trim();
    if (t) {
      const next = { ...kept, history: [t, ...kept.history.filter((h) => h !== t)].slice(0, 15) };
      setKept(next);
      keep(of, next);
    }
    onSubmit(t);
  };
  const take = (i: number) => {
    const item = found?.items[i];
    if (!found || !item) return;
    const at = input.current?.selectionStart ?? text.length;
    const before = text.slice(0, found.from) + item.text + (item.text.endsWith(".") ? "" : " ");
    const next = before + text.slice(at).replace(/^\s+/, "");
    setText(next);
    setFound(null);
    caret.current = before.length;
    void ask(next, before.length);
  };
  const keys = (e: KeyboardEvent<HTMLInputElement>) => {
    if (found && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      e.preventDefault();
      const n = found.items.length;
      setHere((here + (e.key === "ArrowDown" ? 1 : n - 1)) % n);
    } else if (found && e.key === "Tab") {
      e.preventDefault();
      take(here);
    } else if (e.key === "Enter") submit(text);
    else if (e.key === "Escape") {
      if (found) setFound(null);
      else input.current?.blur();
    }
  };
  const isSaved = kept.saved.includes(text.trim());
  const toggleSaved = () => {
    const t = text.trim();
    const next = { ...kept, saved: isSaved ? kept.saved.filter((s) => s !== t) : [...kept.saved, t] };
    setKept(next);
    keep(of, next);
  };
  return (
    <div className="query" data-wrong={error ? "" : undefined}>
      <IconSearch size={15} />
      <input
        ref={input}
        value={text}
        placeholder={placeholder}
        aria-label="Query"
        spellCheck={false}
        autoComplete="off"
        role="combobox"
        aria-expanded={!!found}
        onChange={(e) => {
          setText(e.target.value);
          void ask(e.target.value, e.target.selectionStart ?? e.target.value.length);
        }}
        onFocus={(e) => void ask(text, e.target.selectionStart ?? text.length)}
        onBlur={() => setTimeout(() => setFound(null), 120)}
        onKeyDown={keys}
      />
      <div className="query-end">
        {text && (
          <>
            <Tooltip label={isSaved ? "Forget this view" : "Save as a view"}>
              <ActionIcon size={24} onClick={toggleSaved} aria-label="Save as a view" {...(isSaved ? { color: "petrol" } : {})}>
                <IconStar size={14} fill={isSaved ? "currentColor" : "none"} />
              </ActionIcon>
            </Tooltip>
            <Tooltip label="Clear">
              <ActionIcon size={24} aria-label="Clear the query" onClick={() => { setText(""); submit(""); }}>
                <IconX size={14} />
              </ActionIcon>
            </Tooltip>
          </>
        )}
        {(kept.history.length > 0 || kept.saved.length > 0) && (
          <Menu width={360}>
            <Menu.Target>
              <ActionIcon size={24} aria-label="Earlier queries">
                <IconHistory size={14} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown mah={360} style={{ overflow: "auto" }}>
              {kept.saved.length > 0 && <Menu.Label>Saved views</Menu.Label>}
              {kept.saved.map((s) => (
                <Menu.Item key={`s${s}`} leftSection={<IconStar size={13} />} onClick={() => submit(s)} className="mono">
                  {s}
                </Menu.Item>
              ))}
              {kept.history.length > 0 && <Menu.Label>Earlier queries</Menu.Label>}
              {kept.history.map((s) => (
                <Menu.Item key={s} onClick={() => submit(s)} className="mono">
                  {s}
                </Menu.Item>
              ))}
              {kept.history.length > 0 && (
                <Menu.Item leftSection={<IconTrash size={13} />} onClick={() => { const next = { ...kept, history: [] }; setKept(next); keep(of, next); }}>
                  Forget earlier queries
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {error && !found && (
        <div className="pop" role="alert" style={{ color: "var(--bad)", padding: "8px 12px" }}>
          {error}
        </div>
      )}
      {found && (
        <div className="pop" role="listbox">
          {found.items.map((c, i) => (
            <button
              key={c.text + i}
              type="button"
              role="option"
              aria-selected={i === here}
              className="pop-item"
              data-here={i === here ? "" : undefined}
              onMouseDown={(e) => {
                e.preventDefault();
                take(i);
              }}
              onMouseEnter={() => setHere(i)}
            >
              <span>{c.text}</span>
              {(c.says || c.kind) && <span>{c.says || c.kind}</span>}
            </button>
          ))}
          <div className="pop-title">Tab completes, Enter searches</div>
        </div>
      )}
    </div>
  );
}
