// The questions about a region, in the order in which they are listed under the words.

import type { View } from "../state/scene";
import { createErase } from "./erase";
import { createRegionVocabulary } from "./region-vocabulary";

export const REGION_QUESTIONS: readonly ((view: View) => HTMLElement)[] = [
  createRegionVocabulary,
  createErase,
];
