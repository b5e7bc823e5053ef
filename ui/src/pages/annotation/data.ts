import { all, ApiError, del, get, post, put } from "../../api/client";
import { imageOf, thumbnail, useLabels } from "../../api/calls";
import { touch, useGet, useRows } from "../../api/query";
import type { Annotation, AnnotationShapes, Asset, DatasetVersion, Deployment, InferenceType, Label, PredictedAsset, PredictedShape } from "../../api/types";
import type { ImageOfTheReviewQueue, ReviewQueue } from "../../api/answers";
import type { Page } from "../../api/client";
import type { Doc } from "../../canvas/doc";
import { SaveConflict, SaveOffline, type Saved } from "./keeper";
import { bodyOf } from "./shapes";

export { imageOf, thumbnail, touch, useLabels };
export type { Annotation, AnnotationShapes, Asset, Deployment, InferenceType, Label, PredictedAsset, PredictedShape };

export const useVersion = (id: string) => useGet<DatasetVersion>(`/api/dataset/version/${id}`);
const assetsPath = (id: string) => `/api/dataset/version/${id}/assets`;
export const useAssets = (id: string, q: string, pin: number) => useRows<Asset>(assetsPath(id), { annotations: true, q: q || undefined }, { chunk: 50, pin });
/** The place of an asset in the list, for links that name only the asset. */
export const placeOf = async (id: string, q: string, asset: string) => (await all<Asset>(assetsPath(id), { q: q || undefined })).findIndex((a) => a.id === asset);

export const addLabel = (version: string, name: string) => post<Label>(`/api/dataset/version/${version}/labels`, { name }).then((l) => (touch(`/api/dataset/version/${version}/labels`), l));

const failure = (e: unknown): unknown => {
  if (!(e instanceof ApiError)) return e;
  if (e.status === 409) return new SaveConflict(e.message);
  if (e.status === 0 || e.status >= 502) return new SaveOffline(e.message);
  return new Error([e.message, e.detail].filter(Boolean).join(". "));
};

export async function saveAnnotation(id: string, doc: Doc, at: Saved, seconds: number): Promise<Saved> {
  try {
    const a = await put<Annotation>(`/api/asset/${id}/annotation`, { revision: at.revision, status: at.status ?? "PENDING", duration: Math.round(seconds * 10) / 10, ...bodyOf(doc) });
    return { revision: a.revision, status: a.status };
  } catch (e) {
    throw failure(e);
  }
}
export async function freshAsset(version: string, id: string): Promise<Asset | undefined> {
  const asset = await get<Asset>(`/api/asset/${id}`, { annotations: true });
  if (asset.annotation !== undefined) return asset;
  return (await get<Page<Asset>>(assetsPath(version), { annotations: true, limit: 1000 })).items.find((a) => a.id === id);
}

// ---- predictions
export const useDeployment = (id: string) => useGet<Deployment>(`/api/deployment/${id}`);
export const useDeploymentLabels = (id: string) => useGet<Page<Label>>(`/api/deployment/${id}/labels`);
const predictedPath = (id: string) => `/api/deployment/${id}/predictedassets`;
export const usePredicted = (id: string | null, q: string, pin: number) => useRows<PredictedAsset>(id === null ? null : predictedPath(id), { q: q || undefined }, { chunk: 50, pin });
export const placeOfPredicted = async (id: string, q: string, asset: string) => (await all<PredictedAsset>(predictedPath(id), { q: q || undefined })).findIndex((a) => a.id === asset);
export const takeFromQueue = (id: string, of: { order: string; q: string; anew: boolean; limit: number }) => post<ImageOfTheReviewQueue[]>(`/api/deployment/${id}/review-queue`, { ...of, q: of.q || null });
/** What this person holds is for others again. */
export const leaveQueue = (id: string) => post(`/api/deployment/${id}/review-queue`, { limit: 0, anew: true });
export const useQueueCounts = (id: string) => useGet<ReviewQueue>(`/api/deployment/${id}/review-queue`, {}, { keep: true });
export const skip = (id: string) => post(`/api/predicted/asset/${id}/skip`);
export const skipNot = (id: string) => del(`/api/predicted/asset/${id}/skip`);
export const takeReviewBack = (id: string) => del(`/api/predicted/asset/${id}/reviews`);
export const saveReview = (id: string, doc: Doc) => {
  const { rectangles, polygons, lines, points, classifications } = bodyOf(doc);
  return post(`/api/predicted/asset/${id}/reviews`, { rectangles, polygons, lines, points, classifications });
};
