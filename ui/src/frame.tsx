// The frame around every page: the rail, the upload panel, the list of keys.
import { Menu, Skeleton, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Component, Suspense, useState, type ComponentType, type ReactNode } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { useGet, useEvents, touch, useThrottled } from "./api/query";
import { signOut, useSession } from "./api/session";
import type { Job, Session } from "./api/types";
import type { Page } from "./api/client";
import {
  IconBook,
  IconBox,
  IconDatabase,
  IconFlask,
  IconHome,
  IconKeyboard,
  IconListCheck,
  IconLogout,
  IconMoon,
  IconPhoto,
  IconRocket,
  IconSettings,
  IconSidebar,
  IconSidebarOpen,
  IconSun,
  IconUser,
} from "./kit/icons";
import { KeysHelp, showKeys } from "./kit/keys";
import { Empty, Fault } from "./kit/parts";
import type { PageRow } from "./main";
import { UploadPanel } from "./uploads";

const areas = [
  { area: "home", to: "/", text: "Home", icon: IconHome },
  { area: "datalake", to: "/datalake", text: "Datalake", icon: IconDatabase },
  { area: "datasets", to: "/datasets", text: "Datasets", icon: IconPhoto },
  { area: "projects", to: "/projects", text: "Projects", icon: IconFlask },
  { area: "models", to: "/models", text: "Models", icon: IconBox },
  { area: "deployments", to: "/deployments", text: "Deployments", icon: IconRocket },
  { area: "jobs", to: "/jobs", text: "Jobs", icon: IconListCheck },
];

function RunningJobs() {
  const { data } = useGet<Page<Job>>("/api/jobs", { limit: 50 });
  const again = useThrottled(() => touch("/api/jobs"), 1000);
  useEvents("job", again);
  const n = data?.items.filter((j) => j.status === "RUNNING" || j.status === "PENDING" || j.status === "QUEUED").length ?? 0;
  return n ? <span className="rail-count">{n}</span> : null;
}

function Rail({ here, session }: { here: string; session: Session }) {
  const [narrow, setNarrow] = useState(() => localStorage.getItem("saccade-rail") === "narrow");
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const fold = () => {
    localStorage.setItem("saccade-rail", narrow ? "wide" : "narrow");
    setNarrow(!narrow);
  };
  const link = (area: string, to: string, text: string, Icon: ComponentType<{ size?: number; stroke?: number }>, more?: ReactNode) => (
    <Tooltip key={area} label={text} position="right" disabled={!narrow} openDelay={0}>
      <Link href={to} className="rail-link" data-here={here === area ? "" : undefined} aria-label={text} aria-current={here === area ? "page" : undefined}>
        <Icon size={18} stroke={1.7} />
        <span className="rail-text">{text}</span>
        {more}
      </Link>
    </Tooltip>
  );
  return (
    <nav className="rail" data-narrow={narrow ? "" : undefined} aria-label="Main">
      <Link href="/" className="rail-brand" aria-label="Saccade, home">
        <img src="/icon.svg" alt="" />
        <span className="rail-text">Saccade</span>
      </Link>
      {areas.map((a) => link(a.area, a.to, a.text, a.icon, a.area === "jobs" ? <RunningJobs /> : undefined))}
      <div style={{ flex: 1 }} />
      {link("docs", "/docs", "Docs", IconBook)}
      {link("settings", "/settings", "Settings", IconSettings)}
      <Menu position="right-end" width={210}>
        <Menu.Target>
          <button type="button" className="rail-link" aria-label="Your account">
            <IconUser size={18} stroke={1.7} />
            <span className="rail-text" style={{ overflow: "hidden", textOverflow: "ellipsis" }}>
              {session.user.username}
            </span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {session.user.username} · {session.organization.name}
          </Menu.Label>
          <Menu.Item leftSection={dark ? <IconSun size={15} /> : <IconMoon size={15} />} onClick={() => setColorScheme(dark ? "light" : "dark")}>
            {dark ? "Light colours" : "Dark colours"}
          </Menu.Item>
          <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={showKeys}>
            Keys on this page
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <button type="button" className="rail-link" onClick={fold} aria-label={narrow ? "Widen the rail" : "Narrow the rail"}>
        {narrow ? <IconSidebarOpen size={18} stroke={1.7} /> : <IconSidebar size={18} stroke={1.7} />}
        <span className="rail-text">Collapse</span>
      </button>
    </nav>
  );
}

/** A page that fails to draw says so and leaves the rest standing. */
class Guard extends Component<{ at: string; children: ReactNode }, { error: Error | null; at: string }> {
  override state = { error: null as Error | null, at: this.props.at };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  static getDerivedStateFromProps(props: { at: string }, state: { error: Error | null; at: string }) {
    return props.at === state.at ? null : { error: null, at: props.at };
  }
  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="body">
        <Fault error={{ message: "This page could not be shown", detail: error.message }} again={() => location.reload()} />
      </div>
    );
  }
}

function Waiting() {
  return (
    <div className="page" aria-busy="true">
      <div className="head">
        <Skeleton height={16} width={180} />
      </div>
      <div className="body">
        <Skeleton height={14} width="40%" mb={12} />
        <Skeleton height={14} width="55%" />
      </div>
    </div>
  );
}

function Nowhere() {
  return (
    <div className="page">
      <div className="head" />
      <Empty title="There is no such page">
        The address may be mistyped, or the thing was deleted. <Link href="/">Go home</Link>
      </Empty>
    </div>
  );
}

export function Frame({ pages, login: Login }: { pages: PageRow[]; login: ComponentType }) {
  const { session, error } = useSession();
  const [at] = useLocation();
  if (error)
    return (
      <div className="body">
        <Fault error={error} again={() => location.reload()} />
      </div>
    );
  if (session === undefined) return null;
  if (at === "/login")
    return (
      <Suspense fallback={null}>
        <Login />
      </Suspense>
    );
  if (session === null) return <Redirect to={`/login?to=${encodeURIComponent(location.pathname + location.search)}`} replace />;
  return (
    <div className="frame">
      <Switch>
        {pages.map((p) => (
          <Route key={p.path} path={p.path}>
            <Rail here={p.area} session={session} />
          </Route>
        ))}
        <Route>
          <Rail here="" session={session} />
        </Route>
      </Switch>
      <main style={{ minWidth: 0, minHeight: 0, height: "100%" }}>
        <Guard at={at}>
          <Suspense fallback={<Waiting />}>
            <Switch>
              {pages.map((p) => (
                <Route key={p.path} path={p.path} component={p.page} />
              ))}
              <Route component={Nowhere} />
            </Switch>
          </Suspense>
        </Guard>
      </main>
      <UploadPanel />
      <KeysHelp />
    </div>
  );
}
