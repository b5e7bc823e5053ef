// What is in a model version's file, what it is taken for, and what a person tells about it where the file cannot.
import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import type { InputOrOutputOfAFile } from "../../api/answers";
import { bytes } from "../../kit/format";
import { Caution, Facts, Fault, Lines, Section } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { FindOut } from "./evidence";
import { Readings } from "./readings";
import { tellOfFile, useModelFile, type ModelFile, type ModelVersion } from "./data";

const origins: Record<string, string> = { told: "told", metadata: "its metadata", file: "its graph", family: "usual for it" };
const shapeText = (v: InputOrOutputOfAFile) => `${v.type} ${v.shape.map((n) => n ?? "?").join("×")}`;
const written = (x: unknown) => (typeof x === "string" ? x : JSON.stringify(x));

/** As it is typed: a word, a number or a list. */
function meant(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text.trim();
  }
}

function Values({ of }: { of: readonly InputOrOutputOfAFile[] }) {
  return of.map((v) => (
    <div key={v.name}>
      <span className="mono">{v.name}</span> <span className="dim">{shapeText(v)}</span>
    </div>
  ));
}

/** A field for each fact; empty ones are what nobody has told yet. found: what images told, to be taken. */
function Form({ v, file, found }: { v: ModelVersion; file: ModelFile; found: Record<string, unknown> }) {
  const told = (v.parameters.onnx ?? {}) as Record<string, unknown>;
  const [typed, setTyped] = useState<Record<string, string>>(() => Object.fromEntries(Object.entries(found).flatMap(([k, x]) => (k in told && written(told[k]) === written(x) ? [] : [[k, written(x)]]))));
  const [saving, setSaving] = useState(false);
  const hints = new Map(file.missing.map((m) => [m.key, m.what]));
  const keys = [...new Set([...hints.keys(), ...Object.keys(file.description), ...Object.keys(told), ...Object.keys(found)])];
  const value = (k: string) => typed[k] ?? (k in told ? written(told[k]) : k in file.description ? written(file.description[k]) : "");
  const save = () => {
    setSaving(true);
    const changed = Object.entries(typed).map(([k, text]) => [k, text.trim() ? meant(text) : null] as const);
    tellOfFile(v, Object.fromEntries([...Object.entries(told), ...changed].filter(([, x]) => x !== null)))
      .then(() => setTyped({}))
      .catch(toast.failed)
      .finally(() => setSaving(false));
  };
  return (
    <form onSubmit={(e) => (e.preventDefault(), save())} style={{ marginTop: 16 }}>
      <div style={{ columns: "3 240px", columnGap: 32 }}>
        {keys.map((k) => (
          <div key={k} style={{ breakInside: "avoid", paddingBottom: 10 }}>
            <TextInput
              size="xs"
              label={<span className="mono">{k}</span>}
              description={hints.has(k) ? "must be told" : origins[file.known_from[k] ?? ""] ?? ""}
              placeholder={hints.get(k) ?? ""}
              title={hints.get(k) ?? ""}
              error={hints.has(k) && !value(k)}
              value={value(k)}
              onChange={(e) => setTyped({ ...typed, [k]: e.target.value })}
            />
          </div>
        ))}
      </div>
      <Button type="submit" size="xs" mt={6} loading={saving} disabled={!Object.keys(typed).length}>
        Tell it so
      </Button>
    </form>
  );
}

export function FileTold({ v }: { v: ModelVersion }) {
  const asked = useModelFile(v.id);
  const file = asked.data;
  const [found, setFound] = useState<{ turn: number; onnx: Record<string, unknown> }>({ turn: 0, onnx: {} });
  const names = Object.values(file?.names ?? {});
  const own = Object.values(v.labels ?? {});
  return (
    <Section title="What the file is">
      {asked.error && <Fault error={asked.error} />}
      {asked.isPending && <Lines n={3} />}
      {file && (
        <div data-testid="file">
          {file.problem && <div style={{ marginBottom: 14 }}><Caution>{file.problem.charAt(0).toUpperCase() + file.problem.slice(1)}</Caution></div>}
          <Facts
            of={[
              !file.inputs.length ? null : ["Taken for", file.family ? <span key="f">{file.family}<br /><span className="dim">{file.why}</span></span> : "nothing that is known"],
              file.inputs.length ? ["Inputs", <Values key="i" of={file.inputs} />] : null,
              file.outputs.length ? ["Outputs", <Values key="o" of={file.outputs} />] : null,
              file.files.length ? ["Tensors in", file.files.slice(0, 5).map((f) => <div key={f.name}><span className="mono">{f.name}</span> <span className="dim">{f.bytes === null ? "missing" : bytes(f.bytes)}</span></div>)] : null,
              !file.inputs.length ? null : ["Made by", `${[file.producer || "unknown", file.producer_version].filter(Boolean).join(" ")}, operators of ${file.operator_sets.map((s) => `${s.domain || "ONNX"} ${s.version}`).join(", ")}`],
              names.length && names.join() !== own.join() ? ["Its own labels", names.slice(0, 30).join(", ")] : null,
            ]}
          />
          {file.family && file.missing.length > 0 && <Readings v={v} file={file} />}
          {(file.family || found.turn > 0) && <Form key={`${v.updated_at} ${found.turn}`} v={v} file={file} found={found.onnx} />}
          <FindOut v={v} onTake={(onnx) => setFound({ turn: found.turn + 1, onnx })} />
        </div>
      )}
    </Section>
  );
}
