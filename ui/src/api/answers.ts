// The server's answers. Made by tools/types from the description of the API (saccade describe): change nothing here.

export interface Access {
  thing_id: string;
  kind: string;
  role: "viewer" | "annotator" | "member" | "admin";
  organization_id: string;
  organization: string;
  created_at: string;
}

export interface AddedClassifications {
  classifications: Classification[];
}

export interface AddedKeypoints {
  keypoints: Keypoints[];
}

export interface AddedLines {
  lines: Line[];
}

export interface AddedMasks {
  masks: Mask[];
}

export interface AddedPoints {
  points: Point[];
}

export interface AddedPolygons {
  polygons: Polygon[];
}

export interface AddedRectangles {
  rectangles: Rectangle[];
}

export interface Alert {
  id: string;
  deployment_id: string;
  deployment: string;
  metric: string;
  label: string | null;
  operator: "<" | "<=" | ">" | ">=";
  value: number;
  window_predictions: number | null;
  window_seconds: number | null;
  min_count: number;
  hold_seconds: number;
  active: boolean;
  emails: string[];
  webhooks: boolean;
  says: string;
  state: "OK" | "PENDING" | "FIRING";
  triggered: boolean;
  since: string;
  last_value: number | null;
  last_count: number;
  looked_at: string | null;
  triggered_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  muted_until: string | null;
  created_at: string;
}

export interface AlertThatHolds {
  id: string;
  metric: string;
  operator: string;
  value: number;
  last_value: number | null;
  at: string | null;
  text: string;
  acknowledged: boolean;
}

export interface AnnotatedAsset {
  id: string;
  data: ShortData;
  tags: ShortTag[];
  dataset_version_id: string;
  created_at: string;
  nb_objects: number;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED" | null;
  annotation: AnnotationOfAnAsset | null;
}

export interface Annotation {
  id: string;
  asset_id: string;
  dataset_version_id: string;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED";
  duration: number;
  revision: number;
  attributes: Record<string, unknown> | null;
  created_at: string;
  created_by: string | null;
  updated_at: string;
  updated_by: string | null;
  rectangles?: ShortRectangle[];
  polygons?: ShortPolygon[];
  lines?: ShortLine[];
  points?: ShortPoint[];
  classifications?: ShortClassification[];
  keypoints?: ShortKeypoints[];
  masks?: ShortMask[];
}

export interface AnnotationOfAWorker {
  id: string;
  asset_id: string;
  dataset_version_id: string;
  worker_id: string;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED";
  duration: number;
  created_at: string;
  updated_at: string;
}

export interface AnnotationOfAnAsset {
  id: string;
  asset_id: string;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED";
  revision: number;
  duration: number;
  updated_at: string;
  updated_by: string | null;
  attributes: Record<string, unknown> | null;
  rectangles: ShortRectangle[];
  polygons: ShortPolygon[];
  lines: ShortLine[];
  points: ShortPoint[];
  classifications: ShortClassification[];
  keypoints: ShortKeypoints[];
  masks: ShortMask[];
}

export interface AnnotationWithItsLabels {
  id: string;
  asset_id: string;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED";
  attributes: Record<string, unknown> | null;
  rectangles: RectangleWithItsLabel[];
  polygons: PolygonWithItsLabel[];
  lines: LineWithItsLabel[];
  points: PointWithItsLabel[];
  classifications: ClassificationWithItsLabel[];
  keypoints: KeypointsWithItsLabel[];
  masks: MaskWithItsLabel[];
}

export interface AnnotationsWritten {
  annotations: number;
  kept: number;
  shapes: number;
}

export type AnyObject = Record<string, unknown>;

export interface Artifact {
  id: string;
  name: string;
  filename: string;
  object_name: string;
  large: boolean;
  size: number | null;
  created_at: string;
  experiment_id: string;
  presigned_url: string;
}

export interface Asset {
  id: string;
  data: ShortData;
  tags: ShortTag[];
  dataset_version_id: string;
  created_at: string;
  nb_objects: number;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED" | null;
}

export interface AssetsAdded {
  job: ShortJob;
  added: number | null;
  dataset_version: DatasetVersion;
}

export interface AttachedDatasetVersion {
  name: string;
  dataset_version: ShortDatasetVersion;
}

export interface AttributesOfALabel {
  attributes: Record<string, unknown> | null;
}

export interface AttributesOfAnnotations {
  attributes: Record<string, unknown> | null;
}

export interface BestValueOfAnExperiment {
  name: string;
  value: number | null;
  step: number | null;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface BucketConnector {
  id: string;
  name: string;
  endpoint: string;
  region: string;
  bucket: string;
  prefix: string;
  path_style: boolean;
  access_key: string | null;
  profile: string | null;
  created_at: string;
  created_by: string | null;
}

export interface BucketSync {
  id: string;
  datalake_id: string;
  connector_id: string;
  prefix: string;
  tag_ids: string[];
  every_minutes: number;
  active: boolean;
  due_at: string;
  last: LastRunOfASync | null;
  created_at: string;
  created_by: string | null;
}

export interface ChangeOfAnAlert {
  id: string;
  at: string;
  state: string;
  value: number | null;
  count: number;
  why: string;
}

export interface CheckOfDrift {
  drifted: boolean;
  feature_alpha: number;
  label_distance: number | null;
  features: ComparedFeature[];
}

export interface ChoicesOfAFilter {
  versions: VersionThatAnswered[];
  sources: string[];
  tags: string[];
}

export interface ClassOfAModel {
  number: number;
  called: string;
  behaves_like: string | null;
  says: number[];
}

export interface Classification {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
}

export interface ClassificationWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
}

export interface Collaborator {
  id: string;
  username: string;
}

export interface CommonImages {
  count: number;
  of: number;
}

export interface ComparedFeature {
  feature: string;
  title: string;
  unit: string;
  query: string;
  label: string | null;
  test: "KS" | "MMD";
  against: "TRAINING" | "FIRST_PREDICTIONS";
  tested: boolean;
  drifted: boolean;
  d: number | null;
  p: number | null;
  limit: number | null;
  at: number | null;
  n_before: number;
  n_window: number;
  window_from: string | null;
  window_to: string | null;
  median_before: number | null;
  median_window: number | null;
  curve: DistributionFunctions | null;
  histogram: HistogramOfDrift | null;
}

