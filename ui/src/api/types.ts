// What the pages call the server's answers. Nothing is described here: answers.ts is made from the API's description (tools/types).
import type {
  AnnotatedAsset,
  AnnotationOfAnAsset,
  Artifact,
  Data as WholeData,
  DatasetVersion as WholeVersion,
  Experiment as WholeExperiment,
  ModelFile,
  PredictionOfTheChampion,
  ShortData,
  ShortDatasetVersion,
  ShortModelVersion,
  ShortTag,
} from "./answers";

export type {
  Alert,
  Completion,
  Dashboard,
  ExportResult,
  ImportResult,
  Dataset,
  Decision,
  Deployment,
  Experiment,
  Gate,
  Heatmap,
  Job,
  Label,
  Log,
  Model,
  ModelVersion,
  Console as ConsolePage,
  GrantOfAnUpload,
  NameAndLinkOfAnUpload as UploadLink,
  NewToken,
  Pipelines,
  ReviewedPredictions as Reviewed,
  SubmittedPredictions as Submitted,
  UserWithAccess as AccessOf,
  UsersWithAccess,
  OwnOrganization as Organization,
  PredictedAsset,
  PredictedShape,
  Project,
  RegisteredFile,
  Session,
  Setting,
  TrialOfAModel as Trial,
  TriedShape as TrialShape,
  VersionStats,
} from "./answers";

export type DatasetVersion = ShortDatasetVersion & Partial<WholeVersion>;
export type InferenceType = DatasetVersion["type"];
export type Tag = ShortTag;
export type Data = ShortData & Partial<WholeData>;
export type Asset = AnnotatedAsset;
export type Annotation = AnnotationOfAnAsset;
export type AnnotationStatus = Annotation["status"];
/** Shapes as they are sent: what the server adds is left out. */
type Added = "id" | "attributes" | "text" | "box";
type Sent<T> = Omit<T, Added> & { text?: string | null; attributes?: object | null; box?: readonly number[] | null };
export type AnnotationShapes = {
  [K in "rectangles" | "polygons" | "lines" | "points" | "classifications"]: Sent<Annotation[K][number]>[];
};
export type Parameters = WholeExperiment["parameters"];
export type ExperimentStatus = WholeExperiment["status"];
export type StoredFile = Artifact | ModelFile;
export type VersionRef = ShortModelVersion;
export type PredictionOf = PredictionOfTheChampion;
