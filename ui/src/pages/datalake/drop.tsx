// Files dropped anywhere on the page, and the question which tags they get.
import { Button, Group, Modal, Text } from "@mantine/core";
import { useEffect, useRef, useState, type DragEvent, type ReactNode } from "react";
import { Dialog } from "../../kit/dialog";
import { bytes, plural } from "../../kit/format";
import { IconUpload } from "../../kit/icons";
import { Caution } from "../../kit/parts";
import { TagPick } from "../../kit/tag-pick";
import { tagIds, upload, useSignedIn, useTags } from "./data";

/** Files of a drop, folders opened. */
async function filesOf(e: DragEvent): Promise<File[]> {
  const entries = [...e.dataTransfer.items].map((i) => i.webkitGetAsEntry?.() ?? null);
  const plain = [...e.dataTransfer.files];
  if (!entries.some((x) => x?.isDirectory)) return plain;
  const out: File[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      out.push(await new Promise<File>((ok, bad) => (entry as FileSystemFileEntry).file(ok, bad)));
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((ok, bad) => reader.readEntries(ok, bad));
      if (!some.length) return;
      for (const s of some) await walk(s);
    }
  };
  for (const x of entries) if (x) await walk(x);
  return out;
}

const isImage = (f: File) => f.type.startsWith("image/") || /\.(jpe?g|png|webp|tiff?|bmp|gif)$/i.test(f.name);

export function DropZone({ onFiles, children }: { onFiles: (files: File[]) => void; children: ReactNode }) {
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  return (
    <div
      style={{ position: "relative", height: "100%" }}
      onDragEnter={(e) => {
        if (!e.dataTransfer.types.includes("Files")) return;
        depth.current++;
        setOver(true);
      }}
      onDragOver={(e) => e.preventDefault()}
      onDragLeave={() => {
        depth.current = Math.max(0, depth.current - 1);
        if (!depth.current) setOver(false);
      }}
      onDrop={(e) => {
        e.preventDefault();
        depth.current = 0;
        setOver(false);
        void filesOf(e).then(onFiles);
      }}
    >
      {children}
      {over && (
        <div className="drop-over">
          <span style={{ display: "flex", gap: 10, alignItems: "center" }}>
            <IconUpload size={22} /> Drop to upload
          </span>
        </div>
      )}
    </div>
  );
}

/** Names what is not taken, and says what is. */
function LeftOut({ files }: { files: readonly File[] }) {
  const names = files.slice(0, 5).map((f) => f.name);
  return (
    <Caution title={files.length === 1 ? "1 file is no image and is left out" : `${plural(files.length, "file")} are no images and are left out`}>
      <div>
        {names.join(", ")}
        {files.length > names.length && ` and ${files.length - names.length} more`}
      </div>
      <div className="dim" style={{ marginTop: 4 }}>JPEG, PNG, WebP, TIFF, BMP and GIF are taken. Annotation files are imported in a dataset version.</div>
    </Caution>
  );
}

export function UploadDialog({ files, onClose }: { files: File[]; onClose: () => void }) {
  const session = useSignedIn();
  const tags = useTags(session.datalake.id);
  const [names, setNames] = useState<string[]>([]);
  const [shown, setShown] = useState<File[]>(files);
  const images = shown.filter(isImage);
  const others = shown.filter((f) => !isImage(f));
  useEffect(() => {
    if (!files.length) return;
    setShown(files);
    setNames([]);
  }, [files]);
  const total = images.reduce((sum, f) => sum + f.size, 0);
  if (!images.length)
    return (
      <Modal opened={files.length > 0} onClose={onClose} title={<b style={{ fontWeight: 620, fontSize: 15 }}>Nothing to upload</b>}>
        <LeftOut files={others} />
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </Group>
      </Modal>
    );
  return (
    <Dialog
      open={files.length > 0}
      onClose={onClose}
      title={`Upload ${plural(images.length, "image")}`}
      does="Upload"
      run={async () => upload(images, session, await tagIds(session.datalake.id, names))}
    >
      <Text size="sm" c="dimmed">
        {bytes(total)} into the datalake “{session.datalake.name}”. The upload goes on while you work elsewhere.
      </Text>
      {others.length > 0 && <LeftOut files={others} />}
      <TagPick label="Tags" known={tags.data?.items.map((t) => t.name) ?? []} value={names} onChange={setNames} />
    </Dialog>
  );
}
