// Annotations as a file: a job writes it, and the browser fetches it when it is there.
import { ApiError } from "../../api/client";
import { followJob } from "../../api/jobs";
import type { Session } from "../../api/types";
import { urlOfObject } from "../../api/upload";
import { percent, plural } from "../../kit/format";
import { toast } from "../../kit/toast";
import { startExport, type ExportResult } from "./data";

export const formats = { COCO: "COCO", PASCAL_VOC: "Pascal VOC", YOLO: "YOLO" } as const;
export type Format = keyof typeof formats;

function fetchFile(url: string, name: string): void {
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
}

/** What the file lacks, and why. */
function lacks(r: ExportResult, format: Format): string {
  const parts = [
    r.left_out > 0 && `${plural(r.left_out, "shape")} left out: ${formats[format]} files have no place for ${r.left_out === 1 ? "it" : "them"}`,
    r.renamed > 0 && `${plural(r.renamed, "image")} of a name that others have too ${r.renamed === 1 ? "is" : "are"} called differently in it`,
  ];
  return parts.filter(Boolean).join(". ");
}

export async function exportAnnotations(session: Session, version: string, format: Format, assetIds?: string[]): Promise<void> {
  try {
    const job = await startExport(version, format, assetIds);
    const note = toast.working(`export-${job}`, `Writing the ${formats[format]} file`);
    const end = await followJob(job, (j) => note.says(`Writing the ${formats[format]} file, ${percent(j.progress ?? 0)}`)).finally(note.gone);
    if (end.status !== "SUCCEEDED") throw new ApiError(0, end.status === "KILLED" ? "The export was cancelled" : "The export failed", end.error ?? "", "");
    const r = end.result as ExportResult;
    fetchFile(await urlOfObject(session.organization.default_connector_id, r.object_name), r.object_name.split("/").pop() ?? "annotations");
    toast.done([`${plural(r.shapes, "shape")} of ${plural(r.images, "image")}`, lacks(r, format)].filter(Boolean).join(". "), "Exported");
  } catch (e) {
    toast.failed(e as Error);
  }
}
