// The small parts: identity, time, status, states of emptiness and failure.
import { Button, Loader, Skeleton, TextInput, Tooltip } from "@mantine/core";
import { useEffect, useState, type ComponentType, type CSSProperties, type ReactNode } from "react";
import { ago, capital, exact, sentence } from "./format";
import { noColour } from "./palette";
import {
  IconAlert,
  IconBan,
  IconCheck,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconCopy,
  IconEye,
  IconSearch,
  IconSend,
} from "./icons";

type Icon = ComponentType<{ size?: number | string; stroke?: number | string }>;

async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Clipboard access needs https or localhost; the old way works everywhere.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function useCopy(): [boolean, (text: string) => void] {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const t = setTimeout(() => setDone(false), 1200);
    return () => clearTimeout(t);
  }, [done]);
  return [done, (text) => void copyText(text).then(() => setDone(true))];
}

/** The id of a thing, shortened; a click copies all of it. */
export function Id({ id, whole }: { id: string; whole?: boolean }) {
  const [done, copy] = useCopy();
  return (
    <Tooltip label={done ? "Copied" : `Copy ${id}`}>
      <button type="button" className="id" onClick={() => copy(id)} aria-label={`Copy the id ${id}`}>
        {whole ? id : `…${id.slice(-8)}`}
        {done ? <IconCheck size={12} /> : <IconCopy size={12} />}
      </button>
    </Tooltip>
  );
}

/** Text to copy whole: commands, tokens. */
export function CopyBlock({ text }: { text: string }) {
  const [done, copy] = useCopy();
  return (
    <div style={{ position: "relative" }}>
      <pre className="mono" style={{ margin: 0, padding: "10px 44px 10px 12px", background: "var(--sunk)", borderRadius: 6, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {text}
      </pre>
      <Tooltip label={done ? "Copied" : "Copy"}>
        <button type="button" className="id" style={{ position: "absolute", right: 6, top: 8, padding: 4 }} onClick={() => copy(text)} aria-label="Copy">
          {done ? <IconCheck size={14} /> : <IconCopy size={14} />}
        </button>
      </Tooltip>
    </div>
  );
}

/** A relative time with the exact one on hover. */
export function Time({ at }: { at: string | null | undefined }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const t = setInterval(() => tick((n) => n + 1), 30_000);
    return () => clearInterval(t);
  }, []);
  if (!at) return <span className="dim">–</span>;
  return (
    <Tooltip label={exact(at)}>
      <time dateTime={at}>{ago(at)}</time>
    </Tooltip>
  );
}

