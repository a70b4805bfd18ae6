// The messages between Python and the gallery, and anywidget's model, which carries them.

import type { SyncedModel } from "../state/model";
import type { SyncedStore } from "../state/store";
import type { FailedPair, RawTile } from "./entries";
import type { GallerySynced } from "./synced";

export type Sort = GallerySynced["sort"];
export type Role = GallerySynced["word_role"];
export type Side = GallerySynced["side"];

export type Answer =
  | { kind: "rows"; generation: number; start: number; tiles: RawTile[] }
  | { kind: "pair"; tiles: RawTile[] }
  | { kind: "errors"; start: number; errors: FailedPair[] };

export type Request =
  | { kind: "rows"; generation: number; start: number; stop: number }
  | { kind: "pair"; id: string }
  | { kind: "errors"; start: number; stop: number }
  | { kind: "step"; by: number };

export type Buffers = readonly (DataView | ArrayBuffer | Uint8Array)[];

/** The parts of anywidget's model that the gallery needs. */
export interface GalleryModel extends SyncedModel<GallerySynced> {
  send(content: Request): void;
  on(event: `change:${string}`, callback: () => void): void;
  on(event: "msg:custom", callback: (content: Answer, buffers: Buffers) => void): void;
  off(event: string, callback: (...all: never[]) => void): void;
}

export type GalleryStore = SyncedStore<GallerySynced>;
