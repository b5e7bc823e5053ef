// Keeps the edits of many images: history over navigation, saving in the background, and edits that outlive a reload or a lost network.
import type { Doc } from "../../canvas/doc";
import { startHistory, type History } from "../../canvas/edit";

export interface Saved {
  revision: number;
  status: string | null;
}
interface Sheet extends Saved {
  history: History;
  /** What the server has. */
  base: Doc;
  baseStatus: string | null;
  saving: boolean;
  conflict: boolean;
  problem: string | null;
  openedAt: number;
  seconds: number;
}
export interface KeeperState {
  word: "saved" | "saving" | "unsaved" | "offline" | "conflict" | "refused";
  waiting: number;
  problem: string | null;
}
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
/** What a save may end with besides success. */
export class SaveConflict extends Error {}
export class SaveOffline extends Error {}

export type SaveFunction = (id: string, doc: Doc, at: Saved, seconds: number) => Promise<Saved>;

const PAUSE = 900; // after the last edit, ms
const AGAIN = 4000; // after a lost network, ms

export class Keeper {
  #sheets = new Map<string, Sheet>();
  #watchers = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #offline = false;
  #version = 0;

  constructor(
    readonly save: SaveFunction,
    readonly store: Store | null,
  ) {}

  subscribe = (f: () => void): (() => void) => {
    this.#watchers.add(f);
    return () => this.#watchers.delete(f);
  };
  version = (): number => this.#version;

  #key = (id: string) => `saccade-edit-${id}`;

  /** The sheet of an image; what was left unsaved by an earlier page is taken up again. */
  open(id: string, doc: Doc, at: Saved): History {
    const known = this.#sheets.get(id);
    if (known) {
      known.openedAt = Date.now();
      if (!this.dirty(id) && !known.saving && at.revision > known.revision) {
        // Someone else has saved since; nothing of ours is lost.
        known.history = startHistory(doc);
        Object.assign(known, { base: doc, revision: at.revision, status: at.status, baseStatus: at.status });
      }
      return known.history;
    }
    const sheet: Sheet = { ...at, history: startHistory(doc), base: doc, baseStatus: at.status, saving: false, conflict: false, problem: null, openedAt: Date.now(), seconds: 0 };
    this.#sheets.set(id, sheet);
    const left = this.store?.getItem(this.#key(id));
    if (left) {
      try {
        const kept = JSON.parse(left) as { revision: number; status: string | null; doc: Doc };
        sheet.history = { doc: kept.doc, done: [{ says: "edits from before the reload", before: doc, after: kept.doc }], undone: [] };
        sheet.status = kept.status;
        sheet.conflict = kept.revision !== at.revision;
        this.#later(PAUSE);
      } catch {
        this.store?.removeItem(this.#key(id));
      }
    }
    return sheet.history;
  }
  history(id: string): History | undefined {
    return this.#sheets.get(id)?.history;
  }
  status(id: string): string | null | undefined {
    return this.#sheets.get(id)?.status;
  }
  dirty(id: string): boolean {
    const s = this.#sheets.get(id);
    return !!s && (s.history.doc !== s.base || s.status !== s.baseStatus);
  }

  edit(id: string, history: History): void {
    const s = this.#sheets.get(id);
    if (!s || s.history === history) return;
    const same = s.history.doc === history.doc;
    s.history = history;
    if (!same) {
      s.problem = null;
      this.#keep(id, s);
      this.#later(PAUSE);
    }
    this.#changed();
  }
  setStatus(id: string, status: string): void {
    const s = this.#sheets.get(id);
    if (!s || s.status === status) return;
    s.status = status;
    this.#keep(id, s);
    this.#changed();
  }
  /** Time looked at an image counts until it is left. */
  leave(id: string): void {
    const s = this.#sheets.get(id);
    if (s) s.seconds += Math.min(600, (Date.now() - s.openedAt) / 1000);
  }

  #keep(id: string, s: Sheet): void {
    try {
      if (this.dirty(id)) this.store?.setItem(this.#key(id), JSON.stringify({ revision: s.revision, status: s.status, doc: s.history.doc }));
      else this.store?.removeItem(this.#key(id));
    } catch {
      /* A full store only costs the safety of a reload. */
    }
  }
  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), ms);
  }

  /** Saves all that waits; edits made meanwhile wait for the next round. */
  async flush(force = false): Promise<void> {
    clearTimeout(this.#timer);
    const waiting = [...this.#sheets.keys()].filter((id) => this.dirty(id));
    await Promise.all(waiting.map((id) => this.#one(id, force)));
    if (this.#offline) this.#later(AGAIN);
    else if ([...this.#sheets.entries()].some(([id, s]) => this.dirty(id) && !s.conflict && s.problem === null && !s.saving)) this.#later(PAUSE);
  }
  async #one(id: string, force: boolean): Promise<void> {
    const s = this.#sheets.get(id);
    if (!s || s.saving || (s.conflict && !force) || (s.problem !== null && !force)) return;
    const doc = s.history.doc;
    const status = s.status;
    s.saving = true;
    this.#changed();
    try {
      const now = await this.save(id, doc, { revision: s.revision, status }, s.seconds + Math.min(600, (Date.now() - s.openedAt) / 1000));
      s.base = doc;
      s.revision = now.revision;
      s.baseStatus = now.status;
      if (s.status === status) s.status = now.status;
      s.conflict = false;
      s.problem = null;
      this.#offline = false;
    } catch (e) {
      if (e instanceof SaveConflict) s.conflict = true;
      else if (e instanceof SaveOffline) this.#offline = true;
      else s.problem = e instanceof Error ? e.message : String(e);
    } finally {
      s.saving = false;
      this.#keep(id, s);
      this.#changed();
    }
  }
  /** After a conflict: the other's shapes, ours forgotten; or ours over the other's. */
  takeTheirs(id: string, doc: Doc, at: Saved): History {
    const s = this.#sheets.get(id);
    const history = startHistory(doc);
    if (s) Object.assign(s, { history, base: doc, revision: at.revision, status: at.status, baseStatus: at.status, conflict: false, problem: null });
    this.store?.removeItem(this.#key(id));
    this.#changed();
    return history;
  }
  async keepMine(id: string, revision: number): Promise<void> {
    const s = this.#sheets.get(id);
    if (!s) return;
    s.revision = revision;
    s.conflict = false;
    await this.#one(id, true);
  }

  inConflict(id: string): boolean {
    return this.#sheets.get(id)?.conflict ?? false;
  }
  get state(): KeeperState {
    const sheets = [...this.#sheets.entries()];
    const waiting = sheets.filter(([id]) => this.dirty(id)).length;
    const problem = sheets.find(([, s]) => s.problem !== null)?.[1].problem ?? null;
    const word = sheets.some(([, s]) => s.conflict) ? "conflict" : problem !== null ? "refused" : this.#offline && waiting ? "offline" : sheets.some(([, s]) => s.saving) ? "saving" : waiting ? "unsaved" : "saved";
    return { word, waiting, problem };
  }
  #changed(): void {
    this.#version++;
    for (const w of this.#watchers) w();
  }
}
