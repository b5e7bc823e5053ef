import { call, del, patch, post, type Page } from "../../api/client";
import { useModels, useModelVersions } from "../../api/calls";
import { touch, useGet } from "../../api/query";
import { ownUrl, storeFile } from "../../api/upload";
import { useSignedIn } from "../../api/session";
import type { HowAVersionSFileMustBeDescribed, WhatIsInAModelFile } from "../../api/answers";
import type { DatasetVersion, Deployment, Experiment, Model, ModelVersion, Log, Session, StoredFile, Trial, TrialShape } from "../../api/types";

export { ownUrl, useModels, useModelVersions, useSignedIn };
export type { Deployment, Model, ModelVersion, StoredFile, Trial, TrialShape };

export const useModel = (id: string) => useGet<Model>(`/api/model/${id}`);
export const useModelVersion = (id: string) => useGet<ModelVersion>(`/api/model/version/${id}`);
export type ModelFile = WhatIsInAModelFile;
export const useModelFile = (id: string | null) => useGet<ModelFile>(id && `/api/model/version/${id}/look`);
/** Told about the version's file; what is null is forgotten. */
export const tellOfFile = (v: ModelVersion, onnx: Record<string, unknown>) => patch(`/api/model/version/${v.id}`, { parameters: { ...v.parameters, onnx } }).then(() => touch(`/api/model/version/${v.id}`));
/** How the version's file must be described, by annotated images. */
const evidenceOf = (id: string) => `/api/model/version/${id}/evidence`;
export const useEvidence = (id: string) => useGet<HowAVersionSFileMustBeDescribed>(evidenceOf(id));
export const evidenceIsOver = (id: string) => touch(evidenceOf(id));
export const findOut = (id: string, dataset_version_id: string) => post(`/api/model/version/${id}/describe`, { dataset_version_id }).then(() => touch(evidenceOf(id), "/api/jobs"));
export const stopFinding = (job: string) => post(`/api/job/${job}/cancel`).then(() => touch("/api/jobs"));
export const takeLabels = (v: ModelVersion, labels: Record<string, string>) => patch(`/api/model/version/${v.id}`, { labels }).then(() => touch(`/api/model/version/${v.id}`));
export const useFiles = (id: string) => useGet<Page<StoredFile>>(`/api/model/version/${id}/modelfiles`);
export type Context = NonNullable<ModelVersion["context"]>;
export const useContext = (id: string | null) => useGet<Context>(id && `/api/model/version/${id}/context`);
export const useExperimentOf = (id: string | null | undefined) => useGet<Experiment>(id ? `/api/experiment/${id}` : null);

/** What its training logged at the end, by name: scores, and the threshold at which they are best. */
export function useScores(experiment: string | null | undefined): Record<string, number> {
  const logs = useGet<Page<Log>>(experiment ? `/api/experiment/${experiment}/logs/extended` : null, { limit: 1000 });
  return Object.fromEntries((logs.data?.items ?? []).flatMap((l) => (l.type === "VALUE" && typeof l.data === "number" ? [[l.name, l.data]] : [])));
}
/** onnx: facts about the file for this once. */
export function tryModel(version: string, file: File, onnx?: Record<string, unknown>): Promise<Trial> {
  const form = new FormData();
  if (onnx) form.append("onnx", JSON.stringify(onnx));
  form.append("media", file);
  return call<Trial>("POST", `/api/model/version/${version}/try`, { form });
}
export const useDatasetVersionOf = (id: string) => useGet<DatasetVersion>(`/api/dataset/version/${id}`);
export const useDeployments = () => {
  const { organization } = useSignedIn();
  return useGet<Page<Deployment>>(`/api/organization/${organization.id}/deployments`, { limit: 1000 });
};

const stale = () => touch("/api/model", "/api/organization");
export const createModel = (org: string, name: string, description: string) => post<Model>(`/api/organization/${org}/models`, { name, description }).then((m) => (stale(), m));
export const createModelVersion = (model: string, v: { type: string; framework: string; labels: Record<string, string>; description?: string }) => post<ModelVersion>(`/api/model/${model}/versions`, v).then((x) => (stale(), x));
export const changeModel = (id: string, change: { name: string; description: string }) => patch(`/api/model/${id}`, change).then(stale);
export const deleteModel = (id: string) => del(`/api/model/${id}`).then(stale);
export const deleteModelVersion = (id: string) => del(`/api/model/version/${id}`).then(stale);
export const deploy = (version: string, name: string, min_threshold: number, mode: Deployment["mode"]) => post<Deployment>(`/api/model/version/${version}/deploy`, { name, min_threshold, mode }).then((d) => (stale(), d));
export const makeShadow = (deployment: string, version: string) => post(`/api/deployment/${deployment}/shadow`, { model_version_id: version }).then(() => (stale(), touch("/api/deployment")));

export async function addFile(session: Session, version: string, name: string, file: File, progress: (part: number) => void): Promise<void> {
  const object_name = await storeFile(file, { session, type: "MODEL_FILE", context: { model_version_id: version } }, (n) => progress(n / Math.max(1, file.size)), new AbortController().signal);
  await post(`/api/model/version/${version}/modelfiles`, { name, filename: file.name, object_name, large: file.size > 5 * 1024 * 1024 });
  touch(`/api/model/version/${version}`);
}
