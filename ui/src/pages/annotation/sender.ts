// What a person has done is sent in the background, one after another, in the order it was done. What cannot be sent stays, and with it all that follows.
import { ApiError } from "../../api/client";

export interface SenderState {
  waiting: number;
  /** Why the first one is not sent; null: it is on its way, or there is none. */
  problem: string | null;
  /** The server does not answer: tried again by itself. */
  offline: boolean;
}
interface Task {
  id: string;
  send: () => Promise<unknown>;
  undo: () => void;
}
const AGAIN = 4000; // after a lost network, ms

export class Sender {
  #tasks: Task[] = [];
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchers = new Set<() => void>();
  #idle: (() => void)[] = [];
  state: SenderState = { waiting: 0, problem: null, offline: false };

  constructor(readonly again = AGAIN) {}

  subscribe = (f: () => void): (() => void) => {
    this.#watchers.add(f);
    return () => this.#watchers.delete(f);
  };
  snapshot = (): SenderState => this.state;

  /** undo: what the page shows again when somebody gives it up. */
  add(id: string, send: () => Promise<unknown>, undo: () => void): void {
    this.#tasks.push({ id, send, undo });
    this.#say(this.state.problem, this.state.offline);
    if (this.state.problem === null) void this.#run();
  }
  retry = (): void => {
    clearTimeout(this.#timer);
    this.#say(null, false);
    void this.#run();
  };
  /** The first one, and what was done to the same thing since, is not sent. */
  giveUp = (): void => {
    const id = this.#tasks[0]?.id;
    for (const t of this.#tasks.filter((x) => x.id === id).reverse()) t.undo();
    this.#tasks = this.#tasks.filter((x) => x.id !== id);
    this.retry();
  };
  /** Once all is sent; never while something cannot be. */
  idle(): Promise<void> {
    return this.#tasks.length ? new Promise((done) => this.#idle.push(done)) : Promise.resolve();
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#tasks[0] && this.state.problem === null) {
      const task = this.#tasks[0];
      try {
        await task.send();
        this.#tasks.shift();
        this.#say(null, false);
      } catch (e) {
        const offline = e instanceof ApiError && (e.status === 0 || e.status >= 502);
        this.#say(e instanceof ApiError ? [e.message, e.detail].filter(Boolean).join(". ") : String(e), offline);
        if (offline) this.#timer = setTimeout(this.retry, this.again);
      }
    }
    this.#busy = false;
    if (!this.#tasks.length) for (const done of this.#idle.splice(0)) done();
  }
  #say(problem: string | null, offline: boolean): void {
    this.state = { waiting: this.#tasks.length, problem, offline };
    for (const w of this.#watchers) w();
  }
}
