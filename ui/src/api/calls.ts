// Calls that several areas make. Those of one area stand in its own data.ts.
import { all, get, post, type Page } from "./client";
import { touch, useGet } from "./query";
import type { BucketConnector } from "./answers";
import { useSignedIn } from "./session";
import type { Completion, Dataset, DatasetVersion, Label, Model, ModelVersion, Project, Setting, Submitted, Tag } from "./types";

export const thumbnail = (dataId: string, size: 128 | 256 | 512 = 256) => `/api/data/${dataId}/thumbnail?size=${size}`;
export const imageOf = (dataId: string) => `/api/data/${dataId}/image`;

export const completeQuery = (entity: string) => (q: string, at: number) => get<Completion>("/api/query/complete", { entity, q: q || undefined, at });

export const useDatasets = () => {
  const { organization } = useSignedIn();
  return useGet<Page<Dataset>>(`/api/organization/${organization.id}/datasets`, { limit: 1000 });
};
export const useDatasetVersions = (id: string | null) => useGet<Page<DatasetVersion>>(id && `/api/dataset/${id}/versions`, { limit: 1000 });
export const useConnectors = (org: string | null) => useGet<Page<BucketConnector>>(org && `/api/organization/${org}/connectors`, { limit: 100 });
export const useProjects = () => {
  const { organization } = useSignedIn();
  return useGet<Page<Project>>(`/api/organization/${organization.id}/projects`, { limit: 1000 });
};
export const useModels = (hub: boolean) => {
  const { organization } = useSignedIn();
  return useGet<Page<Model>>(hub ? "/api/models" : `/api/organization/${organization.id}/models`, { limit: 1000 });
};
export const useModelVersions = (id: string | null) => useGet<Page<ModelVersion>>(id && `/api/model/${id}/versions`, { limit: 1000 });
export const useLabels = (versionId: string | null) => useGet<Page<Label>>(versionId && `/api/dataset/version/${versionId}/labels`);

export const listTags = (lake: string) => all<Tag>(`/api/datalake/${lake}/tags`);

/** The tag of that name; made if there is none. */
export async function tagNamed(lake: string, name: string): Promise<Tag> {
  const known = (await listTags(lake)).find((t) => t.name === name);
  if (known) return known;
  const made = await post<Tag>(`/api/datalake/${lake}/tags`, { name });
  touch(`/api/datalake/${lake}/tags`);
  return made;
}
export const useSettings = () => useGet<Page<Setting>>("/api/models/parameters");

/** Sends reviews to the feedback loop. Those that models are measured on are left out, and named, unless they were asked for. */
export const submitReviews = (deployment: string, ids: string[], measuredToo = false) =>
  post<Submitted>(`/api/deployment/${deployment}/feedback-loop/submit`, { ids, leave_measured: !measuredToo }).then((r) => (touch(`/api/deployment/${deployment}`, "/api/dataset"), r));
