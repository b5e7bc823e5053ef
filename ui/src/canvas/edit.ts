// Undo is a list of edits: what the document was before, what it is after, and what was done, for people to read.
import type { Doc } from "./doc";

export interface Edit {
  readonly says: string;
  readonly before: Doc;
  readonly after: Doc;
  /** Edits with the same mark that follow each other at once are one: nudging by arrow keys. */
  readonly mark?: string;
}

export interface History {
  readonly doc: Doc;
  readonly done: readonly Edit[];
  readonly undone: readonly Edit[];
}
const MOST = 500;

export const startHistory = (doc: Doc): History => ({ doc, done: [], undone: [] });

export function apply(h: History, says: string, after: Doc, mark?: string): History {
  if (after === h.doc) return h;
  const last = h.done[h.done.length - 1];
  if (mark !== undefined && last?.mark === mark) {
    return { doc: after, done: [...h.done.slice(0, -1), { ...last, after }], undone: [] };
  }
  const edit: Edit = { says, before: h.doc, after, ...(mark === undefined ? {} : { mark }) };
  return { doc: after, done: [...h.done, edit].slice(-MOST), undone: [] };
}

export function undo(h: History): History {
  const last = h.done[h.done.length - 1];
  return last ? { doc: last.before, done: h.done.slice(0, -1), undone: [...h.undone, last] } : h;
}

export function redo(h: History): History {
  const next = h.undone[h.undone.length - 1];
  return next ? { doc: next.after, done: [...h.done, next], undone: h.undone.slice(0, -1) } : h;
}
