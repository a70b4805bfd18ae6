import { beforeEach, describe, expect, test, vi } from "vitest";
import { Loader } from "../../src/gallery/loader";
import type { Request } from "../../src/gallery/messages";
import type { Pair } from "../../src/gallery/tiles";

type Rows = Extract<Request, { kind: "rows" }>;
let sent: Rows[];
let now: number;
let loader: Loader;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  now = 1000;
  loader = new Loader(
    (request) => sent.push(request as Rows),
    () => now,
  );
  loader.reset(1, 10_000);
});

const ranges = () => sent.map(({ start, stop }) => [start, stop]);
const answer = ({ generation, start, stop }: Rows) =>
  loader.receive(
    generation,
    start,
    Array.from({ length: stop - start }, (_, k) => ({ id: `pair-${start + k}` }) as Pair),
  );
const rest = () => {
  now += 500;
  vi.advanceTimersByTime(500);
};

test("rows in view are requested first, rows around them once the view stays", () => {
  loader.want(0, 18);
  expect(ranges()).toEqual([[0, 18]]);
  answer(sent[0]);
  expect(ranges()).toEqual([[0, 18]]);
  rest();
  expect(ranges()).toEqual([
    [0, 18],
    [18, 50],
  ]);
  expect(loader.get(17)?.id).toBe("pair-17");
});

test("prefetching follows the direction of scrolling", () => {
  loader.want(500, 518);
  answer(sent[0]);
  rest();
  loader.want(494, 512); // upwards
  answer(sent[1]);
  for (const request of sent.slice(2)) answer(request);
  const [start, stop] = ranges().at(-1)!;
  expect(stop).toBeLessThanOrEqual(494 + 6);
  expect(start).toBeLessThan(494);
});

test("while the scroll bar is dragged there is one request at a time, the latest", () => {
  for (let at = 0; at < 9000; at += 1000) loader.want(at, at + 30);
  expect(ranges()).toEqual([[0, 24]]);
  answer(sent[0]);
  expect(ranges()[1]).toEqual([8000, 8024]);
});

test("few requests are open, however often the view changes", () => {
  for (let k = 0; k < 50; k++) loader.want(k, k + 60);
  expect(sent.length).toBeLessThanOrEqual(2);
});

test("rows around a place are not requested while it is only passed", () => {
  loader.want(0, 18, false);
  answer(sent[0]);
  rest();
  expect(ranges()).toEqual([[0, 18]]);
});

describe("another order", () => {
  test("forgets all rows and ignores answers for the old order", () => {
    loader.want(0, 18);
    loader.reset(2, 50);
    expect(answer(sent[0])).toBe(false);
    expect(loader.get(0)).toBeUndefined();
    loader.want(40, 58);
    expect(sent[1]).toEqual({ kind: "rows", generation: 2, start: 40, stop: 50 });
  });

  test("of the same generation and length changes nothing", () => {
    loader.want(0, 18);
    answer(sent[0]);
    loader.reset(1, 10_000);
    expect(loader.get(3)).toBeDefined();
  });
});

test("a lost request is sent again, and the waiting time is known", () => {
  loader.want(0, 18);
  now += 5000;
  loader.ask();
  expect([sent.length, loader.waiting]).toEqual([1, 5000]);
  now += 15_000;
  loader.ask();
  expect(ranges()).toEqual([
    [0, 18],
    [0, 18],
  ]);
});

test("rows seen long ago are freed", () => {
  for (let at = 0; at < 5000; at += 20) {
    loader.want(at, at + 20);
    for (const request of sent.splice(0)) answer(request);
    rest();
    for (const request of sent.splice(0)) answer(request);
  }
  expect(loader.get(0)).toBeUndefined();
  expect(loader.get(4990)).toBeDefined();
});
