import { ApiError, del, get, patch, post, type Page } from "../../api/client";
import { useDatasets, useDatasetVersions, useModels, useModelVersions, useSettings } from "../../api/calls";
import { setCached, touch, useEvents, useGet, useThrottled } from "../../api/query";
import { useSignedIn } from "../../api/session";
import { ownUrl, urlOfObject } from "../../api/upload";
import type { ConsolePage, DatasetVersion, Experiment, Log, Model, ModelVersion, NewToken, Parameters, Project, StoredFile } from "../../api/types";
import { useCallback, useEffect, useRef, useState } from "react";

export { ownUrl, useDatasets, useDatasetVersions, useModels, useModelVersions, useSettings, useSignedIn };
export type { DatasetVersion, Experiment, Log, Model, ModelVersion, Parameters, Project, StoredFile };

export const useProject = (id: string | null) => useGet<Project>(id && `/api/project/${id}`);
export const useAttached = (id: string) => useGet<Page<DatasetVersion>>(`/api/project/${id}/datasets`);
export const useProjectExperiments = (id: string) => useGet<Page<Experiment>>(`/api/project/${id}/experiments`, { limit: 1000 });

const of = (id: string) => `/api/experiment/${id}`;
export const useExperiment = (id: string | null) => useGet<Experiment>(id && of(id));
export const useLogs = (id: string | null) => useGet<Page<Log>>(id && `${of(id)}/logs/extended`, { limit: 1000 });
export const useArtifacts = (id: string) => useGet<Page<StoredFile>>(`${of(id)}/artifacts`, { limit: 1000 });

/** What the training tells while it runs: status at once, curves at most once a second. */
export function useLiveExperiment(id: string): void {
  const logs = useThrottled(() => touch(`${of(id)}/logs`), 1000);
  const one = useThrottled(() => touch(of(id)), 1000);
  useEvents(`experiment:${id}`, (e) => {
    const { kind, status, progress } = e as { kind?: string; status?: Experiment["status"]; progress?: number };
    if (kind === "log") logs();
    else if (kind === "status" || kind === "progress") {
      setCached<Experiment>(of(id), (old) => ({ ...old, ...(status ? { status } : {}), ...(progress === undefined ? {} : { progress }) }));
      one();
    } else if (kind === "artifact") touch(`${of(id)}/artifacts`);
  });
}

export interface ConsoleLine {
  n: number;
  text: string;
}
/** A line is a text or a list of them; whatever else a program sent is shown as it is. */
const textOf = (log: unknown) => (typeof log === "string" ? log : Array.isArray(log) ? log.join("\n") : JSON.stringify(log));
/** The console: what is there, then line by line as it comes. */
export function useConsole(id: string): { lines: readonly ConsoleLine[]; loading: boolean; error: ApiError | null } {
  const [lines, setLines] = useState<readonly ConsoleLine[]>([]);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<ApiError | null>(null);
  const last = useRef(0);
  const busy = useRef(false);
  const more = useCallback(async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      for (let go = true; go; ) {
        const page = await get<ConsolePage>(`${of(id)}/logging`, { after: last.current });
        const fresh = page.items.filter((l) => l.n > last.current).map((l) => ({ n: l.n, text: textOf(l.log) }));
        last.current = Math.max(last.current, page.last);
        if (fresh.length) setLines((old) => [...old, ...fresh].slice(-20_000));
        go = page.more;
      }
      setError(null);
    } catch (e) {
      if (e instanceof ApiError) setError(e);
    } finally {
      busy.current = false;
      setLoading(false);
    }
  }, [id]);
  useEffect(() => {
    void more();
  }, [more]);
  const soon = useThrottled(() => void more(), 400);
  useEvents(`experiment:${id}`, (e) => {
    if ((e as { kind?: string }).kind === "console") soon();
  });
  return { lines, loading, error };
}

const stale = (id?: string) => touch("/api/project", "/api/organization", ...(id ? [of(id)] : []));
export interface NewExperiment {
  name: string;
  description: string;
  parameters?: Parameters;
  base_model_version_id?: string;
  base_experiment_id?: string;
}
export async function createExperiment(project: string, e: NewExperiment, datasets: readonly { name: string; version: string }[]): Promise<Experiment> {
  const made = await post<Experiment>(`/api/project/${project}/experiments`, e);
  for (const d of datasets) await post(`${of(made.id)}/datasets`, { name: d.name, dataset_version_id: d.version });
  stale();
  return made;
}
export const launch = (id: string) => post(`${of(id)}/launch`, { gpus: 0 }).then(() => stale(id));
export const cancel = (id: string) => post(`${of(id)}/cancel`).then(() => stale(id));
export const changeExperiment = (id: string, change: { name: string; description: string }) => patch(of(id), change).then(() => stale(id));
export const deleteExperiment = (id: string) => del(of(id)).then(() => stale());
export const publish = (id: string, name: string) => post<ModelVersion>(`${of(id)}/publish`, { name }).then((v) => (stale(), v));
export const publishIn = (id: string, model: string) => post<ModelVersion>(`${of(id)}/publish/version`, { model_id: model }).then((v) => (touch("/api/model"), stale(), v));
export const makeToken = (name: string) => post<NewToken>("/api/tokens", { name }).then((t) => (touch("/api/tokens"), t.token));

export const useImageUrl = (connector: string, objectName: string | null) => {
  const [url, setUrl] = useState<string | undefined>(undefined);
  useEffect(() => {
    let on = true;
    if (objectName) void urlOfObject(connector, objectName).then((u) => on && setUrl(u), () => undefined);
    return () => {
      on = false;
    };
  }, [connector, objectName]);
  return url;
};
/** For pages that read the logs of several experiments. */
export const logsQuery = (id: string) => ({
  queryKey: ["GET", `${of(id)}/logs/extended`, { limit: 1000 }],
  queryFn: () => get<Page<Log>>(`${of(id)}/logs/extended`, { limit: 1000 }),
});
