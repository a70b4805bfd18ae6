// The layout of js/src: which folder may import which.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** From the lowest floor up. A file imports from floors below its own, and from its own folder. */
const FLOORS = [
  ["core"], // arithmetic, without DOM
  ["state"], // what is known, and what follows from it
  ["ui"], // widgets that know nothing of explanations
  ["stage", "prompt", "controls"], // these three do not import each other
  ["panel"],
  ["view", "gallery"],
  ["index", "page", "loader"],
];

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const entries = readdirSync(SRC, { recursive: true, withFileTypes: true });
const files = entries
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(SRC.length + 1));
const text = (file: string) => readFileSync(join(SRC, file), "utf8");

/** Every TypeScript file with the files that it imports, types included. */
const imports = new Map(
  files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const found = text(file).matchAll(/^(?:import|export|\}) ?[^"]*?(?:from )?"(\.{1,2}\/[^"]+)";$/gm);
      return [file, [...found].map(([, path]) => `${join(dirname(file), path)}.ts`)];
    }),
);

/** The folder of a file, or a file of js/src itself by its name. */
const roomOf = (file: string) => file.replace(/\.ts$/, "").split("/")[0];
const floorOf = (file: string) => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));

describe("imports", () => {
  test("name files that exist, each on a floor", () => {
    expect([...imports.values()].flat().filter((file) => !imports.has(file))).toEqual([]);
    expect([...imports.keys()].filter((file) => floorOf(file) < 0)).toEqual([]);
    expect([...imports.values()].flat().length).toBeGreaterThan(imports.size); // the pattern finds them
  });

  test("name only files on lower floors", () => {
    const allowed = (from: string, to: string) => roomOf(from) === roomOf(to) || floorOf(to) < floorOf(from);
    const climbing = [...imports].flatMap(([from, targets]) =>
      targets.filter((to) => !allowed(from, to)).map((to) => `${from} imports ${to}`),
    );
    expect(climbing).toEqual([]);
  });

  test("have no cycle", () => {
    const done = new Set<string>();
    const circle = (file: string, path: readonly string[]): string | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" -> ");
      if (done.has(file)) return;
      for (const next of imports.get(file) ?? []) {
        const found = circle(next, [...path, file]);
        if (found) return found;
      }
      done.add(file);
    };
    expect([...imports.keys()].map((file) => circle(file, [])).find(Boolean)).toBeUndefined();
  });
});

test("core has no DOM", () => {
  const using = files.filter(
    (file) =>
      roomOf(file) === "core" && /\b(?:document|window)\.|\b(?:HTML|SVG)\w*Element\b/.test(text(file)),
  );
  expect(using).toEqual([]);
});
