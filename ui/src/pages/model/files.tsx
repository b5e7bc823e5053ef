// The files of a model version: chosen or dropped, several at a time, so that a model comes with those in which its tensors lie.
import { ActionIcon, Button, FileButton, Progress } from "@mantine/core";
import { useState } from "react";
import { bytes, plural } from "../../kit/format";
import { IconDownload, IconPlus } from "../../kit/icons";
import { Cut, Section } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { addFile, ownUrl, useSignedIn, type StoredFile } from "./data";

const MODEL = "model-latest";

/** Which of them is what a deployment serves: an ONNX file, else a zip; none if there is one already. */
function modelOf(files: readonly File[], stored: readonly StoredFile[]): File | null {
  if (stored.some((f) => f.name === MODEL)) return null;
  const models = files.filter((f) => f.name.endsWith(".onnx"));
  if (models.length > 1) throw new Error(`Two models at once: drop ${models[0]?.name ?? ""} or ${models[1]?.name ?? ""}, with the files that belong to it`);
  return models[0] ?? files.find((f) => f.name.endsWith(".zip")) ?? null;
}

export function Files({ version, files, own }: { version: string; files: readonly StoredFile[] | undefined; own: boolean }) {
  const session = useSignedIn();
  const [sending, setSending] = useState<{ part: number; what: string } | null>(null);
  const [over, setOver] = useState(false);
  const send = async (chosen: readonly File[]) => {
    if (!chosen.length || sending) return;
    const all = chosen.reduce((n, f) => n + f.size, 0);
    const model = modelOf(chosen, files ?? []);
    let done = 0;
    try {
      for (const f of chosen) {
        const from = done;
        const what = chosen.length > 1 ? `${f.name}, one of ${plural(chosen.length, "file")}` : f.name;
        setSending({ part: all ? from / all : 0, what });
        await addFile(session, version, f === model ? MODEL : f.name, f, (part) => setSending({ part: all ? (from + part * f.size) / all : part, what }));
        done += f.size;
      }
    } finally {
      setSending(null);
    }
  };
  const take = (chosen: readonly File[]) => void send(chosen).catch(toast.failed);
  return (
    <Section
      title="Files"
      end={
        own && (
          <FileButton multiple onChange={take}>
            {(props) => (
              <Button variant="default" size="compact-xs" leftSection={<IconPlus size={13} />} disabled={sending !== null} {...props}>
                Add files
              </Button>
            )}
          </FileButton>
        )
      }
    >
      <div
        data-testid="files"
        onDragOver={(e) => own && e.dataTransfer.types.includes("Files") && (e.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={(e) => {
          if (!own) return;
          e.preventDefault();
          setOver(false);
          take([...e.dataTransfer.files]);
        }}
        style={{ outline: over ? "2px solid var(--accent)" : "none", outlineOffset: 4, borderRadius: 6 }}
      >
        {sending && (
          <>
            <span className="dim" style={{ fontSize: 12 }}>{sending.what}</span>
            <Progress value={100 * sending.part} mb={8} aria-label="Upload of the files" />
          </>
        )}
        <Table
          rows={files}
          id={(f) => f.id}
          empty={<span className="dim">{own ? "No files yet. Drop an ONNX file here, together with its .onnx.data where it has one, or a zip of both: it becomes model-latest, which is what a deployment serves." : "None."}</span>}
          columns={[
            { key: "name", title: "Name", cell: (f) => <b style={{ fontWeight: 540 }}>{f.name}</b> },
            { key: "file", title: "File", cell: (f) => <Cut text={f.filename} /> },
            { key: "size", title: "Size", align: "right", cell: (f) => bytes(f.size) },
            { key: "do", title: "", align: "right", cell: (f) => <ActionIcon component="a" href={f.presigned_url ? ownUrl(f.presigned_url) : undefined} download={f.filename} aria-label={`Download ${f.name}`}><IconDownload size={16} /></ActionIcon> },
          ]}
        />
      </div>
    </Section>
  );
}
