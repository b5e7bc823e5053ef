// The frame around every page: the rail, the upload panel, the list of keys.
import { Menu, Skeleton, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Component, Suspense, useState, type ComponentType, type ReactNode } from "react";
import { Link, matchRoute, Redirect, Route, Switch, useLocation, useRouter } from "wouter";
import type { Page } from "./api/client";
import { useGet } from "./api/query";
import { signOut, switchOrganization, useSession } from "./api/session";
import type { Organization, Session } from "./api/types";
import { areas, type Area } from "./areas";
import { IconBuilding, IconCheck, IconKeyboard, IconLogout, IconMoon, IconSidebar, IconSidebarOpen, IconSun, IconUser } from "./kit/icons";
import { KeysHelp, showKeys } from "./kit/keys";
import { Cut, Empty, Fault } from "./kit/parts";
import { toast } from "./kit/toast";
import { UploadPanel } from "./uploads";

/** All pages, with the area each belongs to. */
const pages = areas.flatMap((a) => a.pages.map((p) => ({ ...p, area: a.area })));

const kept = (name: string, fallback: string) => localStorage.getItem(name) ?? fallback;

/** Those that one belongs to; a click goes there. */
function Organizations({ here }: { here: string }) {
  const { data } = useGet<Page<Organization>>("/api/organizations", { limit: 100 });
  return (
    <>
      {data?.items.map((o) => (
        <Menu.Item key={o.id} leftSection={o.id === here ? <IconCheck size={15} /> : <IconBuilding size={15} />} aria-current={o.id === here || undefined} onClick={() => { if (o.id !== here) switchOrganization(o.id).catch(toast.failed); }}>
          <Cut text={o.name} />
        </Menu.Item>
      ))}
      <Menu.Divider />
    </>
  );
}

/** The way from area to area. Pages that need the room fold it, which is remembered apart from what it is elsewhere. */
function Rail({ here, folds, session }: { here: string; folds: boolean; session: Session }) {
  const name = folds ? "saccade-rail-tools" : "saccade-rail";
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const narrow = (chosen[name] ?? kept(name, folds ? "narrow" : "wide")) === "narrow";
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const fold = () => {
    const to = narrow ? "wide" : "narrow";
    localStorage.setItem(name, to);
    setChosen({ ...chosen, [name]: to });
  };
  const link = ({ area, text, icon: Icon, pages: [first], mark: Mark }: Area) => (
    <Tooltip key={area} label={text} position="right" disabled={!narrow} openDelay={0}>
      <Link href={first.path} className="rail-link" data-here={here === area ? "" : undefined} aria-label={text} aria-current={here === area ? "page" : undefined}>
        <Icon size={18} stroke={1.7} />
        <span className="rail-text">{text}</span>
        {Mark && <Mark />}
      </Link>
    </Tooltip>
  );
  return (
    <nav className="rail" data-narrow={narrow ? "" : undefined} aria-label="Main">
      <Link href="/" className="rail-brand" aria-label="Saccade, home">
        <img src="/icon.svg" alt="" />
        <span className="rail-text">Saccade</span>
      </Link>
      {areas.filter((a) => !a.foot).map(link)}
      <div style={{ flex: 1 }} />
      {areas.filter((a) => a.foot).map(link)}
      <Menu position="right-end" width={230}>
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
            {session.user.username} · {session.user.role.toLowerCase()}
          </Menu.Label>
          <Organizations here={session.organization.id} />
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
    // A part of the pages that is not here yet and could not be fetched.
    const unfetched = /dynamically imported module|module script failed/i.test(error.message);
    return (
      <div className="body">
        <Fault error={unfetched ? { message: "The server does not answer", detail: "The page could not be fetched. Is the server running, and is the network up?" } : { message: "This page could not be shown", detail: error.message }} again={() => location.reload()} />
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

export function Frame({ login: Login }: { login: ComponentType }) {
  const { session, error } = useSession();
  const { parser } = useRouter();
  const [at] = useLocation();
  const here = pages.find((p) => matchRoute(parser, p.path, at)[0]);
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
      <Rail here={here?.area ?? ""} folds={!!here?.folds} session={session} />
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