export interface ComparedMetric {
  name: string;
  values: (ComparedValue | null)[];
}

export interface ComparedParameter {
  name: string;
  values: unknown[];
  differs: boolean;
}

export interface ComparedValue {
  type: string;
  last: unknown;
  min?: unknown;
  max?: unknown;
  steps?: unknown[];
  values?: unknown[];
}

export interface Comparison {
  experiments: Experiment[];
  parameters: ComparedParameter[];
  metrics: ComparedMetric[];
}

export interface Completion {
  from: number;
  items: CompletionOffer[];
}

export interface CompletionOffer {
  text: string;
  kind: string;
  says: string;
}

export interface Confusion {
  looked_at: ReviewsThatWereLookedAt;
  matrix: Matrix;
}

export interface Console {
  items: ConsoleLine[];
  count: number;
  last: number;
  more: boolean;
}

export interface ConsoleLine {
  n: number;
  line_nb: number;
  part: string;
  log: unknown;
  final: boolean;
  special: unknown;
  at: string;
}

export interface ContextOfAModelVersion {
  id: string;
  experiment_id: string | null;
  experiment_name: string | null;
  project_id: string | null;
  datas: DatasetVersionThatWasTrainedOn[];
  datasets: DatasetVersionThatWasTrainedOn[];
  parameters: Record<string, unknown>;
}

export interface ContinuousDeploymentOfADeployment {
  configured: boolean;
  active: boolean;
  policy: "DEPLOY_CHAMPION" | "DEPLOY_SHADOW" | "DEPLOY_MANUAL";
  tests: boolean;
  test_version: ShortDatasetVersion | null;
  tested_on: ShortDatasetVersion | null;
  margin: number;
  confidence: number;
}

export interface ContinuousTrainingOfADeployment {
  configured: boolean;
  active: boolean;
  project: ShortProject | null;
  trigger: "FEEDBACK_LOOP" | "SCHEDULE" | "DRIFT" | "METRIC" | "NONE";
  threshold: number | null;
  every_hours: number | null;
  weekday: number | null;
  hour: number | null;
  metric: "ap_50" | "ap_50_95" | "precision" | "recall" | "accuracy" | null;
  below: number | null;
  reviews: number | null;
  rest_hours: number | null;
  parameters: Record<string, unknown>;
  error: string | null;
  pending: number;
  base: ShortModelVersion | null;
  datasets: DatasetVersionOfContinuousTraining[];
  runs: TrainingOfADeployment[];
}

export interface Coordinates {
  x: number;
  y: number;
}

export interface Count {
  count: number;
}

export interface CountsOfADashboard {
  total: number;
  to_review: number;
  reviewed: number;
  submitted: number;
  in_range: number;
}

export interface CountsOfADeployment {
  total: number;
  to_review: number;
  reviewed: number;
  submitted: number;
}

export interface CustomMetadataOfAData {
  custom_metadata: Record<string, unknown> | null;
}

export interface Dashboard {
  deployment: Deployment;
  since: string | null;
  until: string | null;
  query: string;
  looked_at: WhatWasLookedAt;
  counts: CountsOfADashboard;
  predictions: number;
  mean_latency: number | null;
  latency_summary: LatencySummary;
  latency: LatencyPoint[];
  last_predictions: PredictedAsset[];
  labels: LabelDistribution[];
  scores: number[];
  shadow_comparison: ShadowComparison | null;
  reviews: FiguresOfReviews;
  alerts: AlertThatHolds[];
}

export interface Data {
  id: string;
  object_name: string;
  filename: string;
  type: "IMAGE" | "VIDEO";
  content_type: string;
  upload_status: "PENDING" | "COMPUTING" | "ERROR" | "DONE";
  error: string | null;
  presigned_url: string;
  meta: ImageSize | null;
  metadata: Record<string, unknown> | null;
  custom_metadata: Record<string, unknown> | null;
  datalake_id: string;
  size: number;
  created_at: string;
  created_by: string | null;
  tags: ShortTag[];
  data_source: ShortDataSource | null;
  thumbnail_url: string;
  nb_assets?: number;
}

export interface DataSource {
  id: string;
  name: string;
  created_at: string;
  nb_data: number;
}

export interface Datalake {
  id: string;
  name: string;
  connector_id: string;
  created_at: string;
  nb_data: number;
}

export interface DatalakeOfASession {
  id: string;
  name: string;
}

export interface Dataset {
  id: string;
  name: string;
  description: string;
  private: boolean;
  created_at: string;
  updated_at: string;
  created_by: string | null;
  nb_versions: number;
  nb_assets: number;
  thumbnails: string[];
  tags: ShortTag[];
}

export interface DatasetVersion {
  id: string;
  origin_id: string;
  origin_name: string;
  version: string;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  description: string;
  locked: boolean;
  annotation_campaign_id: string | null;
  created_at: string;
  updated_at: string;
  created_by: string | null;
  nb_assets: number;
  size: number;
  nb_annotated: number;
  nb_objects: number;
  thumbnails: string[];
  tags: ShortTag[];
}

export interface DatasetVersionOfAnExperiment {
  name: string;
  dataset_version: ShortDatasetVersion;
}

export interface DatasetVersionOfContinuousTraining {
  name: string;
  dataset_version: ShortDatasetVersion;
}

export interface DatasetVersionThatWasTrainedOn {
  name: string;
  version_id: string;
  dataset_name: string;
  version_name: string;
  nb_assets: number;
  repartition: Record<string, number>;
}

export interface Decision {
  id: string;
  created_at: string;
  kind: "TRAINING" | "PASSED" | "REFUSED" | "PROMOTED" | "KEPT" | "ROLLED_BACK" | "STAYED" | "CHAMPION" | "SHADOW" | "CANARY" | "PAUSED" | "RESUMED";
  model_version_id: string;
  against_id: string | null;
  images: number;
  metric: string | null;
  score: number | null;
  against: number | null;
  better: number | null;
  confidence: number | null;
  says: string;
  created_by: string | null;
}

