// Written by scripts/write_synced.py from the traits of gradeclip_widget/widget/gallery. Do not edit.

import type { About, Account, Comparing, Histogram, Opened, Order } from "./entries";

/** The traits that Python shares with every view. */
export interface GallerySynced {
  /** Of the run: label, other's label, total, sorts, importances. */
  about: About;
  /** What became of the source's pictures and captions: failed and left_out, two numbers, and lines, sentences. */
  account: Account;
  /** Whether the largest come first. */
  descending: boolean;
  /** The sentence shown where something failed. */
  error: string;
  /** Whether maps are painted on the thumbnails. */
  heat: boolean;
  /** Of the scores: low, high, counts. */
  histogram: Histogram;
  /** The pair that is open: id, index, status, sentence. */
  opened: Opened | null;
  /** Generation, which changes with the order, and count of the rows. */
  order: Order;
  /** Of the comparison: done, total. */
  progress: Comparing | null;
  /** (lowest, highest) score, or None for all pairs. */
  score_range: [number, number] | null;
  /** Id of the pair whose full explanation is open, or None. */
  selected: string | null;
  /** Whose maps, where two runs are compared. */
  side: "both" | "this" | "other";
  /** What is sorted by: 'position' in the source, a measure, or 'disagreement'. */
  sort: "position" | "score" | "concentration" | "energy" | "disagreement";
  /** Part of the caption; empty for all pairs. */
  text: string;
  /** Light or dark, or as the page is. */
  theme: "auto" | "light" | "dark";
  /** Words that the caption has; empty for all pairs. */
  word: string;
  /** What the word does: 'any'; 'counts', 15 % of the largest importance in its caption or more; 'ignored', a twentieth or less. */
  word_role: "any" | "counts" | "ignored";
}

/** The values of the traits that Python has not set. */
export const GALLERY_DEFAULTS: Readonly<GallerySynced> = {
  about: { label: "", other: null, total: 0, sorts: [], importances: false },
  account: { failed: 0, left_out: 0, lines: [] },
  descending: false,
  error: "",
  heat: true,
  histogram: { low: null, high: null, counts: [] },
  opened: null,
  order: { generation: 0, count: 0 },
  progress: null,
  score_range: null,
  selected: null,
  side: "both",
  sort: "position",
  text: "",
  theme: "auto",
  word: "",
  word_role: "any",
};
