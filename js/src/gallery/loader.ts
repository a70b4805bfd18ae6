// Requests rows from Python: those in view first, then those that scrolling leads to. Rows that were scrolled away are
// not requested again, and few requests are open at a time, so that the latest one is answered soon.

import type { Request } from "./messages";
import type { Pair } from "./tiles";

const MOST_KEPT = 3000; // rows; some 20 MB with their thumbnails
const MOST_IN_VIEW = 24; // rows per request
const MOST_AHEAD = 32;
const UNDER_WAY = 2; // open requests for rows in view, 1 during a jump; other rows wait until there is none
const AHEAD = 3; // screens
const BEHIND = 1;
const REST = 120; // ms that a view must stay before the rows around it are requested
const PATIENCE = 15_000; // ms after which a request counts as lost

interface OpenRequest {
  start: number;
  stop: number;
  at: number;
}

export class Loader {
  #pairs = new Map<number, Pair>(); // by place in the order, the least recently seen first
  #open: OpenRequest[] = [];
  #generation = 0;
  #count = 0;
  #view: readonly [number, number] = [0, 0];
  #forward = true;
  #around = true;
  #since = 0; // when the view last jumped
  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaping = false; // whether no row of the view before is in view now

  constructor(
    readonly send: (request: Request) => void,
    readonly now: () => number = () => performance.now(),
  ) {}

  get generation(): number {
    return this.#generation;
  }

  /** Milliseconds since the oldest open request; 0 without one. */
  get waiting(): number {
    return this.#open.length > 0 ? this.now() - Math.min(...this.#open.map(({ at }) => at)) : 0;
  }

  get(index: number): Pair | undefined {
    return this.#pairs.get(index);
  }

  /** The first loaded pair with an id. */
  find(id: string): Pair | undefined {
    for (const pair of this.#pairs.values()) if (pair.id === id) return pair;
    return undefined;
  }

  /** Begin with another order: all rows are unknown again. */
  reset(generation: number, count: number): void {
    if (generation === this.#generation && count === this.#count) return;
    this.#generation = generation;
    this.#count = count;
    this.#pairs.clear();
    this.#open = [];
    this.#view = [0, 0];
  }

  /**
   * Set the rows that are in view, [first, end), and request them.
   *
   * @param around whether the rows around them are requested too.
   */
  want(first: number, end: number, around = true): void {
    this.#around = around;
    this.#leaping = end <= this.#view[0] || first >= this.#view[1];
    if (this.#leaping) this.#since = this.now();
    if (first !== this.#view[0]) this.#forward = first > this.#view[0];
    this.#view = [Math.max(0, first), Math.min(this.#count, end)];
    for (let k = this.#view[0]; k < this.#view[1]; k++) {
      const pair = this.#pairs.get(k);
      if (pair) {
        this.#pairs.delete(k); // moved to the end of the map, since it was seen last
        this.#pairs.set(k, pair);
      }
    }
    this.ask();
  }

  /** Store the rows of an answer. Returns whether they belong to the current order. */
  receive(generation: number, start: number, pairs: readonly Pair[]): boolean {
    if (generation !== this.#generation) return false;
    this.#open = this.#open.filter((request) => request.start !== start);
    pairs.forEach((pair, k) => {
      this.#pairs.set(start + k, pair);
    });
    for (const oldest of this.#pairs.keys()) {
      if (this.#pairs.size <= MOST_KEPT) break;
      this.#pairs.delete(oldest);
    }
    this.ask();
    return true;
  }

  /** Stop all requests. */
  close(): void {
    clearTimeout(this.#timer);
    this.#view = [0, 0];
  }

  /** Send the requests that are needed and allowed. */
  ask(): void {
    const deadline = this.now() - PATIENCE;
    this.#open = this.#open.filter(({ at }) => at > deadline);
    const [first, end] = this.#view;
    // While the scroll bar is dragged, each answer delays the next one, so there is only one open request.
    const most = this.#leaping ? 1 : UNDER_WAY;
    while (this.#open.length < most && this.#request(first, end, MOST_IN_VIEW));
    if (this.#open.length > 0 || !this.#around) return;
    const rest = this.#since + REST - this.now();
    if (rest > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.ask(), rest);
      return;
    }
    const screen = end - first;
    const after = [end, end + screen * (this.#forward ? AHEAD : BEHIND)] as const;
    const before = [first - screen * (this.#forward ? BEHIND : AHEAD), first] as const;
    for (const [from, to] of this.#forward ? [after, before] : [before, after])
      if (this.#request(from, to, MOST_AHEAD, from === before[0])) return;
  }

  /** Request the first unknown rows of a range, or the last ones. Returns whether there are any. */
  #request(from: number, to: number, most: number, last = false): boolean {
    const [low, high] = [Math.max(0, from), Math.min(this.#count, to)];
    const missing = (k: number) =>
      k >= low &&
      k < high &&
      !this.#pairs.has(k) &&
      !this.#open.some(({ start, stop }) => start <= k && k < stop);
    let start = last ? high - 1 : low;
    const step = last ? -1 : 1;
    while (start >= low && start < high && !missing(start)) start += step;
    if (!missing(start)) return false;
    let stop = start;
    while (Math.abs(stop - start) < most && missing(stop)) stop += step;
    const [begin, finish] = last ? [stop + 1, start + 1] : [start, stop];
    this.#open.push({ start: begin, stop: finish, at: this.now() });
    this.send({ kind: "rows", generation: this.#generation, start: begin, stop: finish });
    return true;
  }
}
