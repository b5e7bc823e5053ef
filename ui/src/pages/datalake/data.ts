import { all, call, post, type Page, type Params } from "../../api/client";
import { completeQuery, imageOf, tagNamed, thumbnail } from "../../api/calls";
import { touch, useEvents, useGet, useRows, useThrottled } from "../../api/query";
import { useSignedIn } from "../../api/session";
import type { ObjectOfABucket as ListedObject, PageOfABucket } from "../../api/answers";
import type { Data, Dataset, DatasetVersion, Session, Tag } from "../../api/types";

export { imageOf, thumbnail, useSignedIn };
export { upload } from "../../uploads";
export { useConnectors, useDatasets, useDatasetVersions } from "../../api/calls";
export type { BucketConnector as Connector } from "../../api/answers";
export type { ListedObject };
export type { Data, Session, Tag };

export const complete = completeQuery("data");

export function useDatas(lake: string, q: string, sort: string) {
  const again = useThrottled(() => touch(`/api/datalake/${lake}/datas`), 2000);
  useEvents("data", again);
  return useRows<Data>(`/api/datalake/${lake}/datas`, params(q, sort));
}
/** Failed uploads are no images: they have a list of their own. */
const usable = ["DONE", "COMPUTING", "PENDING"] as const;
const params = (q: string, sort: string): Params => ({ q: q || undefined, order_by: sort || undefined, upload_statuses: usable });

const failed = { upload_statuses: ["ERROR"] } as const;
export const useFailed = (lake: string) => useGet<Page<Data>>(`/api/datalake/${lake}/datas`, { ...failed, limit: 200 });
export const failedIds = async (lake: string): Promise<string[]> => (await all<Data>(`/api/datalake/${lake}/datas`, failed)).map((d) => d.id);

export const useTags = (lake: string) => useGet<Page<Tag>>(`/api/datalake/${lake}/tags`, { limit: 1000 });

/** The ids of everything that the query selects. */
export const idsOf = async (lake: string, q: string): Promise<string[]> => (await all<Data>(`/api/datalake/${lake}/datas`, params(q, ""))).map((d) => d.id);

export async function tagAll(lake: string, ids: string[], names: string[], detach = false): Promise<void> {
  for (const name of names) {
    const tag = await tagNamed(lake, name);
    for (let i = 0; i < ids.length; i += 5000) await post(`/api/tag/${tag.id}/${detach ? "detach" : "attach"}`, ids.slice(i, i + 5000));
  }
  touch(`/api/datalake/${lake}`);
}

export async function tagIds(lake: string, names: string[]): Promise<string[]> {
  return Promise.all(names.map(async (n) => (await tagNamed(lake, n)).id));
}

export async function deleteDatas(lake: string, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 1000) await call("DELETE", `/api/datalake/${lake}/datas`, { body: { ids: ids.slice(i, i + 1000) } });
  touch(`/api/datalake/${lake}`);
}

/** Puts data into a version; in batches, as the contract does it. */
export async function addToVersion(version: string, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 10_000) await post(`/api/dataset/version/${version}/assets`, { asset_tag_ids: [], data_ids: ids.slice(i, i + 10_000) });
  touch("/api/dataset", `/api/dataset/version/${version}`, "/api/jobs");
}

export async function createDataset(session: Session, name: string, description: string, version: string, ids: string[]): Promise<DatasetVersion> {
  const dataset = await post<Dataset>(`/api/organization/${session.organization.id}/datasets`, { name, description });
  return createVersion(dataset.id, version, ids);
}

export async function createVersion(dataset: string, version: string, ids: string[]): Promise<DatasetVersion> {
  const v = await post<DatasetVersion>(`/api/dataset/${dataset}/versions`, { version, description: "", type: "NOT_CONFIGURED" });
  await addToVersion(v.id, ids);
  touch("/api/organization");
  return v;
}

export const useData = (id: string) => ({ ...useGet<Data>(`/api/data/${id}`), image: imageOf(id) });

// ---- buckets
export const keepInStep = (lake: string, what: { connector_id: string; prefix: string; tag_ids: string[]; every_minutes: number }) => post(`/api/datalake/${lake}/syncs`, what).then(() => touch("/api/jobs", "/api/datalake"));
export const useFolder = (connector: string, prefix: string, next: string | null) => useGet<PageOfABucket>(`/api/connector/${connector}/objects`, { prefix, ...(next ? { next } : {}) });
export const importObjects = (lake: string, what: { connector_id: string; prefixes: string[]; tag_ids: string[]; sync: boolean }) => post(`/api/datalake/${lake}/objects`, what).then(() => touch("/api/jobs"));