export interface Delivery {
  id: string;
  webhook_id: string | null;
  address: string | null;
  event: string;
  subject: string | null;
  body?: string;
  state: "WAITING" | "DELIVERED" | "FAILED";
  tries: number;
  next_at: string | null;
  status: number | null;
  answer?: string | null;
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

export interface Deployment {
  id: string;
  name: string;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  status: "RUNNING" | "PAUSED";
  oracle_host: string;
  mode: "SERVING" | "OWN_SERVING" | "MONITORING";
  serving_host: string | null;
  review_campaign_id: string | null;
  model_version_id: string;
  shadow_model_version_id: string | null;
  model_version: ShortModelVersion;
  shadow_model_version: ShortModelVersion | null;
  min_threshold: number;
  sample_rate: number;
  review_share: number;
  target_datalake_id: string;
  created_at: string;
  updated_at: string;
  deployed_at: string;
  shadow_at: string | null;
  canary_share: number;
  former_model_version: ShortModelVersion | null;
  created_by: string | null;
  labels?: LabelOfADeployment[];
  counts: CountsOfADeployment;
  pipelines: PipelinesOfADeployment;
  tags: ShortTag[];
}

export interface DeploymentOfAModelVersion {
  id: string;
  name: string;
  shadow: boolean;
}

export interface DeploymentToken {
  id: string;
  deployment_id: string;
  name: string;
  hint: string;
  username: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface DescriptionThatWasTried {
  onnx: Record<string, unknown>;
  score: number;
  interval: number[] | null;
  as_labelled: number;
  sure: number;
}

export interface DistributionFunctions {
  x: number[];
  before: number[];
  window: number[];
}

export interface DriftMonitor {
  active: boolean;
  alpha: number;
  window_size: number;
  step_size: number;
  directions: number;
  compares_with: "TRAINING" | "FIRST_PREDICTIONS";
}

export interface DriftOfADeployment {
  settings: DriftMonitor;
  training: TrainingImagesOfADeployment | null;
  checks: number;
  alarms: number;
  state: "OFF" | "WAITING" | "STEADY" | "DRIFTED";
  waits_for: string | null;
  checked_at: string | null;
  predictions_since: number;
  latest: CheckOfDrift | null;
  history: EarlierCheckOfDrift[];
}

export interface EarlierCheckOfDrift {
  at: string;
  drifted: boolean;
  distances: Record<string, number>;
}

export interface EmbeddingOfADeployment {
  state: "NONE" | "WAITING" | "READY";
  waits_for: string | null;
  images: number;
  seen: number;
  features: number;
  directions: number;
  training: TrainingImageAsTheNetworkSeesIt[];
  window: PredictedImageAsTheNetworkSeesIt[];
}

export interface Error {
  message: string;
  detail?: string;
  error?: string;
}

export interface Estimate {
  metric: string;
  model_version_id: string | null;
  value: number | null;
  interval: [number, number] | null;
  images: number;
  known_images: number;
  waits_for: string | null;
  labels: EstimateOfALabel[];
}

export interface EstimateOfALabel {
  label: string;
  value: number | null;
}

export interface EstimatedQuality {
  looked_at: PredictionsThatAreEstimated;
  estimate: Estimate;
}

export interface EvaluatedAsset {
  id: string;
  data: ShortData;
}

export interface EvaluatedClassification {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
}

export interface EvaluatedKeypoints {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
  keypoints: unknown;
}

export interface EvaluatedLine {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
  line: unknown;
}

export interface EvaluatedMask {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
  mask: unknown;
}

export interface EvaluatedPoint {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
  point: unknown;
}

export interface EvaluatedPolygon {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
  polygon: unknown;
}

export interface EvaluatedRectangle {
  label: LabelOfAnEvaluatedShape;
  label_id: string;
  score: number;
  text: string | null;
  x: number | null;
  y: number | null;
  w: number | null;
  h: number | null;
}

export interface Evaluation {
  id: string;
  asset_id: string;
  asset: EvaluatedAsset;
  experiment_id: string;
  rectangles: EvaluatedRectangle[];
  polygons: EvaluatedPolygon[];
  classifications: EvaluatedClassification[];
  keypoints: EvaluatedKeypoints[];
  masks: EvaluatedMask[];
  lines: EvaluatedLine[];
  points: EvaluatedPoint[];
  custom_metrics: Record<string, unknown> | null;
  created_at: string;
}

export interface EventOfWebhooks {
  name: string;
  says: string;
}

export interface EvidenceOfADescription {
  state: "WORKING" | "FOUND" | "UNCLEAR" | "NOTHING" | "FAILED";
  dataset_version: ShortDatasetVersion | null;
  job_id: string;
  progress: number | null;
  created_at: string;
  ended_at: string | null;
  error: string | null;
  result: WhatImagesToldOfADescription | null;
}

export interface Experiment {
  id: string;
  name: string;
  description: string;
  project_id: string;
  project_name: string;
  status: "WAITING" | "RUNNING" | "SUCCESS" | "FAILED" | "CANCELED" | "TERMINATED";
  error: string | null;
  progress: number;
  base_model_version_id: string | null;
  base_model_version: ShortModelVersion | null;
  base_experiment_id: string | null;
  base_experiment: ShortExperiment | null;
  datasets: DatasetVersionOfAnExperiment[];
  sources: SourceOfAnExperiment[];
  parameters: Record<string, unknown>;
  best: BestValueOfAnExperiment | null;
  nb_logs: number;
  nb_artifacts: number;
  job_id: string | null;
  deployment_id: string | null;
  model_versions?: ShortModelVersion[];
  created_at: string;
  updated_at: string;
  started_at: string | null;
  ended_at: string | null;
  created_by: string | null;
}

export interface ExportOfAnnotations {
  presigned_url?: string;
  job_id?: string;
  job?: ShortJob;
  object_name?: string;
  images?: number;
  shapes?: number;
  left_out?: number;
  renamed?: number;
  renamed_names?: string[];
}

export interface ExportResult {
  object_name: string;
  images: number;
  shapes: number;
  left_out: number;
  renamed: number;
  renamed_names: string[];
}

export interface ExtendedAsset {
  id: string;
  data: ShortData;
  tags: ShortTag[];
  dataset_version_id: string;
  created_at: string;
  nb_objects: number;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED" | null;
  annotations: AnnotationOfAnAsset[];
}

export interface FeedbackDatasetVersion {
  dataset_version: ShortDatasetVersion;
}

export interface FeedbackLoopOfADeployment {
  configured: boolean;
  active: boolean;
  datasets: ShortDatasetVersion[];
}

export interface FiguresOfPredictions {
  service: string;
  items: unknown[];
}

export interface FiguresOfReviews {
  champion: ReviewedPredictions;
  shadow: ReviewedPredictions;
  beside: ShadowBesideTheChampion;
  shared: FiguresOfReviewsThatBothHave | null;
  directed: number;
}

export interface FiguresOfReviewsThatBothHave {
  champion: ReviewedPredictions;
  shadow: ReviewedPredictions;
}

export interface FiguresOverPredictions {
  service: string;
  infos: WhenFiguresWereComputed;
  result: unknown;
}

export interface FileBesideAModel {
  filename: string;
  sha256: string;
  url: string;
}

export interface FileInWhichTensorsLie {
  name: string;
  bytes: number | null;
}

export interface FileOfAModelVersion {
  id: string;
  name: string;
  filename: string;
  object_name: string;
  large: boolean;
  size: number | null;
  presigned_url: string;
}

export interface FitToTrainingImages {
  id: string;
  state: "WORKING" | "READY" | "FAILED";
  dataset_version: ShortDatasetVersion | null;
  created_at: string;
  ended_at: string | null;
  images: number | null;
  held_out: number | null;
  seconds: number | null;
  loss: number | null;
  percentile: number | null;
  threshold: number | null;
  chance: number | null;
  error: string | null;
  older_scored: number;
  progress: number | null;
}

export interface ForkedVersion {
  dataset_version: DatasetVersion;
  job: ShortJob;
}

export interface Gate {
  id: string;
  promotes: boolean;
  rolls_back: boolean;
  reviews: number;
  margin: number;
  confidence: number;
}

export interface GrantOfAForm {
  client_type: string;
  presigned_url_data: LinkThatTakesAnObjectAsAForm;
}

export interface GrantOfAnUpload {
  client_type: string;
  presigned_url_data: LinkThatTakesAnObject;
}

export interface GrantOfAnUploadInParts {
  client_type: string;
  url: string;
}

export interface Health {
  status: string;
  version: string;
  uptime_s: number;
}

export interface Heatmap {
  images: number;
  shapes: number;
  width: number;
  height: number;
  values: number[];
}

export interface HistogramOfDrift {
  edges: number[];
  before: number[];
  window: number[];
}

export interface HistogramOfScores {
  edges: number[];
  training: number[];
  window: number[];
}

export interface HowAVersionSFileMustBeDescribed {
  evidence: EvidenceOfADescription | null;
}

export interface IdOfALog {
  id: string;
}

export interface ImageOfTheReviewQueue {
  chosen: "RANDOM" | "UNCERTAIN" | "DISAGREE" | "OUTLYING" | "BY_HAND";
  until: string;
  prediction: PredictedAsset;
}

export interface ImageSize {
  width: number | null;
  height: number | null;
}

export interface ImageThatADatasetVersionHasAlready {
  predicted_asset_id: string;
  dataset_version_id: string;
  asset_id: string;
}

export interface ImportResult {
  format: string;
  says: string;
  images: number;
  shapes: number;
  kept: number;
  unknown_images: number;
  unknown: string[];
  skipped_shapes: number;
  skipped: string[];
  sizes_differ: number;
  left_out: WhatAnImportLeftOut[];
  splits: Record<string, number>;
}

export interface Inference {
  model_name: string;
  model_version: string;
  id?: string;
  parameters: ParametersOfAnInference;
  outputs: OutputTensor[];
}

export interface InferenceMetadata {
  name: string;
  versions: string[];
  platform: string;
  inputs: TensorOfANetwork[];
  outputs: TensorOfANetwork[];
  image_inputs: TensorOfANetwork[];
  image_outputs: TensorOfANetwork[];
}

export interface InferenceServer {
  name: string;
  version: string;
  extensions: string[];
}

export interface InputOrOutputOfAFile {
  name: string;
  type: string;
  shape: (number | null)[];
  ran?: (number | null)[];
}

export interface Interval {
  low: number;
  high: number;
}

export interface IntervalOfAnEstimate {
  low: number;
  high: number;
}

export interface Job {
  id: string;
  kind: string;
  status: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "KILLED";
  progress: number;
  doing: string | null;
  error: string | null;
  result: unknown;
  about: string | null;
  about_id: string | null;
  tries: number;
  processing_job: unknown;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  created_by: string | null;
}

export interface Keypoints {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  keypoints: unknown[] | null;
}

export interface KeypointsWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  keypoints: unknown[] | null;
}

export interface Label {
  id: string;
  name: string;
  group_id: string | null;
  dataset_version_id: string;
  position: number;
  nb_objects: number;
  created_at: string;
}

export interface LabelDistribution {
  label: string;
  label_id: string;
  champion: number;
  shadow: number;
  reviewed: number;
  training: number | null;
}

export interface LabelGroup {
  id: string;
  name: string;
  parent_id: string | null;
  dataset_version_id: string;
}

export interface LabelOfADeployment {
  id: string;
  name: string;
  group_id: string | null;
}

export interface LabelOfAMatrix {
  id: string;
  name: string;
}

export interface LabelOfAPoint {
  id: string;
  name: string;
}

export interface LabelOfAShape {
  id: string;
  name: string;
}

export interface LabelOfAnEvaluatedShape {
  id: string;
  name: string;
}

export interface LabelsOfAModelBesideThoseOfImages {
  agree: boolean;
  says: string;
  suggested: Record<string, string> | null;
  names: string[];
  classes: ClassOfAModel[];
}

export interface LastRunOfASync {
  id: string;
  status: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "KILLED";
  error: string | null;
  result: unknown;
  ended_at: string | null;
}

export interface LatencyPoint {
  id: string;
  at: string;
  champion: number;
  shadow: number | null;
}

export interface LatencySummary {
  mean: number | null;
  median: number | null;
  p95: number | null;
  max: number | null;
  shadow_mean: number | null;
}

export interface LatestVersionOfAModel {
  id: string;
  version: number;
  name: string;
}

export interface LifeOfTheServer {
  live: boolean;
}

export interface Line {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  line: [number, number][];
}

export interface LineWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  line: [number, number][];
}

