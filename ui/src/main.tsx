// The table of pages: path, page, and where it stands in the rail.
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./kit/kit.css";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, type ComponentType, type LazyExoticComponent } from "react";
import { createRoot } from "react-dom/client";
import { whenSignedOut } from "./api/client";
import { cache } from "./api/query";
import { sessionEnded } from "./api/session";
import { Frame } from "./frame";
import { theme, variables } from "./kit/theme";

export interface PageRow {
  path: string;
  page: LazyExoticComponent<ComponentType>;
  area: string;
}

const page = (load: () => Promise<{ default: ComponentType }>) => lazy(load);

const pages: PageRow[] = [
  { path: "/", area: "home", page: page(() => import("./pages/home/home")) },
  { path: "/datalake", area: "datalake", page: page(() => import("./pages/datalake/datalake")) },
  { path: "/datasets", area: "datasets", page: page(() => import("./pages/dataset/list")) },
  { path: "/datasets/:id", area: "datasets", page: page(() => import("./pages/dataset/one")) },
  { path: "/versions/:id", area: "datasets", page: page(() => import("./pages/dataset/version")) },
  { path: "/annotate/:id", area: "datasets", page: page(() => import("./pages/annotation/annotate")) },
  { path: "/projects", area: "projects", page: page(() => import("./pages/project/list")) },
  { path: "/projects/:id", area: "projects", page: page(() => import("./pages/project/one")) },
  { path: "/projects/:id/new", area: "projects", page: page(() => import("./pages/experiment/new")) },
  { path: "/projects/:id/compare", area: "projects", page: page(() => import("./pages/experiment/compare")) },
  { path: "/experiments/:id", area: "projects", page: page(() => import("./pages/experiment/one")) },
  { path: "/models", area: "models", page: page(() => import("./pages/model/list")) },
  { path: "/models/:id", area: "models", page: page(() => import("./pages/model/one")) },
  { path: "/model-versions/:id", area: "models", page: page(() => import("./pages/model/version")) },
  { path: "/deployments", area: "deployments", page: page(() => import("./pages/deployment/list")) },
  { path: "/deployments/:id", area: "deployments", page: page(() => import("./pages/deployment/one")) },
  { path: "/review/:id", area: "deployments", page: page(() => import("./pages/annotation/review")) },
  { path: "/jobs", area: "jobs", page: page(() => import("./pages/job/list")) },
  { path: "/settings", area: "settings", page: page(() => import("./pages/account/settings")) },
  { path: "/docs", area: "docs", page: page(() => import("./pages/home/docs")) },
];
const login = page(() => import("./pages/account/login"));

whenSignedOut(sessionEnded);
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" colorSchemeManager={localStorageColorSchemeManager({ key: "saccade-scheme" })}>
        <QueryClientProvider client={cache}>
          <Notifications position="bottom-right" limit={4} />
          <Frame pages={pages} login={login} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
