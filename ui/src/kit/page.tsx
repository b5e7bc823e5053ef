// The one page: head, actions, tabs, and the states of what it shows: failing, on its way, there. Lists and things are both made of it.
import { ActionIcon, Menu, Skeleton, Tabs } from "@mantine/core";
import type { ComponentType, ReactNode } from "react";
import { Head, type Crumb } from "./head";
import { IconDots } from "./icons";
import { On, useMay, type Right, type Thing } from "./may";
import { Fault, Lines } from "./parts";
import { useUrl } from "./url";

interface Failure {
  message: string;
  detail?: string;
  call?: string;
  status?: number;
}
/** What a page asked the server for. */
export interface Asked {
  error: Failure | null;
  data?: unknown;
  refetch: () => unknown;
}
export interface MenuRow {
  text: string;
  icon: ComponentType<{ size?: number }>;
  run: () => void;
  danger?: boolean;
  /** Who may; everybody who may change things, unless it says otherwise. */
  needs?: Right;
}
export interface TabRow {
  key: string;
  text: string;
  /** Shown behind the word: how many there are. */
  mark?: ReactNode;
  show: () => ReactNode;
  /** It draws to the page's edges and scrolls by itself. */
  whole?: boolean;
  needs?: Right;
}

interface Props {
  crumbs: readonly Crumb[];
  id?: string;
  chips?: ReactNode;
  /** What the page is about, where access is given on that. */
  on?: Thing | null;
  /** Buttons at the right that change things, the main one last. */
  actions?: ReactNode;
  /** Those that are for everybody, or know themselves whom they are for. */
  uses?: ReactNode;
  /** What is seldom done, behind the dots. */
  menu?: readonly (MenuRow | null | false | undefined)[];
  tabs?: readonly TabRow[];
  /** Without these there is nothing to show. */
  of?: readonly Asked[];
  waiting?: ReactNode;
  /** Between the head and what is shown: searching, choosing. */
  bar?: ReactNode;
  children?: ReactNode | (() => ReactNode);
}

/** One body at a time: the fault, the skeleton, or what was asked for. */
function Shown({ of, waiting, whole, children }: { of: readonly Asked[]; waiting?: ReactNode; whole?: boolean | undefined; children: () => ReactNode }) {
  const failed = of.find((a) => a.error && a.data === undefined)?.error;
  if (failed)
    return (
      <div className="body">
        <Fault error={failed} again={() => of.forEach((a) => void a.refetch())} />
      </div>
    );
  if (of.some((a) => a.data === undefined)) return <div className="body">{waiting ?? <Lines n={6} />}</div>;
  return whole ? <>{children()}</> : <div className="body">{children()}</div>;
}

export function Page(props: Props) {
  return (
    <On thing={props.on ?? null}>
      <Drawn {...props} />
    </On>
  );
}

function Drawn({ crumbs, id, chips, actions, uses, menu, tabs: all, of = [], waiting, bar, children }: Props) {
  const may = useMay();
  const tabs = all?.filter((t) => may(t.needs ?? "read"));
  const [tab, setTab] = useUrl("tab", tabs?.[0]?.key ?? "");
  const here = tabs?.find((t) => t.key === tab) ?? tabs?.[0];
  const rows = menu?.filter((m): m is MenuRow => !!m && may(m.needs ?? "write")) ?? [];
  const body = () => (typeof children === "function" ? children() : children);
  return (
    <div className="page">
      <Head crumbs={crumbs} id={id} chips={chips}>
        {may("write") && actions}
        {uses}
        {rows.length > 0 && (
          <Menu>
            <Menu.Target>
              <ActionIcon aria-label="More actions">
                <IconDots size={17} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {rows.map((m) => (
                <Menu.Item key={m.text} leftSection={<m.icon size={14} />} {...(m.danger ? { color: "red" } : {})} onClick={m.run}>
                  {m.text}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </Head>
      {bar}
      {tabs && here ? (
        <Tabs value={here.key} onChange={setTab} className="fill">
          <Tabs.List className="tabs-line">
            {tabs.map((t) => (
              <Tabs.Tab key={t.key} value={t.key}>
                {t.text} {t.mark !== undefined && <span className="dim">{t.mark}</span>}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value={here.key} className="fill">
            <Shown of={of} waiting={waiting} whole={here.whole}>
              {here.show}
            </Shown>
          </Tabs.Panel>
        </Tabs>
      ) : (
        <Shown of={of} waiting={waiting}>
          {body}
        </Shown>
      )}
    </div>
  );
}

/** Cards that are on their way. */
export function CardsWaiting({ n = 4, height = 216 }: { n?: number; height?: number }) {
  return (
    <div className="cards">
      {Array.from({ length: n }, (_, i) => (
        <Skeleton key={i} height={height} radius={8} />
      ))}
    </div>
  );
}
