// Import of annotation files: a job that says what it does, and what it could not use.
import { Button, FileButton, Group, Modal, Progress, Radio, Select, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { bytes, count, plural } from "../../kit/format";
import { IconX } from "../../kit/icons";
import { Cut, Fault, Status } from "../../kit/parts";
import { importAnnotations, useJob, type ImportMode, type ImportResult, type SplitWay } from "./data";

interface Failure {
  message: string;
  detail?: string;
  call?: string;
}

const modes: Record<ImportMode, [string, string]> = {
  KEEP: ["Keep what is there", "Only images without an annotation get one."],
  REPLACE: ["Replace", "Images named in the files get the annotation of the file."],
  CONCATENATE: ["Add", "Shapes of the files are added to those that are there."],
};

const splitWays: Record<SplitWay, string> = {
  TAGS: "Take all, and tag the images with their split",
  ALL: "Take all, without tags",
  train: "Take train only",
  val: "Take val only",
  test: "Take test only",
};

/** What came in, and what did not and why. */
function Outcome({ of: r }: { of: ImportResult }) {
  const splits = Object.entries(r.splits ?? {}).filter(([, n]) => n > 0);
  return (
    <Stack gap="xs">
      <Text size="sm">
        {plural(r.shapes, "shape")} on {plural(r.images, "image")} from {r.format.replace("_", " ")} files.
        {r.kept > 0 && ` ${plural(r.kept, "image")} kept what was there.`}
        {r.sizes_differ > 0 && ` ${plural(r.sizes_differ, "file")} told another image size than the image has.`}
      </Text>
      {splits.length > 0 && <Text size="sm">The splits of the files are tags of the images now: {splits.map(([name, n]) => `${name} ${count(n)}`).join(", ")}.</Text>}
      {r.left_out?.map((g) => (
        <div key={g.reason}>
          <Text size="sm">
            Left out: {count(g.count)} {g.says}.
          </Text>
          <div className="dim" style={{ maxHeight: 90, overflow: "auto", overflowWrap: "anywhere" }} tabIndex={0} role="region" aria-label={`Left out: ${g.says}`}>
            {g.examples.map((x) => (
              <div key={x}>{x}</div>
            ))}
            {g.count > g.examples.length && g.examples.length > 0 && <div>and {count(g.count - g.examples.length)} more</div>}
          </div>
        </div>
      ))}
    </Stack>
  );
}

export function ImportDialog({ version, annotated, open, onClose }: { version: string; annotated: number; open: boolean; onClose: () => void }) {
  const [files, setFiles] = useState<File[]>([]);
  const [mode, setMode] = useState<ImportMode>("KEEP");
  const [splits, setSplits] = useState<SplitWay>("TAGS");
  const [job, setJob] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Failure | null>(null);
  const running = useJob(job);
  const j = running.data;
  useEffect(() => {
    if (!open) {
      setFiles([]);
      setJob(null);
      setError(null);
    }
  }, [open]);
  const start = async (skipFaulty = false) => {
    setBusy(true);
    setError(null);
    try {
      setJob(await importAnnotations(version, files, { mode, splits, skipFaulty }));
    } catch (e) {
      setError(e as Failure);
    } finally {
      setBusy(false);
    }
  };
  const over = j && (j.status === "SUCCEEDED" || j.status === "FAILED" || j.status === "KILLED");
  return (
    <Modal opened={open} onClose={onClose} title={<b style={{ fontWeight: 620, fontSize: 15 }}>Import annotations</b>}>
      <Stack gap="md">
        {job ? (
          <>
            <Group justify="space-between">
              <Status of={j?.status ?? "PENDING"} />
              <span className="dim">{j?.doing}</span>
            </Group>
            {!over && <Progress value={100 * (j?.progress ?? 0)} animated aria-label="Progress of the import" />}
            {j?.error && <Fault error={{ message: "The import failed", detail: j.error }} />}
            {j?.status === "SUCCEEDED" && j.result ? <Outcome of={j.result as ImportResult} /> : null}
            <Group justify="flex-end" gap="xs">
              {j?.status === "FAILED" && (
                <Button variant="default" onClick={() => setJob(null)}>
                  Choose other files
                </Button>
              )}
              {j?.status === "FAILED" && j.error?.includes("faulty") && (
                <Button variant="default" loading={busy} onClick={() => void start(true)}>
                  Import without the faulty shapes
                </Button>
              )}
              <Button onClick={onClose}>{over ? "Close" : "Go on in the background"}</Button>
            </Group>
          </>
        ) : (
          <>
            <Text size="sm" c="dimmed">
              One COCO file (.json), Pascal VOC files (.xml), YOLO files (.txt with data.yaml or classes.txt), or a .zip of these as other tools make it. Labels that are missing are made; images that are not in this version are left out.
            </Text>
            <FileButton onChange={(f) => setFiles((old) => [...old, ...f])} multiple accept=".json,.xml,.txt,.yaml,.yml,.zip">
              {(props) => (
                <Button variant="default" {...props}>
                  {files.length ? "Add more files" : "Select files"}
                </Button>
              )}
            </FileButton>
            {files.length > 0 && (
              <div style={{ maxHeight: 120, overflow: "auto" }}>
                {files.slice(0, 8).map((f, i) => (
                  <div key={i} style={{ display: "flex", gap: 8, alignItems: "center" }}>
                    <Cut text={f.name} style={{ flex: 1 }} />
                    <span className="dim">{bytes(f.size)}</span>
                    <button type="button" className="id" aria-label={`Leave out ${f.name}`} onClick={() => setFiles(files.filter((_, k) => k !== i))}>
                      <IconX size={13} />
                    </button>
                  </div>
                ))}
                {files.length > 8 && <span className="dim">and {plural(files.length - 8, "more file")}</span>}
              </div>
            )}
            {annotated > 0 && (
              <Radio.Group label={`${plural(annotated, "image")} here ${annotated === 1 ? "is" : "are"} annotated already`} value={mode} onChange={(m) => setMode(m as ImportMode)}>
                <Stack gap={8} mt={8}>
                  {(Object.keys(modes) as ImportMode[]).map((m) => (
                    <Radio key={m} value={m} label={modes[m][0]} description={modes[m][1]} />
                  ))}
                </Stack>
              </Radio.Group>
            )}
            <Select label="If the files have splits (train, val, test)" size="xs" data={Object.entries(splitWays).map(([value, label]) => ({ value, label }))} value={splits} allowDeselect={false} onChange={(s) => setSplits((s ?? "TAGS") as SplitWay)} />
            {error && <Fault error={error} />}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button disabled={!files.length} loading={busy} onClick={() => void start()}>
                Import
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Modal>
  );
}
