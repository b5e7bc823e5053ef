// The top bar of every page: where we are, the thing's id, what can be done.
import { useEffect, type ReactNode } from "react";
import { Link } from "wouter";
import { Cut, Id } from "./parts";

export interface Crumb {
  text: string;
  to?: string;
}

export function Head({ crumbs, id, chips, children }: { crumbs: readonly Crumb[]; id?: string | undefined; chips?: ReactNode; children?: ReactNode }) {
  const title = crumbs[crumbs.length - 1]?.text ?? "";
  useEffect(() => {
    document.title = title ? `${title} · Saccade` : "Saccade";
  }, [title]);
  return (
    <header className="head">
      <h1 className="crumbs">
        {crumbs.map((c, i) => [
          i > 0 && (
            <span key={`s${i}`} className="slash">
              /
            </span>
          ),
          c.to ? (
            <Link key={i} href={c.to}>
              {c.text}
            </Link>
          ) : (
            <Cut key={i} text={c.text} tail={14} />
          ),
        ])}
      </h1>
      {id && <Id id={id} />}
      {chips}
      <div className="head-actions">{children}</div>
    </header>
  );
}
