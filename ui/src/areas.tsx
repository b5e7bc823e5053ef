// The areas of the program, one row each: where it stands in the rail, and its pages. A new page is a line here.
import { lazy, type ComponentType, type LazyExoticComponent, type ReactNode } from "react";
import { RunningJobs } from "./pages/job/running";
import { IconBook, IconBox, IconDatabase, IconFlask, IconHome, IconListCheck, IconPhoto, IconRocket, IconSettings } from "./kit/icons";

export interface PageRow {
  path: string;
  page: LazyExoticComponent<ComponentType>;
  /** The page needs the room: the rail shows its icons only. */
  folds?: boolean;
}
export interface Area {
  area: string;
  text: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  /** The first one is where the rail leads. */
  pages: readonly [PageRow, ...PageRow[]];
  /** Stands at the rail's foot. */
  foot?: boolean;
  /** What the rail shows behind the word. */
  mark?: () => ReactNode;
}

const page = (path: string, load: () => Promise<{ default: ComponentType }>, folds = false): PageRow => ({ path, page: lazy(load), folds });

export const areas: readonly Area[] = [
  { area: "home", text: "Home", icon: IconHome, pages: [page("/", () => import("./pages/home/home"))] },
  { area: "datalake", text: "Datalake", icon: IconDatabase, pages: [page("/datalake", () => import("./pages/datalake/datalake"))] },
  {
    area: "datasets",
    text: "Datasets",
    icon: IconPhoto,
    pages: [
      page("/datasets", () => import("./pages/dataset/list")),
      page("/datasets/:id", () => import("./pages/dataset/one")),
      page("/versions/:id", () => import("./pages/dataset/version")),
      page("/annotate/:id", () => import("./pages/annotation/annotate"), true),
    ],
  },
  {
    area: "projects",
    text: "Projects",
    icon: IconFlask,
    pages: [
      page("/projects", () => import("./pages/project/list")),
      page("/projects/:id", () => import("./pages/project/one")),
      page("/projects/:id/new", () => import("./pages/experiment/new")),
      page("/projects/:id/compare", () => import("./pages/experiment/compare")),
      page("/experiments/:id", () => import("./pages/experiment/one")),
    ],
  },
  {
    area: "models",
    text: "Models",
    icon: IconBox,
    pages: [
      page("/models", () => import("./pages/model/list")),
      page("/models/:id", () => import("./pages/model/one")),
      page("/model-versions/:id", () => import("./pages/model/version")),
    ],
  },
  {
    area: "deployments",
    text: "Deployments",
    icon: IconRocket,
    pages: [
      page("/deployments", () => import("./pages/deployment/list")),
      page("/deployments/:id", () => import("./pages/deployment/one")),
      page("/review/:id", () => import("./pages/annotation/review"), true),
    ],
  },
  { area: "jobs", text: "Jobs", icon: IconListCheck, pages: [page("/jobs", () => import("./pages/job/list"))], mark: RunningJobs },
  { area: "docs", text: "Docs", icon: IconBook, foot: true, pages: [page("/docs", () => import("./pages/home/docs"))] },
  { area: "settings", text: "Settings", icon: IconSettings, foot: true, pages: [page("/settings", () => import("./pages/account/settings"))] },
];
