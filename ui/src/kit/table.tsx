// The one table: sorting, choosing rows, links, and its states of loading, emptiness and failure.
import { Checkbox, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { navigate } from "./url";
import { IconSortDown, IconSortUp } from "./icons";

export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  align?: "right";
  width?: number | string;
  /** Its value for sorting; without it the column cannot be sorted by. */
  by?: (row: T) => string | number | null | undefined;
}

export interface Sort {
  key: string;
  down: boolean;
}
export const readSort = (s: string): Sort => ({ key: s.replace(/^-/, ""), down: s.startsWith("-") });

interface Props<T> {
  columns: readonly Column<T>[];
  rows: readonly T[] | undefined;
  id: (row: T) => string;
  to?: (row: T) => string;
  sort?: string;
  onSort?: (sort: string) => void;
  chosen?: ReadonlySet<string>;
  onChoose?: (ids: Set<string>) => void;
  empty?: ReactNode;
}

export function Table<T>({ columns, rows, id, to, sort, onSort, chosen, onChoose, empty }: Props<T>) {
  const by = sort ? readSort(sort) : null;
  const column = by && columns.find((c) => c.key === by.key);
  let shown = rows;
  if (rows && by && column?.by) {
    const value = column.by;
    const sign = by.down ? -1 : 1;
    shown = [...rows].sort((a, b) => {
      const x = value(a);
      const y = value(b);
      if (x === y) return 0;
      if (x === null || x === undefined) return 1;
      if (y === null || y === undefined) return -1;
      return (typeof x === "string" ? x.localeCompare(String(y), "en", { numeric: true }) : x < Number(y) ? -1 : 1) * sign;
    });
  }
  if (rows && !rows.length && empty) return <>{empty}</>;
  const toggle = (one: string) => {
    const next = new Set(chosen);
    if (!next.delete(one)) next.add(one);
    onChoose?.(next);
  };
  return (
    <table className="table">
      <thead>
        <tr>
          {onChoose && (
            <th style={{ width: 28 }}>
              <Checkbox
                aria-label="Choose all"
                checked={!!rows?.length && chosen?.size === rows.length}
                indeterminate={!!chosen?.size && chosen.size !== rows?.length}
                onChange={(e) => onChoose(new Set(e.currentTarget.checked ? rows?.map(id) : []))}
              />
            </th>
          )}
          {columns.map((c) => (
            <th key={c.key} data-align={c.align} style={c.width ? { width: c.width } : undefined} aria-sort={by?.key === c.key ? (by.down ? "descending" : "ascending") : undefined}>
              {c.by && onSort ? (
                <button type="button" onClick={() => onSort(by?.key === c.key && !by.down ? `-${c.key}` : c.key)}>
                  {c.title}
                  {by?.key === c.key && (by.down ? <IconSortDown size={13} /> : <IconSortUp size={13} />)}
                </button>
              ) : (
                c.title
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {!shown &&
          Array.from({ length: 5 }, (_, i) => (
            <tr key={i}>
              {onChoose && <td />}
              {columns.map((c) => (
                <td key={c.key}>
                  <Skeleton height={12} width={c.align ? 40 : "60%"} ml={c.align ? "auto" : 0} style={{ opacity: 1 - i / 6 }} />
                </td>
              ))}
            </tr>
          ))}
        {shown?.map((r) => (
          <tr
            key={id(r)}
            data-link={to ? "" : undefined}
            data-chosen={chosen?.has(id(r)) ? "" : undefined}
            tabIndex={to ? 0 : undefined}
            onClick={(e) => {
              if (!to || (e.target as HTMLElement).closest("a,button,input,label")) return;
              if (e.metaKey || e.ctrlKey) window.open(to(r), "_blank", "noopener");
              else navigate(to(r));
            }}
            onKeyDown={(e) => {
              if (to && e.key === "Enter" && e.target === e.currentTarget) navigate(to(r));
            }}
          >
            {onChoose && (
              <td>
                <Checkbox aria-label="Choose" checked={!!chosen?.has(id(r))} onChange={() => toggle(id(r))} />
              </td>
            )}
            {columns.map((c) => (
              <td key={c.key} data-align={c.align}>
                {c.cell(r)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