export interface Link {
  presigned_url: string;
}

export interface LinkThatTakesAPart {
  url: string;
}

export interface LinkThatTakesAnObject {
  url: string;
  fields: Record<string, string>;
}

export interface LinkThatTakesAnObjectAsAForm {
  url: string;
  fields: Record<string, string>;
}

export interface ListedAsset {
  id: string;
  data: ShortData;
  tags: ShortTag[];
  dataset_version_id: string;
  created_at: string;
  nb_objects: number;
  status: "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED" | null;
  annotation?: AnnotationOfAnAsset | null;
}

export interface Log {
  id: string;
  name: string;
  type: "VALUE" | "IMAGE" | "LINE" | "TABLE" | "BAR" | "HEATMAP" | "LABELMAP" | "EVALUATION";
  data?: unknown;
  experiment_id: string;
  created_at: string;
  updated_at: string;
  nb_points: number;
}

export interface LoggingFile {
  id: string;
  object_name: string;
  experiment_id: string;
  created_at: string;
  presigned_url: string;
}

export interface Login {
  jwt: string;
  expires: number;
}

export interface MailServerOfAnOrganization {
  set: boolean;
  default: boolean;
  host: string | null;
  security: "TLS" | "STARTTLS" | "NONE" | null;
  username: string | null;
  sender: string | null;
  port: number | null;
  has_password: boolean;
}

