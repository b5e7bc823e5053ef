// Where the pages begin: the theme, the cache, the frame. The pages themselves are rows of areas.tsx.
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./kit/kit.css";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { whenSignedOut } from "./api/client";
import { cache } from "./api/query";
import { sessionEnded } from "./api/session";
import { Frame } from "./frame";
import { theme, variables } from "./kit/theme";

const login = lazy(() => import("./pages/account/login"));

whenSignedOut(sessionEnded);
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" colorSchemeManager={localStorageColorSchemeManager({ key: "saccade-scheme" })}>
        <QueryClientProvider client={cache}>
          <Notifications position="bottom-right" limit={4} />
          <Frame login={login} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
