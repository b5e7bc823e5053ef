import { all, del, get, patch, post, put, type Page } from "../../api/client";
import { completeQuery, thumbnail, useDatasets, useDatasetVersions, useModels, useModelVersions, useProjects, useSettings } from "../../api/calls";
import { touch, useEvents, useGet, useRows, useThrottled } from "../../api/query";
import { useSignedIn } from "../../api/session";
import type { ChangeOfAnAlert, ChoicesOfAFilter, Confusion, DeploymentToken, DriftMonitor, DriftOfADeployment, EmbeddingOfADeployment, EstimatedQuality, MetricOfAlerts, OutlierMonitor, OutliersOfADeployment } from "../../api/answers";
import type { Alert, Dashboard, Decision, Deployment, Gate, Heatmap, Label, NewToken, Parameters, Pipelines, PredictedAsset, Reviewed } from "../../api/types";
import type { Filter } from "./filters";

export { thumbnail, useDatasets, useDatasetVersions, useModels, useModelVersions, useProjects, useSettings, useSignedIn };
export type { Alert, Dashboard, Decision, Deployment, DeploymentToken, Gate, Heatmap, Label, Parameters, Pipelines, PredictedAsset, Reviewed };

export const complete = completeQuery("predicted asset");
const of = (id: string) => `/api/deployment/${id}`;

export const useDeployments = () => {
  const { organization } = useSignedIn();
  return useGet<Page<Deployment>>(`/api/organization/${organization.id}/deployments`, { limit: 1000 });
};
export const useDeployment = (id: string) => useGet<Deployment>(of(id));
export const useDeploymentLabels = (id: string) => useGet<Page<Label>>(`${of(id)}/labels`);
/** Those behind a figure that no query can name, as its route takes it, or those of a query. */
export interface Figure {
  route: "confusion" | "objects" | "embedding";
  ask: Readonly<Record<string, string>>;
}
export const usePredictions = (id: string, q: string, figure: Figure | null) => useRows<PredictedAsset>(...listed(id, q, figure));

/** The deployment's own events: a prediction, a review, a change of the models. */
export function useLiveDeployment(id: string): void {
  const again = useThrottled(() => touch(of(id)), 1500);
  useEvents(`deployment:${id}`, again);
}

export const useFilters = (id: string) => useGet<ChoicesOfAFilter>(`${of(id)}/filters`);
export const useDashboard = (id: string, filter: Filter) => useGet<Dashboard>(`${of(id)}/dashboard`, { ...filter }, { keep: true });
export const useHeatmap = (id: string, filter: Filter, label: string | null) => useGet<Heatmap>(`${of(id)}/heatmap`, { ...filter, label_id: label }, { keep: true });
export const useEstimate = (id: string, filter: Filter) => useGet<EstimatedQuality>(`${of(id)}/estimate`, { ...filter }, { keep: true });
export const useConfusion = (id: string, filter: Filter, whose: string) => useGet<Confusion>(`${of(id)}/confusion`, { ...filter, of: whose }, { keep: true });
export const useDrift = (id: string) => useGet<DriftOfADeployment>(`${of(id)}/drift`, {}, { keep: true });
export const useOutliers = (id: string, filter: Filter) => useGet<OutliersOfADeployment>(`${of(id)}/outliers`, { ...filter }, { keep: true });
export const useMostOutlying = (id: string, q: string) => useGet<Page<PredictedAsset>>(`${of(id)}/predictedassets`, { q: q || undefined, order_by: "-outlier.score", limit: 16 }, { keep: true });
export const useEmbedding = (id: string) => useGet<EmbeddingOfADeployment>(`${of(id)}/embedding`, {}, { keep: true });
export const useNewest = (id: string) => useGet<Page<PredictedAsset>>(`${of(id)}/predictedassets`, { limit: 24 });

const stale = (id?: string) => touch("/api/organization", ...(id ? [of(id)] : []));
export const promote = (id: string) => post(`${of(id)}/shadow/promote`).then(() => stale(id));
export const pause = (id: string, on: boolean) => post(`${of(id)}/${on ? "pause" : "resume"}`).then(() => stale(id));
export const rollBack = (id: string) => post(`${of(id)}/rollback`).then(() => stale(id));
export const setCanary = (id: string, share: number) => post(`${of(id)}/canary`, { share }).then(() => stale(id));
export const change = (id: string, c: Partial<{ name: string; min_threshold: number; sample_rate: number }>) => patch(of(id), c).then(() => stale(id));
export const remove = (id: string) => del(`${of(id)}?force_delete=True`).then(() => stale());
export const checkDrift = (id: string) => post(`${of(id)}/drift/check`).then(() => stale(id));
export const changeDrift = (id: string, c: Partial<DriftMonitor>) => patch(`${of(id)}/drift`, c).then(() => stale(id));
export const fitOutliers = (id: string) => post(`${of(id)}/outliers/fit`).then(() => stale(id));
export const changeOutliers = (id: string, c: Partial<OutlierMonitor>) => patch(`${of(id)}/outliers`, c).then(() => stale(id));
export const setChampion = (id: string, version: string) => post(`${of(id)}/model`, { model_version_id: version }).then(() => stale(id));
export const setShadow = (id: string, version: string | null) => post(`${of(id)}/shadow`, { model_version_id: version }).then(() => stale(id));
const listed = (id: string, q: string, figure: Figure | null): [string, Record<string, string | undefined>] => (figure ? [`${of(id)}/${figure.route}/assets`, { ...figure.ask }] : [`${of(id)}/predictedassets`, { q: q || undefined }]);
export const reviewedIds = async (id: string, q: string, figure: Figure | null) => (await all<PredictedAsset>(...listed(id, q, figure))).filter((a) => a.status === "REVIEWED").map((a) => a.id);