export interface Mask {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  mask: string | null;
  area: number;
  bbox: [number, number, number, number];
}

export interface MaskWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  mask: string | null;
  area: number;
}

export interface Matrix {
  images: number;
  labels: LabelOfAMatrix[];
  counts: number[][];
}

export interface MetricOfAlerts {
  name: string;
  says: string;
  unit: string;
  supervised: boolean;
  of_predictions: boolean;
  of_time: boolean;
  of_label: boolean;
  most: number;
  operator: "<" | "<=" | ">" | ">=";
  value: number;
  window_predictions: number;
  window_seconds: number;
  min_count: number;
  hold_seconds: number;
}

export interface Model {
  id: string;
  name: string;
  private: boolean;
  description: string;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  framework: "TENSORFLOW" | "PYTORCH" | "ONNX" | "NOT_CONFIGURED";
  created_at: string;
  updated_at: string;
  created_by: string | null;
  nb_versions: number;
  latest: LatestVersionOfAModel | null;
  tags: ShortTag[];
}

export interface ModelContext {
  id: string;
  experiment_id: string | null;
  experiment_name: string | null;
  datas: unknown[];
  parameters: Record<string, unknown>;
  model_version_id: string;
}

export interface ModelFile {
  id: string;
  name: string;
  filename: string;
  object_name: string;
  large: boolean;
  size: number | null;
  created_at: string;
  model_version_id: string;
  presigned_url: string;
}

export interface ModelForPredictionsElsewhere {
  deployment_id: string;
  name: string;
  type: string;
  min_threshold: number;
  model_version_id: string;
  labels: Record<string, string>;
  sha256: string;
  told: Record<string, unknown> | null;
  model_url: string;
  files: FileBesideAModel[];
}

export interface ModelOfAVersion {
  id: string;
  name: string;
  description: string;
  private: boolean;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  framework: "TENSORFLOW" | "PYTORCH" | "ONNX" | "NOT_CONFIGURED";
}

export interface ModelVersion {
  id: string;
  name: string;
  version: number;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  framework: "TENSORFLOW" | "PYTORCH" | "ONNX" | "NOT_CONFIGURED";
  architecture: string | null;
  labels: Record<string, string> | null;
  parameters: Record<string, unknown>;
  description: string;
  docker_image: string | null;
  docker_tag: string | null;
  docker_flags: unknown[] | null;
  docker_env_variables: Record<string, unknown> | null;
  thumbnail_object_name: string | null;
  notebook_link: string | null;
  origin_id: string;
  origin_name: string;
  origin: ModelOfAVersion;
  created_at: string;
  updated_at: string;
  created_by: string | null;
  nb_files: number;
  deployable: boolean;
  deployments: DeploymentOfAModelVersion[];
  files?: FileOfAModelVersion[];
  context?: ContextOfAModelVersion | null;
  tags: ShortTag[];
}

export interface MonitoredPrediction {
  id: string;
  oracle_prediction_id: string;
  predicted_asset_id: string;
}

export interface NameAndLinkOfAnUpload {
  object_name: string;
  url: string;
}

export interface NameOfAnObject {
  object_name: string;
}

export interface NewToken {
  id: string;
  name: string;
  role: "viewer" | "annotator" | "member" | "admin" | "owner";
  username: string;
  expires_at: string | null;
  token: string;
}

export interface ObjectOfABucket {
  key: string;
  is_folder: boolean;
  is_image: boolean;
  size: number;
  changed_at: string | null;
}

export interface ObjectThatWasNotImported {
  key: string;
  why: string;
}

export interface OldJob {
  id: string;
  kind: string;
  status: "RUNNING" | "SUCCESS" | "FAILED" | "TERMINATED";
  progress: number;
  doing: string | null;
  error: string | null;
  result: unknown;
  about: string | null;
  about_id: string | null;
  tries: number;
  processing_job: unknown;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  created_by: string | null;
}

export interface OperatorOfAFile {
  domain: string;
  name: string;
  count: number;
}

export interface OperatorSet {
  domain: string;
  version: number;
}

