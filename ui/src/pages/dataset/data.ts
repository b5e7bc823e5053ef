import { all, call, del, patch, post, type Page } from "../../api/client";
import { completeQuery, thumbnail, useDatasets, useDatasetVersions, useLabels } from "../../api/calls";
import { touch, useEvents, useGet, useRows, useThrottled } from "../../api/query";
import { useSignedIn } from "../../api/session";
import type { Asset, Dataset, DatasetVersion, ExportResult, ImportResult, InferenceType, Job, Label, VersionStats } from "../../api/types";

export { thumbnail, useDatasets, useDatasetVersions, useLabels, useSignedIn };
export type { Asset, Dataset, DatasetVersion, ExportResult, ImportResult, InferenceType, Label };

export const complete = completeQuery("asset");
export const useDataset = (id: string) => useGet<Dataset>(`/api/dataset/${id}`);
export const useVersion = (id: string) => useGet<DatasetVersion>(`/api/dataset/version/${id}`);
export const useStats = (id: string) => useGet<VersionStats>(`/api/dataset/version/${id}/stats`);
export const useAssets = (id: string, q: string) => useRows<Asset>(`/api/dataset/version/${id}/assets`, { annotations: true, q: q || undefined });

/** A version changes while jobs run on it: what shows it is asked again when one moves on. */
export function useLiveVersion(id: string): void {
  const again = useThrottled(() => touch(`/api/dataset/version/${id}`), 1500);
  useEvents("job", (e) => {
    const { status } = e as Partial<Job>;
    if (status !== "PENDING") again();
  });
}

const stale = (id?: string) => touch("/api/organization", "/api/dataset", ...(id ? [`/api/dataset/version/${id}`] : []));

export const createDataset = (org: string, name: string, description: string) => post<Dataset>(`/api/organization/${org}/datasets`, { name, description }).then((d) => (stale(), d));
export const changeDataset = (id: string, change: { name: string; description: string }) => patch<Dataset>(`/api/dataset/${id}`, change).then(() => stale());
export const deleteDataset = (id: string) => del(`/api/dataset/${id}`).then(() => stale());
export const createVersion = (dataset: string, version: string, description: string, type: InferenceType) => post<DatasetVersion>(`/api/dataset/${dataset}/versions`, { version, description, type }).then((v) => (stale(), v));
export const changeVersion = (id: string, change: Partial<{ version: string; description: string; type: InferenceType }>) => patch<DatasetVersion>(`/api/dataset/version/${id}`, change).then(() => stale(id));
export const deleteVersion = (id: string) => del(`/api/dataset/version/${id}`).then(() => stale());
export const lockVersion = (id: string, lock: boolean) => post(`/api/dataset/version/${id}/${lock ? "lock" : "unlock"}`).then(() => stale(id));
export const forkVersion = (dataset: string, parent: string, version: string, withAnnotations: boolean, type: InferenceType) =>
  post<{ dataset_version: DatasetVersion; job: { status: string } }>(`/api/dataset/${dataset}/fork`, { parent_id: parent, version, description: "", type, with_tags: true, with_labels: true, with_annotations: withAnnotations }).then((r) => (stale(), r));

export const addLabel = (version: string, name: string) => post<Label>(`/api/dataset/version/${version}/labels`, { name }).then((l) => (stale(version), l));
export const renameLabel = (version: string, id: string, name: string) => patch<Label>(`/api/label/${id}`, { name }).then(() => stale(version));
export const deleteLabel = (version: string, id: string) => del(`/api/label/${id}`).then(() => stale(version));

export const assetIds = async (id: string, q: string) => (await all<Asset>(`/api/dataset/version/${id}/assets`, { q: q || undefined })).map((a) => a.id);
export async function removeAssets(version: string, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 1000) await del(`/api/dataset/version/${version}/assets`, { ids: ids.slice(i, i + 1000) });
  stale(version);
}

export type ImportMode = "KEEP" | "REPLACE" | "CONCATENATE";
/** What to do where the files have splits. */
export type SplitWay = "TAGS" | "ALL" | "train" | "val" | "test";
export async function importAnnotations(version: string, files: File[], { mode, splits, skipFaulty }: { mode: ImportMode; splits: SplitWay; skipFaulty: boolean }): Promise<string> {
  const form = new FormData();
  form.append("mode", mode);
  form.append("splits", splits);
  if (skipFaulty) form.append("skip_invalid", "true");
  for (const f of files) form.append("files", f, f.name);
  const { job } = await call<{ job: Job }>("POST", `/api/dataset/version/${version}/annotations/import`, { form });
  touch("/api/jobs");
  return job.id;
}
export const useJob = (id: string | null) => {
  const answer = useGet<Job>(id && `/api/v2/job/${id}`);
  useEvents(id ? "job" : null, (e) => {
    if ((e as Partial<Job>).id === id) touch(`/api/v2/job/${id}`);
  });
  return answer;
};

/** Starts the job that writes the file; gives its id. */
export const startExport = async (version: string, type: string, assetIds?: string[]): Promise<string> => {
  const { job } = await post<{ job: Job }>(`/api/dataset/version/${version}/annotations/export`, { type, export_video: false, export_key: "FILENAME", wait: false, ...(assetIds ? { asset_ids: assetIds } : {}) });
  touch("/api/jobs");
  return job.id;
};
export type { Page };
