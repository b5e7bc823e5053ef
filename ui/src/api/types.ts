// The server's answers, as the API describes them (GET /api/openapi.json). Members that a server may leave out are optional.

export interface Session {
  user: { id: string; username: string; role: string };
  organization: { id: string; name: string; default_connector_id: string };
  datalake: { id: string; name: string };
  /** The id of the last event before this answer. */
  last_event: number;
}

/** One that the user belongs to. */
export interface Organization {
  id: string;
  name: string;
  role?: string;
  created_at?: string;
}

export type InferenceType =
  | "NOT_CONFIGURED"
  | "CLASSIFICATION"
  | "OBJECT_DETECTION"
  | "SEGMENTATION"
  | "POINT"
  | "KEYPOINT"
  | "LINE"
  | "MASK"
  | "MULTI";

export interface Tag {
  id: string;
  name: string;
  target_type?: string;
}

export interface Data {
  id: string;
  filename: string;
  object_name: string;
  content_type: string;
  type: "IMAGE" | "VIDEO";
  upload_status: "PENDING" | "COMPUTING" | "DONE" | "ERROR";
  error?: string | null;
  meta?: { width: number; height: number } | null;
  size?: number;
  created_at?: string;
  tags?: Tag[];
  data_source?: { id: string; name: string } | null;
  metadata?: Record<string, unknown> | null;
  custom_metadata?: Record<string, unknown> | null;
  presigned_url?: string | null;
}

export interface Dataset {
  id: string;
  name: string;
  description?: string;
  created_at?: string;
  nb_versions?: number;
  thumbnails?: string[];
}

export interface DatasetVersion {
  id: string;
  origin_name: string;
  origin_id: string;
  version: string;
  type: InferenceType;
  description?: string;
  locked?: boolean;
  created_at?: string;
  nb_assets?: number;
  nb_annotated?: number;
  nb_objects?: number;
  thumbnails?: string[];
}

export interface VersionStats {
  label_repartition: Record<string, number>;
  nb_objects: number;
  nb_annotations: number;
  nb_assets?: number;
  objects_per_image?: number[];
}

export interface Label {
  id: string;
  name: string;
  group_id?: string | null;
}

export interface ShapeBase {
  id?: string;
  label_id: string;
  text?: string | null;
  score?: number;
  attributes?: object | null;
}
export type RectangleJson = ShapeBase & { x: number; y: number; w: number; h: number; box?: readonly number[] | null };
export type PolygonJson = ShapeBase & { polygon: [number, number][] };
export type LineJson = ShapeBase & { line: [number, number][] };
export type PointJson = ShapeBase & { point: [number, number] };

export interface AnnotationShapes {
  rectangles?: RectangleJson[];
  polygons?: PolygonJson[];
  lines?: LineJson[];
  points?: PointJson[];
  classifications?: ShapeBase[];
}

export type AnnotationStatus = "PENDING" | "SKIPPED" | "ACCEPTED" | "REFUSED";

export interface Annotation extends AnnotationShapes {
  id: string;
  status: AnnotationStatus;
  duration?: number;
  revision: number;
  updated_at?: string;
  author?: string | null;
}

export interface Asset {
  id: string;
  data: Data;
  annotation?: Annotation | null;
  tags?: Tag[];
}

export interface Project {
  id: string;
  name: string;
  description?: string;
  created_at?: string;
  nb_experiments?: number;
  nb_datasets?: number;
}

export type ExperimentStatus = "WAITING" | "RUNNING" | "SUCCESS" | "FAILED" | "CANCELED" | "TERMINATED";
export type Parameters = Record<string, number | string | boolean | null>;

export interface Experiment {
  id: string;
  name: string;
  project_id: string;
  status: ExperimentStatus;
  description?: string;
  created_at?: string;
  updated_at?: string;
  base_model_version?: { id: string; name?: string; version: number; origin?: { id: string; name: string } | string } | null;
  datasets?: { name: string; dataset_version: DatasetVersion }[];
  parameters?: Parameters | null;
  progress?: number | null;
  best?: { name: string; value: number; step?: number } | null;
  job_id?: string | null;
  error?: string | null;
  deployment_id?: string | null;
  nb_artifacts?: number;
  nb_logs?: number;
}

