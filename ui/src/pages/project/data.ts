import { del, patch, post, type Page } from "../../api/client";
import { completeQuery, thumbnail, useDatasets, useDatasetVersions, useProjects } from "../../api/calls";
import { touch, useEvents, useGet, useThrottled } from "../../api/query";
import { useSignedIn } from "../../api/session";
import type { DatasetVersion, Experiment, Project } from "../../api/types";

export { thumbnail, useDatasets, useDatasetVersions, useProjects, useSignedIn };
export type { DatasetVersion, Experiment, Project };

export const complete = completeQuery("experiment");
export const useProject = (id: string) => useGet<Project>(`/api/project/${id}`);
export const useAttached = (id: string) => useGet<Page<DatasetVersion>>(`/api/project/${id}/datasets`);

export function useExperiments(id: string, q: string) {
  const path = `/api/project/${id}/experiments`;
  const again = useThrottled(() => touch(path), 1500);
  useEvents("experiment", again);
  useEvents("job", again);
  return useGet<Page<Experiment>>(path, { limit: 1000, q: q || undefined }, { keep: true });
}

const stale = (id?: string) => touch("/api/organization", ...(id ? [`/api/project/${id}`] : []));
export const createProject = (org: string, name: string, description: string) => post<Project>(`/api/organization/${org}/projects`, { name, description }).then((p) => (stale(), p));
export const changeProject = (id: string, change: { name: string; description: string }) => patch(`/api/project/${id}`, change).then(() => stale(id));
export const deleteProject = (id: string) => del(`/api/project/${id}`).then(() => stale());
export const attach = (id: string, version: string) => post(`/api/project/${id}/datasets`, { dataset_version_id: version }).then(() => stale(id));
export const detach = (id: string, version: string) => del(`/api/project/${id}/datasets`, { ids: [version] }).then(() => stale(id));
export const deleteExperiments = (id: string, ids: string[]) => del(`/api/project/${id}/experiments`, { ids }).then(() => stale(id));
