// Where bars begin and end on a track. Several kinds of values share one zero, each in units of its own largest.

export interface Track {
  zero: number; // share of the track, 0..1
  /** A bar as shares of the track. */
  bar(kind: number, value: number): { start: number; length: number };
}

export function layTrack(kinds: readonly (readonly number[])[]): Track {
  const sizes = kinds.map((values) => Math.max(...values.map(Math.abs), 0) || 1);
  const all = kinds.flatMap((values, kind) => values.map((value) => value / sizes[kind]));
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
  const span = high - low || 1;
  return {
    zero: (0 - low) / span,
    bar(kind, value) {
      const size = value / sizes[kind];
      return { start: (Math.min(size, 0) - low) / span, length: Math.abs(size) / span };
    },
  };
}

/** Give a bar its place on its track. */
export function place(bar: HTMLElement, { start, length }: { start: number; length: number }): void {
  bar.hidden = length === 0;
  bar.style.left = `${(100 * start).toFixed(2)}%`;
  bar.style.width = `${(100 * length).toFixed(2)}%`;
}