// ---- loops
export const usePipelines = (id: string) => useGet<Pipelines>(`${of(id)}/pipelines`);
export const setTrainingData = (id: string, version: string | null) => (version ? post(`${of(id)}/pipeline/td/setup`, { dataset_version_id: version }) : put(`${of(id)}/pipeline/td/disable`)).then(() => stale(id));
export async function addToLoop(id: string, version: string, known: boolean): Promise<void> {
  if (!known) await post(`${of(id)}/pipeline/fl/setup`, {});
  await post(`${of(id)}/fl/datasets`, { dataset_version_id: version });
  stale(id);
}
export const leaveLoop = (id: string, version: string) => del(`${of(id)}/fl/datasets`, { ids: [version] }).then(() => stale(id));
export interface Training {
  project: string;
  trigger: Record<string, unknown>;
  parameters: Parameters;
  datasets: { name: string; version: string }[];
  base: string | undefined;
}
export async function setTraining(id: string, t: Training, old: { name: string; version: string }[]): Promise<void> {
  await post(`${of(id)}/pipeline/ct`, { project_id: t.project, training_type: "EXPERIMENT", ...t.trigger, experiment_parameters: t.parameters, base_model_version_id: t.base });
  const same = (a: { name: string; version: string }, b: { name: string; version: string }) => a.name === b.name && a.version === b.version;
  const gone = old.filter((o) => !t.datasets.some((d) => same(o, d)));
  if (gone.length) await del(`${of(id)}/ct/datasets`, { ids: gone.map((g) => g.version) });
  for (const d of t.datasets) if (!old.some((o) => same(o, d))) await post(`${of(id)}/ct/datasets`, { dataset_version_id: d.version, name: d.name });
  stale(id);
}
export const useDeploymentTokens = (id: string) => useGet<Page<DeploymentToken>>(`${of(id)}/tokens`, { limit: 200 });
export const addDeploymentToken = (id: string, name: string, expires_at: string | null) => post<NewToken>(`${of(id)}/tokens`, { name, expires_at }).then((r) => (touch(`${of(id)}/tokens`), r));
export const dropDeploymentToken = (id: string, token: string) => del(`/api/deployment-token/${token}`).then(() => touch(`${of(id)}/tokens`));
export const useGate = (id: string) => useGet<Gate>(`${of(id)}/gate`);
export const changeGate = (id: string, c: Partial<Gate>) => patch(`${of(id)}/gate`, c).then(() => stale(id));
export const useDecisions = (id: string) => useGet<Page<Decision>>(`${of(id)}/decisions`, { limit: 20 });
export const trainNow = (id: string) => post(`${of(id)}/pipeline/ct/launch`).then(() => stale(id));
export type Test = Partial<{ tests: boolean; test_version_id: string | null; margin: number; confidence: number }>;
export const setPolicy = (id: string, policy: string, test: Test = {}) => post(`${of(id)}/pipeline/cd`, { policy, ...test }).then(() => stale(id));
export const toggle = (id: string, which: "fl" | "ct" | "cd", active: boolean) => put(`${of(id)}/pipeline/${which}`, { active }).then(() => stale(id));

// ---- alerts
export type AlertMetric = MetricOfAlerts;
export type AlertRule = Partial<Pick<Alert, "metric" | "label" | "operator" | "value" | "window_predictions" | "window_seconds" | "min_count" | "hold_seconds" | "active" | "emails" | "webhooks">>;
export const useLabels = useDeploymentLabels;
export const useAlerts = (id: string) => useGet<Page<Alert>>(`${of(id)}/alerts`);
export const useAlertMetrics = () => useGet<AlertMetric[]>("/api/alerts/metrics", {}, { stale: Infinity });
export const useAlertHistory = (alert: string) => useGet<Page<ChangeOfAnAlert>>(`/api/alert/${alert}/history`, { limit: 50 });
const staleAlert = (id: string, alert: string) => {
  stale(id);
  touch(`/api/alert/${alert}`);
};
export const addAlert = (id: string, a: AlertRule) => post(`${of(id)}/alerts`, a).then(() => stale(id));
export const changeAlert = (id: string, alert: string, c: AlertRule) => patch(`/api/alert/${alert}`, c).then(() => staleAlert(id, alert));
export const removeAlert = (id: string, alert: string) => del(`/api/alert/${alert}`).then(() => stale(id));
export const acknowledge = (id: string, alert: string) => post(`/api/alert/${alert}/acknowledge`).then(() => stale(id));
export const muteAlert = (id: string, alert: string, until: string | null) => post(`/api/alert/${alert}/mute`, { until }).then(() => stale(id));
export const lakeName = async (id: string) => (await get<{ name: string }>(`/api/datalake/${id}`)).name;
