// Numbers as text.

/** The number of decimals that shows three significant digits of `scale`. */
function decimalsFor(scale: number): number {
  const size = Math.abs(scale);
  if (!(size > 0) || !Number.isFinite(size)) return 2;
  return Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(size))));
}

/** Format a value with the decimals that suit `scale`, the largest value shown with it, and a typographic minus. */
export function formatValue(value: number, scale: number = value): string {
  if (value === 0 && scale === 0) return "0";
  if (value !== 0 && Math.abs(scale) < 1e-4) return withMinus(value.toExponential(1));
  const text = value.toFixed(Math.min(decimalsFor(scale), 6));
  return withMinus(Number(text) === 0 ? text.replace("-", "") : text);
}

/** Like `formatValue`, with a plus sign for positive values. */
export function formatSigned(value: number, scale: number = value): string {
  const text = formatValue(value, scale);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/**
 * The number of decimals for contributions to the score, of which `largest` is the largest: three, or as many as show
 * two significant digits of it. All contributions in a panel use the same number.
 */
export function partDecimals(largest: number): number {
  if (!(largest > 0)) return 3;
  return Math.min(6, Math.max(3, 1 - Math.floor(Math.log10(largest))));
}

/** A contribution to the score as `formatPart` shows it. */
export function roundPart(value: number, decimals: number): number {
  return Number(value.toFixed(decimals)) || 0; // no negative zero
}

/** The smallest value of a full bar: two significant digits, so that rounding alone cannot fill one. */
export function leastFullBar(decimals: number): number {
  return 10 ** (1 - decimals);
}

/** Format a contribution to the score, with a typographic minus, and without one if it rounds to zero. */
export function formatPart(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return withMinus(Number(text) === 0 ? text.replace("-", "") : text);
}

/** Like `formatPart`, with a plus sign for positive values. */
export function formatPartSigned(value: number, decimals: number): string {
  const text = formatPart(value, decimals);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** Format a score, which is a cosine similarity. */
export function formatCosine(cosine: number): string {
  return formatValue(cosine, 0.1);
}

/** "0.04 s", "12 s". */
export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}

export function formatPercent(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 1) return "< 1 %";
  if (percent > 99 && percent < 100) return "> 99 %";
  return `${withMinus(percent.toFixed(0))} %`;
}

/** "koala's evidence"; for scripts without this possessive, "the evidence for “你”". */
export function formatEvidenceOf(label: string): string {
  if (!/^[\p{Script=Latin}'\u2019-]+$/u.test(label)) return `the evidence for “${label}”`;
  return `${label}${/s$/i.test(label) ? "’" : "’s"} evidence`;
}

function withMinus(text: string): string {
  return text.replace("-", "−");
}

const UNITS = ["bytes", "kB", "MB", "GB"] as const;

/** "28 MB"; with at least two digits, so that 1.7 GB is not shown as 2. */
export function formatBytes(bytes: number): string {
  const { unit, factor } = unitOf(bytes);
  return `${inUnit(bytes, factor)} ${unit}`;
}

/** "120 of 350 MB", both in the unit of the total; only what is done if the total is unknown. */
export function formatBytesOf(done: number, total: number | null): string {
  if (total === null) return formatBytes(done);
  const { unit, factor } = unitOf(total);
  return `${inUnit(done, factor)} of ${inUnit(total, factor)} ${unit}`;
}

function unitOf(bytes: number): { unit: string; factor: number } {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return { unit: UNITS[power], factor: 1000 ** power };
}

function inUnit(bytes: number, factor: number): string {
  const value = bytes / factor;
  return factor > 1 && value < 10 ? value.toFixed(1) : value.toFixed(0);
}