/** A long name, cut in the middle and whole on hover. */
export function Cut({ text, tail = 10, style }: { text: string; tail?: number; style?: CSSProperties }) {
  const at = Math.max(0, text.length - tail);
  if (at < 4)
    return (
      <span title={text} style={{ display: "block", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", minWidth: 0, ...style }}>
        {text}
      </span>
    );
  return (
    <span className="cut" title={text} style={style}>
      <span>{text.slice(0, at)}</span>
      <span>{text.slice(at)}</span>
    </span>
  );
}

const statuses: Record<string, { word?: string; colour: string; icon: Icon | "spin" }> = {
  WAITING: { colour: "--waiting", icon: IconCircleDashed },
  PENDING: { colour: "--waiting", icon: IconCircleDashed },
  QUEUED: { colour: "--waiting", icon: IconCircleDashed },
  COMPUTING: { colour: "--running", icon: "spin" },
  RUNNING: { colour: "--running", icon: "spin" },
  TESTING: { colour: "--running", icon: "spin" },
  SUCCESS: { colour: "--good", icon: IconCircleCheck },
  SUCCEEDED: { word: "Success", colour: "--good", icon: IconCircleCheck },
  DONE: { colour: "--good", icon: IconCircleCheck },
  ACCEPTED: { colour: "--good", icon: IconCircleCheck },
  FAILED: { colour: "--bad", icon: IconCircleX },
  ERROR: { colour: "--bad", icon: IconCircleX },
  REFUSED: { colour: "--bad", icon: IconCircleX },
  CANCELED: { word: "Cancelled", colour: "--warn", icon: IconBan },
  TERMINATED: { colour: "--warn", icon: IconBan },
  KILLED: { word: "Cancelled", colour: "--warn", icon: IconBan },
  SKIPPED: { colour: "--warn", icon: IconBan },
  TO_REVIEW: { colour: "--waiting", icon: IconEye },
  REVIEWED: { colour: "--good", icon: IconCircleCheck },
  SUBMITTED: { word: "In the loop", colour: "--running", icon: IconSend },
  PAUSED: { colour: "--warn", icon: IconBan },
  LIVE: { colour: "--good", icon: IconCircleCheck },
};

/** A status: the same word, icon and colour wherever it is shown. */
export function Status({ of, word }: { of: string; word?: string | undefined }) {
  const s: { word?: string; colour: string; icon: Icon | "spin" } = statuses[of] ?? { colour: "--waiting", icon: IconCircleDashed };
  const Icon = s.icon;
  return (
    <span className="chip" style={{ "--chip": `var(${s.colour})` } as CSSProperties}>
      {Icon === "spin" ? <Loader size={10} color={`var(${s.colour})`} /> : <Icon size={13} stroke={2} />}
      {word ?? s.word ?? sentence(of)}
    </span>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className="kbd">{children}</kbd>;
}

export function Swatch({ colour = noColour }: { colour?: string | undefined }) {
  return <span className="swatch" style={{ background: colour, boxShadow: "inset 0 0 0 1px rgb(0 0 0 / 25%)" }} />;
}

/** Nothing there yet: what this would be, and the button that makes it so. */
export function Empty({ icon: Icon, title, children, action }: { icon?: Icon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      {Icon && <Icon size={30} stroke={1.4} />}
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

interface Failure {
  message: string;
  detail?: string;
  call?: string;
  status?: number;
}

/** What went wrong, to what, and what to do. */
export function Fault({ error, again }: { error: Failure; again?: () => void }) {
  const [done, copy] = useCopy();
  const trace = [error.call, error.status ? `status ${error.status}` : "", new Date().toISOString()].filter(Boolean).join(" · ");
  return (
    <div className="fault" role="alert">
      <IconAlert size={18} color="var(--bad)" />
      <div style={{ minWidth: 0, flex: 1 }}>
        <b style={{ fontWeight: 600 }}>{capital(error.message)}</b>
        {error.detail && <div className="dim">{error.detail}</div>}
        {error.call && (
          <button type="button" className="id" style={{ marginLeft: -4, marginTop: 2 }} onClick={() => copy(`${error.message} · ${trace}`)}>
            {done ? "Copied" : error.call}
            <IconCopy size={12} />
          </button>
        )}
      </div>
      {again && (
        <Button variant="default" onClick={again}>
          Try again
        </Button>
      )}
    </div>
  );
}
/** What may be wrong, said before it is done. */
export function Caution({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <div role="alert" className="fault" data-caution="">
      <IconAlert size={18} color="var(--warn)" style={{ flex: "none" }} />
      <div style={{ minWidth: 0, overflowWrap: "anywhere" }}>
        {title && <b style={{ fontWeight: 600 }}>{title}</b>}
        {children}
      </div>
    </div>
  );
}

/** Narrows a list that is wholly here. */
export function Find({ value, onChange, what = "Find by name" }: { value: string; onChange: (text: string) => void; what?: string }) {
  return <TextInput w={280} size="xs" placeholder={what} aria-label={what} leftSection={<IconSearch size={14} />} value={value} onChange={(e) => onChange(e.target.value)} />;
}

/** A thing's description, where there is one. */
export function Words({ of }: { of: string | null | undefined }) {
  return of ? <p style={{ margin: "0 0 16px", maxWidth: 760, overflowWrap: "anywhere" }}>{of}</p> : null;
}

export function Lines({ n = 4, h = 40 }: { n?: number; h?: number }) {
  return (
    <div aria-busy="true" aria-label="Loading">
      {Array.from({ length: n }, (_, i) => (
        <Skeleton key={i} height={h - 14} my={7} radius="sm" style={{ opacity: 1 - i / (n + 1) }} />
      ))}
    </div>
  );
}

export function Section({ title, end, children, style }: { title: ReactNode; end?: ReactNode; children: ReactNode; style?: CSSProperties }) {
  return (
    <section style={{ marginBottom: 32, ...style }}>
      <h2 className="section-title">
        {title}
        {end && <span className="end">{end}</span>}
      </h2>
      {children}
    </section>
  );
}

export function Stat({ value, name, title }: { value: ReactNode; name: ReactNode; title?: string }) {
  return (
    <div className="stat" title={title}>
      <b>{value}</b>
      <span>{name}</span>
    </div>
  );
}

export function Facts({ of }: { of: readonly (readonly [string, ReactNode] | null)[] }) {
  return (
    <dl className="facts">
      {of.map((f) => f && [<dt key={`${f[0]}t`}>{f[0]}</dt>, <dd key={`${f[0]}d`}>{f[1]}</dd>])}
    </dl>
  );
}
