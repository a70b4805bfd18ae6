// What a region can be asked, in the order in which it stands under the words.

import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import type { Component } from "../ui/dom";
import { createErase } from "./erase";
import { createRegionVocabulary } from "./region-vocabulary";

export const REGION_QUESTIONS: readonly ((store: Store, signal: AbortSignal) => Component<Frame>)[] = [
  createRegionVocabulary,
  createErase,
];