export interface OrderOfTheReviewQueue {
  order: "MIXED" | "RANDOM" | "UNCERTAIN" | "DISAGREE" | "OUTLYING" | "SKIPPED";
  count: number;
  count_exact: boolean;
}

export interface Organization {
  id: string;
  name: string;
  default_connector_id: string;
  created_at: string;
}

export interface OutlierMonitor {
  active: boolean;
  percentile: number;
}

export interface OutliersOfADeployment {
  settings: OutlierMonitor;
  state: "OFF" | "WAITING" | "WORKING" | "READY" | "FAILED";
  waits_for: string | null;
  fit: FitToTrainingImages | null;
  next_fit: FitToTrainingImages | null;
  predictions: number;
  all: boolean;
  points: ScoreOfAnImage[];
  scored: number;
  outliers: number;
  points_from: string | null;
  histogram: HistogramOfScores | null;
}

export interface OutputTensor {
  name: string;
  datatype: string;
  shape: number[];
  parameters?: Record<string, unknown>;
  data?: unknown[];
}

export interface OwnOrganization {
  id: string;
  name: string;
  default_connector_id: string;
  created_at: string;
  role: "viewer" | "annotator" | "member" | "admin" | "owner";
}

export interface PageOfABucket {
  objects: ObjectOfABucket[];
  next: string | null;
}

export interface ParametersOfAnInference {
  latency: number;
  predicted_asset_id?: string;
}

export interface Ping {
  sdk_version: string;
  username: string;
  default_organization: string;
}

export interface Pipelines {
  training_data: TrainingDataOfADeployment | null;
  fl: FeedbackLoopOfADeployment;
  ct: ContinuousTrainingOfADeployment;
  cd: ContinuousDeploymentOfADeployment;
}

export interface PipelinesOfADeployment {
  training_data: boolean;
  fl: boolean;
  ct: boolean;
  cd: boolean;
}

export interface Point {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  point: [number, number];
}

export interface PointInAnOrder {
  id: string;
  annotation_id: string;
  label: LabelOfAPoint;
  label_id: string;
  point: [number, number];
  order: number;
}

export interface PointWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  point: [number, number];
}

export interface PointsOfALine {
  steps: unknown;
  values: unknown;
}

export interface Polygon {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  polygon: [number, number][];
  area: number;
}

export interface PolygonWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  polygon: [number, number][];
  area: number;
}

export interface PredictedAsset {
  id: string;
  deployment_id: string;
  oracle_prediction_id: string;
  status: "TO_REVIEW" | "REVIEWED" | "SUBMITTED";
  source: string | null;
  created_at: string;
  submitted_at: string | null;
  metadata: Record<string, unknown> | null;
  custom_metadata: Record<string, unknown> | null;
  custom_metrics: Record<string, unknown> | null;
  outlier_score: number | null;
  is_outlier: boolean;
  data: ShortData;
  tags: ShortTag[];
  latency: number | null;
  nb_shapes: number;
  skipped: boolean;
  uncertainty: number | null;
  disagreement: number | null;
  canary: boolean;
  champion: PredictionOfTheChampion | null;
  shadow: PredictionOfTheShadow | null;
  review: ShortReview | null;
  predictions?: Prediction[];
  reviews?: Review[];
}

export interface PredictedClassification {
  label: LabelOfAShape;
  label_id: string;
  score: number | null;
}

export interface PredictedImageAsTheNetworkSeesIt {
  predicted_asset_id: string;
  x: number;
  y: number;
}

export interface PredictedLists {
  detection_classes: number[];
  detection_scores: number[];
  detection_boxes?: unknown[];
  detection_masks?: unknown[];
  lines?: unknown[];
  points?: unknown[];
  keypoints?: unknown[];
}

