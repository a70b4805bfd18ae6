// Written by scripts/write_synced.py from the traits of gradeclip_widget/widget. Do not edit.

import type { Bytes, RawDepth, RawPayload } from "../core/decode";
import type { Region } from "../core/types";
import type {
  Curves,
  HistoryEntry,
  MethodCell,
  MethodEntry,
  ModelEntry,
  PictureEntry,
  Preview,
  Progress,
} from "./entries";

/** The traits that Python shares with every view. */
export interface Synced {
  /** Python code that shows the same. */
  _code: string;
  /** What is shown of the compared methods. */
  _comparison: MethodCell[];
  /** The maps of single blocks. */
  _depth: RawDepth | null;
  /** The methods to choose from. */
  _methods: MethodEntry[];
  /** The models to choose from. */
  _models: ModelEntry[];
  /** The explanations shown, one payload per prompt. */
  _payloads: RawPayload[];
  /** The pictures to choose from. */
  _pictures: PictureEntry[];
  /** The picture that is shown until it is explained. */
  _preview: Preview | null;
  /** The short sides to choose from, in pixels. */
  _resolutions: number[];
  /** Names of the lists of words to choose from. */
  _vocabularies: string[];
  /** Index of the prompt shown. */
  active: number;
  /** The colors of a single map. */
  color_scale: string;
  /** Names of the methods that are compared, at most 6; empty for none. */
  compare: string[];
  /** Whether a line surrounds the strong evidence. */
  contour: boolean;
  /** Names of the visible controls; all if None. */
  controls: ControlName[] | null;
  /** Whether the compared maps are measured by deletion and insertion. */
  curves: boolean;
  /** Whether maps of single blocks are computed. */
  depth: boolean;
  /** Whether details of the computation are shown. */
  details: boolean;
  /** How the region is erased for a mask test; empty for no test. */
  erase: "" | "blur" | "mean" | "noise";
  /** The picture with the region erased, and each prompt's cosine; None in place of the cosines if the model did not see the region. */
  erased: { how: string; image: Bytes; scores: (number | null)[] } | null;
  /** Message of the last error; empty if there is none. */
  error: string;
  /** The steps of the history. */
  history: HistoryEntry[];
  /** Index of the step of the history that is shown; set it to go back. */
  history_index: number;
  /** Index of the word under the pointer, or None. */
  hovered_word: number | null;
  /** Index of the block of the image tower whose maps are shown; the explained blocks if None. */
  image_block: number | null;
  /** The measure of importance shown, as `Explanation.importance` takes it; empty for the default. */
  importance: string;
  /** Whether there is a model, so that prompts can be edited. */
  live: boolean;
  /** Whether the score is compared with those of unrelated sentences. */
  match_scale: boolean;
  /** Name of the method, as `Explainer` takes it. */
  method: string;
  /** Name of the model. */
  model: string;
  /** Opacity of the strongest evidence. */
  opacity: number;
  /** What the picture shows while no word is chosen: 'words', the important words, each in its own color, or 'caption', the map of the whole caption, as in the paper. */
  overview: "words" | "caption";
  /** By the compared methods' names, the points of the 'deletion' and 'insertion' curves, each a fraction of the pixels and the score divided by the original score; and the 'source' of the map, a value of ``overview``. */
  perturbation_curves: Record<string, Curves>;
  /** Index among the pictures. */
  picture: number;
  /** How far the work is: stage, done, total and unit. */
  progress: Progress | null;
  /** The active caption. */
  prompt: string;
  /** All captions, if several are compared. */
  prompts: string[];
  /** How a word is read: "in caption", "alone" or "left out". */
  reading: string;
  /** None, {'kind': 'box', 'box': [x0, y0, x1, y1]}, {'kind': 'polygon', 'points': [[x, y], ...]}, or a thing as `Explanation.thing_at` returns it, in image pixels. */
  region: Region | null;
  /** Short side in pixels; the model's default if None. */
  resolution: number | null;
  /** The words that the region resembles most, and the cosine of each. */
  seen: { word: string; value: number }[];
  /** Indices of the pinned words. */
  selected_words: number[];
  /** Which evidence a single map shows. */
  sign: "positive" | "negative" | "both";
  /** State of the work. */
  status: "ready" | "computing" | "error";
  /** The same for the text tower. */
  text_block: number | null;
  /** Light, dark, or as the page. */
  theme: "auto" | "light" | "dark";
  /** For each prompt the picture's scores with unrelated sentences, ascending; empty while they are not known. */
  unrelated: number[][];
  /** Index of the prompt that is subtracted from it, or None. */
  versus: number | null;
  /** Name of the list of words that the region is compared with; empty for none. */
  vocabulary: string;
}

/** The values of the traits that Python has not set. */
export const DEFAULTS: Readonly<Synced> = {
  _code: "",
  _comparison: [],
  _depth: null,
  _methods: [],
  _models: [],
  _payloads: [],
  _pictures: [],
  _preview: null,
  _resolutions: [],
  _vocabularies: [],
  active: 0,
  color_scale: "inferno",
  compare: [],
  contour: true,
  controls: null,
  curves: false,
  depth: false,
  details: true,
  erase: "",
  erased: null,
  error: "",
  history: [],
  history_index: -1,
  hovered_word: null,
  image_block: null,
  importance: "",
  live: false,
  match_scale: true,
  method: "",
  model: "",
  opacity: 0.72,
  overview: "words",
  perturbation_curves: {},
  picture: 0,
  progress: null,
  prompt: "",
  prompts: [],
  reading: "in caption",
  region: null,
  resolution: null,
  seen: [],
  selected_words: [],
  sign: "positive",
  status: "ready",
  text_block: null,
  theme: "auto",
  unrelated: [],
  versus: null,
  vocabulary: "",
};

/** What the trait `controls` may name: a control is called as its trait is. */
export type ControlName =
  | "color_scale"
  | "compare"
  | "contour"
  | "curves"
  | "depth"
  | "details"
  | "erase"
  | "history"
  | "importance"
  | "method"
  | "model"
  | "opacity"
  | "overview"
  | "picture"
  | "prompt"
  | "reading"
  | "resolution"
  | "sign"
  | "versus"
  | "vocabulary";

/** Traits whose change Python always answers by changing another one. */
export const ASKS: ReadonlySet<string> = new Set([
  "compare",
  "curves",
  "depth",
  "erase",
  "history_index",
  "match_scale",
  "method",
  "model",
  "picture",
  "prompt",
  "prompts",
  "resolution",
  "vocabulary",
]);