export type LogType = "VALUE" | "IMAGE" | "LINE" | "TABLE" | "BAR" | "HEATMAP" | "LABELMAP" | "EVALUATION";
export interface Log {
  id: string;
  name: string;
  type: LogType;
  data: unknown;
  updated_at?: string;
}

export interface StoredFile {
  id: string;
  name: string;
  object_name: string;
  filename: string;
  large: boolean;
  presigned_url?: string | null;
  size?: number;
  created_at?: string;
}

export interface Model {
  id: string;
  name: string;
  private: boolean;
  description?: string;
  created_at?: string;
  nb_versions?: number;
  type?: InferenceType;
  framework?: string;
}

export interface ModelVersion {
  id: string;
  origin: Model;
  name: string;
  version: number;
  labels?: Record<string, string> | null;
  type: InferenceType;
  framework: string;
  description?: string;
  created_at?: string;
  parameters?: Parameters | null;
  files?: StoredFile[];
  context?: {
    experiment_id?: string | null;
    experiment?: { id: string; name: string } | null;
    datasets?: { name: string; version_id: string }[];
    datas?: { name: string; version_id: string; repartition?: Record<string, number> }[];
    parameters?: Parameters;
  } | null;
}

export interface VersionRef {
  id: string;
  name?: string;
  version: number;
  origin?: { id: string; name: string } | string;
}

export interface Deployment {
  id: string;
  name: string;
  type: InferenceType;
  serving_host?: string | null;
  oracle_host?: string | null;
  created_at?: string;
  status?: "RUNNING" | "PAUSED";
  min_threshold?: number;
  model_version?: VersionRef | null;
  shadow_model_version?: VersionRef | null;
  counts?: { total: number; to_review: number; reviewed: number; submitted: number } | null;
  pipelines?: { training_data?: boolean; fl?: boolean; ct?: boolean; cd?: boolean } | null;
  deployed_at?: string | null;
  shadow_at?: string | null;
  sample_rate?: number;
}

export interface PredictedShape {
  kind?: string;
  label: string | { id: string; name: string };
  label_id: string;
  score: number;
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface PredictionOf {
  model_version_id: string;
  latency?: number;
  shapes: PredictedShape[];
}
export interface PredictedAsset {
  id: string;
  data: Data;
  oracle_prediction_id: string;
  status: "TO_REVIEW" | "REVIEWED" | "SUBMITTED";
  created_at?: string;
  source?: string | null;
  tags?: Tag[];
  champion?: PredictionOf | null;
  shadow?: PredictionOf | null;
  review?: (AnnotationShapes & { id?: string; created_at?: string; created_by?: string | null; shapes?: PredictedShape[] }) | null;
}

export type JobStatus = "PENDING" | "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "KILLED";
export interface Job {
  id: string;
  kind: string;
  status: JobStatus;
  progress?: number | null;
  doing?: string | null;
  /** What it works on: its name, and its id. */
  about?: string | null;
  about_id?: string | null;
  error?: string | null;
  created_at?: string;
  updated_at?: string;
  started_at?: string | null;
  ended_at?: string | null;
  result?: unknown;
  created_by?: string | null;
}

export interface Alert {
  id: string;
  metric: string;
  operator: string;
  value: number;
  active: boolean;
  triggered?: boolean;
  triggered_at?: string | null;
}

/** What a predicate of the query language may be completed with. */
export interface Completion {
  from: number;
  items: { text: string; kind?: string; says?: string }[];
}

/** What a training can be told, as the server states it. */
export interface Setting {
  name: string;
  type: "integer" | "number" | "boolean" | "word";
  says: string;
  default: number | boolean | string;
  least?: number;
  most?: number;
  words?: string[];
}
