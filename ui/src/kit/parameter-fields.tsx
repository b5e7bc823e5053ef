// The hyperparameters of a training, each as the server describes it.
import { Button, NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Parameters, Setting } from "../api/types";
import { IconPlus } from "./icons";

/** Why a value cannot be taken, or "". */
export function faultOf(s: Setting | undefined, v: Parameters[string]): string {
  if (v === null) return "a value is needed";
  if (!s || s.type === "boolean") return "";
  if (s.type === "word") return s.words?.includes(String(v)) ? "" : `one of ${s.words?.join(", ")}`;
  const x = Number(v);
  if (v === "" || Number.isNaN(x) || (s.type === "integer" && !Number.isInteger(x))) return s.type === "integer" ? "a whole number is needed" : "a number is needed";
  if (x < (s.least ?? -Infinity) || x > (s.most ?? Infinity)) return `${s.least} to ${s.most}`;
  if (s.name === "image_size" && (x % 32 || x === 32)) return "0, or a multiple of 32 from 64 on";
  return "";
}

/** What the server says about a parameter; of one that it does not know, what its value looks like. */
function guess(name: string, v: Parameters[string]): Setting {
  const type = typeof v === "boolean" ? "boolean" : typeof v === "number" || v === null ? "number" : "word";
  return { name, type, says: "not known here; handed on", default: v ?? 0, ...(type === "word" ? { words: [String(v)] } : {}) };
}

function Field({ s, known, value, was, set }: { s: Setting; known: boolean; value: Parameters[string]; was: Parameters[string] | undefined; set: (v: Parameters[string]) => void }) {
  const label = (
    <span>
      <span className="mono">{s.name}</span>
      {was !== undefined && was !== value && <span style={{ color: "var(--accent)", fontWeight: 400 }}> · was {String(was)}</span>}
    </span>
  );
  const fault = known ? faultOf(s, value) : value === null ? "a value is needed" : "";
  const common = { label, description: s.says, inputWrapperOrder: ["label", "input", "error", "description"] as ("label" | "input" | "error" | "description")[], error: fault || undefined };
  if (s.type === "boolean") return <Switch label={label} description={s.says} mt={22} checked={value === true} onChange={(e) => set(e.currentTarget.checked)} />;
  if (s.type === "word" && known) return <Select {...common} name={s.name} data={s.words ?? []} value={String(value)} allowDeselect={false} onChange={(x) => set(x ?? "")} />;
  if (s.type === "word") return <TextInput {...common} name={s.name} value={String(value ?? "")} onChange={(e) => set(e.target.value)} />;
  return <NumberInput {...common} name={s.name} value={value as number} {...(s.type === "integer" ? { allowDecimal: false } : { decimalScale: 8 })} clampBehavior="none" onChange={(x) => set(x === "" ? null : Number(x))} hideControls />;
}

/** What people change first; the rest is folded away. */
const first = ["steps", "epochs", "batch_size", "image_size", "learning_rate", "patience", "seed"];

export function ParameterFields({ value, defaults, settings, onChange }: { value: Parameters; defaults: Parameters; settings: readonly Setting[]; onChange: (p: Parameters) => void }) {
  const [fresh, setFresh] = useState("");
  const [all, setAll] = useState(false);
  const set = (k: string, v: Parameters[string]) => onChange({ ...value, [k]: v });
  const known = new Map(settings.map((s) => [s.name, s]));
  const names = Object.keys(value);
  const shown = names.filter((k) => all || first.includes(k) || !known.has(k) || value[k] !== defaults[k] || faultOf(known.get(k), value[k] ?? null));
  return (
    <>
      <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(200px, 1fr))", gap: "12px 16px" }}>
        {shown.map((k) => (
          <Field key={k} s={known.get(k) ?? guess(k, value[k] ?? null)} known={known.has(k)} value={value[k] ?? null} was={defaults[k]} set={(v) => set(k, v)} />
        ))}
      </div>
      {shown.length < names.length && (
        <div>
          <Button variant="default" onClick={() => setAll(true)}>
            Show all {names.length} parameters
          </Button>
        </div>
      )}
      <div style={{ display: "flex", gap: 8 }}>
        <TextInput size="xs" placeholder="Another parameter, name = value" aria-label="Another parameter" value={fresh} onChange={(e) => setFresh(e.target.value)} w={260} />
        <Button
          variant="default"
          leftSection={<IconPlus size={14} />}
          disabled={!/^\s*[\w.]+\s*=\s*\S/.test(fresh)}
          onClick={() => {
            const [k = "", ...rest] = fresh.split("=");
            const text = rest.join("=").trim();
            set(k.trim(), text === "true" || text === "True" ? true : text === "false" || text === "False" ? false : text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text);
            setFresh("");
          }}
        >
          Add
        </Button>
      </div>
    </>
  );
}