export interface PredictedRectangle {
  label: LabelOfAShape;
  label_id: string;
  score: number | null;
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface PredictedShape {
  kind: string;
  label: string;
  label_id: string;
  score: number | null;
  x: number;
  y: number;
  w: number;
  h: number;
  geometry: unknown;
}

export interface Prediction {
  id: string;
  is_shadow: boolean;
  model_version_id: string | null;
  latency: number;
  created_at: string;
  shapes: PredictedShape[];
  rectangles: PredictedRectangle[];
  classifications: PredictedClassification[];
}

export interface PredictionOfAShadow {
  predictions: PredictedLists;
  latency: number;
  model_version_id: string;
}

export interface PredictionOfTheChampion {
  id: string;
  is_shadow: boolean;
  model_version_id: string | null;
  latency: number;
  created_at: string;
  shapes: PredictedShape[];
}

export interface PredictionOfTheShadow {
  id: string;
  is_shadow: boolean;
  model_version_id: string | null;
  latency: number;
  created_at: string;
  shapes: PredictedShape[];
}

export interface PredictionOnAnImage {
  predictions: PredictedLists;
  latency: number;
  model_version_id: string;
  predicted_asset_id: string | null;
  deployment_id: string;
  width: number;
  height: number;
  labels: Record<string, string>;
}

export interface PredictionsThatAreEstimated {
  predictions: number;
  all: boolean;
}

export interface Project {
  id: string;
  name: string;
  description: string;
  created_at: string;
  updated_at: string;
  created_by: string | null;
  nb_experiments: number;
  nb_running: number;
  nb_datasets: number;
}

export interface ReadinessOfADeployment {
  name: string;
  ready: boolean;
}

export interface ReadinessOfTheServer {
  ready: boolean;
}

export interface Rectangle {
  id: string;
  annotation_id: string;
  label: ShortLabel;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  x: number;
  y: number;
  w: number;
  h: number;
  box: number[] | null;
  area: number;
}

export interface RectangleWithItsLabel {
  id: string;
  label: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  x: number;
  y: number;
  w: number;
  h: number;
  box: number[] | null;
  area: number;
}

export interface RegisteredFile {
  id: string;
  object_name: string;
  upload_status: "PENDING" | "COMPUTING" | "ERROR" | "DONE";
  error: string | null;
}

export interface ResultOfAnImportFromABucket {
  added: number;
  changed: number;
  gone: number;
  back: number;
  known: number;
  left_out: number;
  failed: number;
  faults: ObjectThatWasNotImported[];
}

export interface Review {
  id: string;
  created_at: string;
  created_by: string | null;
  chosen: "RANDOM" | "UNCERTAIN" | "DISAGREE" | "OUTLYING" | "BY_HAND";
  shapes: ReviewedShape[];
  rectangles: ReviewedRectangle[];
  classifications: ReviewedClassification[];
}

export interface ReviewQueue {
  orders: OrderOfTheReviewQueue[];
}

export interface ReviewedClassification {
  label: LabelOfAShape;
  label_id: string;
  score: number | null;
}

export interface ReviewedLabel {
  label: string;
  truths: number;
  images?: number;
  ap_interval?: [number, number] | null;
  ap_50_interval?: [number, number] | null;
  ap_75_interval?: [number, number] | null;
  ar_interval?: [number, number] | null;
  precision_interval?: [number, number] | null;
  recall_interval?: [number, number] | null;
  f1_interval?: [number, number] | null;
  sizes?: ReviewedSize[];
  ap?: number | null;
  ap_50?: number | null;
  ap_75?: number | null;
  ar?: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
}

export interface ReviewedPredictions {
  images: number;
  truths?: number;
  accuracy?: number | null;
  accuracy_interval?: [number, number] | null;
  ap_50_95?: number | null;
  ap_50?: number | null;
  ap_75?: number | null;
  ap_50_95_interval?: [number, number] | null;
  ap_50_interval?: [number, number] | null;
  ap_75_interval?: [number, number] | null;
  ar_interval?: [number, number] | null;
  precision_interval?: [number, number] | null;
  recall_interval?: [number, number] | null;
  f1_interval?: [number, number] | null;
  sizes?: ReviewedSize[];
  ar?: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  best_score?: number | null;
  labels: ReviewedLabel[];
}

export interface ReviewedRectangle {
  label: LabelOfAShape;
  label_id: string;
  score: number | null;
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface ReviewedShape {
  kind: string;
  label: string;
  label_id: string;
  score: number | null;
  x: number;
  y: number;
  w: number;
  h: number;
  geometry: unknown;
}

export interface ReviewedSize {
  size: "small" | "medium" | "large";
  truths: number;
  images: number;
  ap: number | null;
  ar: number | null;
  ap_interval?: [number, number] | null;
  ar_interval?: [number, number] | null;
}

export interface ReviewsThatWereLookedAt {
  predictions: number;
  all: boolean;
}

export interface SavedView {
  id: string;
  page: string;
  name: string;
  q: string;
  order_by: string | null;
  created_at: string;
}

export interface SchemaOfCustomMetadata {
  custom_metadata_schema: Record<string, unknown> | null;
  allow_extra_custom_metadata: boolean;
}

export interface ScoreOfAnImage {
  id: string;
  at: string;
  score: number;
  is_outlier: boolean;
}

export interface Session {
  user: UserOfASession;
  organization: Organization;
  datalake: DatalakeOfASession;
  last_event: number;
}

export interface Setting {
  name: string;
  type: string;
  says: string;
  default: unknown;
  least?: number;
  most?: number;
  words?: string[];
}

export interface Settings {
  items: Setting[];
  count: number;
}

export interface ShadowBesideTheChampion {
  metric: string;
  images: number;
  champion: number | null;
  shadow: number | null;
  better: number | null;
  champion_interval: [number, number] | null;
  shadow_interval: [number, number] | null;
  difference: [number, number] | null;
}

export interface ShadowComparison {
  images: number;
  champion_shapes: number;
  shadow_shapes: number;
  agreement: number | null;
}

export interface ShortClassification {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
}

export interface ShortData {
  id: string;
  object_name: string;
  filename: string;
  type: "IMAGE" | "VIDEO";
  content_type: string;
  upload_status: "PENDING" | "COMPUTING" | "ERROR" | "DONE";
  presigned_url: string;
  meta: ImageSize | null;
  metadata: Record<string, unknown> | null;
  custom_metadata: Record<string, unknown> | null;
  datalake_id: string;
  size: number;
  created_at: string;
  thumbnail_url: string;
  tags: ShortTag[];
}

export interface ShortDataSource {
  id: string;
  name: string;
}

export interface ShortDatasetVersion {
  id: string;
  origin_id: string;
  origin_name: string;
  version: string;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  description: string;
  locked: boolean;
  annotation_campaign_id: string | null;
  created_at: string;
}

export interface ShortExperiment {
  id: string;
  name: string;
}

export interface ShortJob {
  id: string;
  status: string;
}

export interface ShortKeypoints {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  keypoints: unknown[] | null;
}

export interface ShortLabel {
  id: string;
  name: string;
  group_id: string | null;
}

export interface ShortLine {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  line: [number, number][];
}

export interface ShortMask {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  mask: string | null;
  area: number;
  bbox: [number, number, number, number];
}

export interface ShortModel {
  id: string;
  name: string;
  private: boolean;
}

export interface ShortModelVersion {
  id: string;
  name: string;
  version: number;
  type: "NOT_CONFIGURED" | "CLASSIFICATION" | "OBJECT_DETECTION" | "SEGMENTATION" | "POINT" | "KEYPOINT" | "LINE" | "MASK" | "MULTI";
  framework: "TENSORFLOW" | "PYTORCH" | "ONNX" | "NOT_CONFIGURED";
  architecture: string | null;
  origin: ShortModel;
}

export interface ShortPoint {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  point: [number, number];
}

export interface ShortPolygon {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  polygon: [number, number][];
}

export interface ShortProject {
  id: string;
  name: string;
}

export interface ShortRectangle {
  id: string;
  label_id: string;
  text: string | null;
  attributes: Record<string, unknown> | null;
  x: number;
  y: number;
  w: number;
  h: number;
  box: number[] | null;
}

export interface ShortReview {
  id: string;
  created_at: string;
  created_by: string | null;
  chosen: "RANDOM" | "UNCERTAIN" | "DISAGREE" | "OUTLYING" | "BY_HAND";
  shapes: ReviewedShape[];
}

export interface ShortTag {
  id: string;
  name: string;
  target_type: string;
}

export interface ShortUser {
  id: string;
  username: string;
  role: "viewer" | "annotator" | "member" | "admin" | "owner";
}

export interface Skeleton {
  vertices: string[];
  edges: number[][];
}

export interface SkeletonsByLabel {
  items: Record<string, Skeleton>;
}

export interface SourceOfAnExperiment {
  name: string;
  kind: "dataset version" | "model version";
  thing_id: string;
  origin_name: string;
  version: string;
  nb_assets: number | null;
  nb_objects: number | null;
  labels: Record<string, unknown> | null;
  there: boolean;
  kept_at: string;
}

export interface StartedImportFromABucket {
  datalake: Datalake;
  job: ShortJob;
}

export interface StartedJob {
  job: ShortJob;
}

export interface StorageConnectorOfADeployment {
  id: string;
  client_type: string;
  bucket_name: string;
}

export interface SubmittedPredictions {
  count: number;
  measured: number;
  left_out: string[];
  stayed: string[];
  duplicates: ImageThatADatasetVersionHasAlready[];
  duplicated: number;
  job_id: string | null;
}

export interface Tag {
  id: string;
  name: string;
  target_type: string;
  created_at: string;
  count: number;
}

export interface TagAndHowManyThings {
  tag: Tag;
  count: number;
}

export interface TensorOfANetwork {
  name: string;
  datatype: string;
  shape: number[];
}

export interface TestOfAConnector {
  works: boolean;
  says: string;
}

export interface Token {
  id: string;
  name: string;
  hint: string;
  role: "viewer" | "annotator" | "member" | "admin" | "owner";
  username: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  thing_id: string | null;
}

export interface TrainingDataCheck {
  status: "SUCCESS" | "NOT_CONFIGURED";
}

export interface TrainingDataOfADeployment {
  active: boolean;
  status: string;
  since: string | null;
  dataset_version: ShortDatasetVersion | null;
}

export interface TrainingImageAsTheNetworkSeesIt {
  data_id: string;
  x: number;
  y: number;
}

export interface TrainingImagesOfADeployment {
  dataset_version: ShortDatasetVersion;
  images: number;
  measured: number;
}

export interface TrainingOfADeployment {
  experiment_id: string | null;
  experiment_name: string;
  state: "RUNNING" | "TESTING" | "DONE" | "FAILED";
  says: string;
  status: string | null;
  progress: number | null;
  error: string | null;
  model_version_id: string | null;
  nb_images: number;
  created_at: string;
  ended_at: string | null;
}

export interface TrialOfAModel {
  shapes: TriedShape[];
  threshold: number;
  width: number;
  height: number;
  latency: number;
  decode: number;
  run: number;
  post: number;
}

export interface TriedShape {
  kind: string;
  label: string;
  score: number;
  x: number;
  y: number;
  w: number;
  h: number;
  points: number[][] | null;
}

export interface UploadInParts {
  client_type: string;
  upload_id: string;
}

export interface UseOfAVersion {
  kind: string;
  items: UserOfAVersion[];
  count: number;
}

export interface User {
  id: string;
  username: string;
  role: "viewer" | "annotator" | "member" | "admin" | "owner";
  home: boolean;
  created_at: string;
  last_login_at: string | null;
}

export interface UserOfASession {
  id: string;
  username: string;
  role: string;
}

export interface UserOfAVersion {
  id: string;
  name: string;
}

export interface UserWithAccess {
  id: string;
  username: string;
  role: "viewer" | "annotator" | "member" | "admin" | "owner";
  given: boolean;
  guest: boolean;
}

export interface UsersOfAnOrganization {
  users: ShortUser[];
}

export interface UsersWithAccess {
  users: UserWithAccess[];
}

export interface UsesOfAVersion {
  items: UseOfAVersion[];
}

export interface VersionStats {
  nb_objects: number;
  nb_annotations: number;
  nb_assets: number;
  label_repartition: Record<string, number>;
  objects_per_image: number[];
}

export interface VersionThatAnswered {
  model_version_id: string;
  name: string;
  slot: "champion" | "shadow";
  predictions: number;
}

export interface Webhook {
  id: string;
  url: string;
  events: string[];
  active: boolean;
  hint: string;
  last_at: string | null;
  last_status: number | null;
  last_error: string | null;
  created_at: string;
  created_by: string | null;
}

export interface WebhookWithItsSecret {
  id: string;
  secret: string;
  url: string;
  events: string[];
  active: boolean;
}

export interface WhatAnImportLeftOut {
  reason: string;
  says: string;
  count: number;
  examples: string[];
}

export interface WhatImagesToldOfADescription {
  state: "FOUND" | "UNCLEAR" | "NOTHING";
  says: string;
  metric: string;
  pictures: number;
  tried: number;
  runs: number;
  seconds: number;
  best: DescriptionThatWasTried;
  second: DescriptionThatWasTried | null;
  lead: number;
  differ: string[];
  undecided: string[];
  labels: LabelsOfAModelBesideThoseOfImages;
}

export interface WhatIsInAModelFile {
  family: string | null;
  why: string | null;
  problem: string | null;
  task: string | null;
  types: string[];
  missing: WhatMustBeTold[];
  class_numbers?: boolean;
  description: Record<string, unknown>;
  known_from: Record<string, string>;
  inputs: InputOrOutputOfAFile[];
  outputs: InputOrOutputOfAFile[];
  producer: string;
  producer_version: string;
  ir_version: number;
  nodes: number;
  files: FileInWhichTensorsLie[];
  operator_sets: OperatorSet[];
  operators: OperatorOfAFile[];
  names: Record<string, string>;
  metadata: Record<string, string>;
}

export interface WhatMustBeTold {
  key: string;
  what: string;
}

export interface WhatWasLookedAt {
  predictions: number;
  all: boolean;
}

export interface WhenFiguresWereComputed {
  computed_at: string;
}

export interface Worker {
  id: string;
  collaborator: Collaborator;
}
