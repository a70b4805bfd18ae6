// The color tables in the bundle are those of d3-scale-chromatic.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pack, packTables, unpack } from "../color-tables.mjs";

const source = readFileSync(
  new URL("../../node_modules/d3-scale-chromatic/src/sequential-multi/viridis.js", import.meta.url),
  "utf8",
);
const tables = [...source.matchAll(/colors\("([0-9a-f]+)"\)/g)].map(([, table]) => table);

test("a table is restored to the same colors", () => {
  expect(tables).toHaveLength(4);
  for (const table of tables) expect(unpack(pack(table)).join("").replaceAll("#", "")).toBe(table);
});

test("a module without tables in the known form is an error", () => {
  expect(packTables(source).length).toBeLessThan(source.length);
  expect(() => packTables("export default 1")).toThrow("color tables");
});
