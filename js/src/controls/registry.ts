// The controls of the display row, in their order.

import { colorScale } from "./color-scale";
import { compare } from "./compare";
import { contour } from "./contour";
import type { Control } from "./control";
import { method } from "./method";
import { model } from "./model-menu";
import { opacity } from "./opacity";
import { reading } from "./reading";
import { resolution } from "./resolution";
import { sign } from "./sign";

export const CONTROLS: readonly Control[] = [
  model,
  method,
  compare,
  reading,
  sign,
  opacity,
  colorScale,
  contour,
  resolution,
];
