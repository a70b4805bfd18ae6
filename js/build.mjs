// Builds the front end into gradeclip_widget/static/: widget.js, gallery.js and their loader.js (ESM
// for anywidget), page.js (for exported pages), widget.css and gallery.css. The output depends on the sources alone, so CI can compare it byte for byte.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import { packTables } from "./color-tables.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "gradeclip_widget", "static");

const scales = {
  name: "scales",
  setup({ onLoad }) {
    onLoad({ filter: /d3-scale-chromatic[\\/]src[\\/].*\.js$/ }, async ({ path }) => {
      // d3's diverging scales call `ramp` while loading, which keeps d3-interpolate and d3-color in the bundle though
      // nothing here uses what it returns.
      const source = (await readFile(path, "utf8")).replace("default ramp(", "default /* @__PURE__ */ ramp(");
      return { contents: path.endsWith("viridis.js") ? packTables(source) : source };
    });
  },
};
const common = {
  absWorkingDir: join(here, ".."),
  bundle: true,
  minify: true,
  charset: "ascii", // a page may be served in any encoding
  legalComments: "none",
  target: ["es2022", "chrome117", "firefox117", "safari16.4"],
  plugins: [scales],
  logLevel: "info",
};
const jobs = [
  { ...common, entryPoints: ["js/src/index.ts"], format: "esm", outfile: join(out, "widget.js") },
  { ...common, entryPoints: ["js/src/page.ts"], format: "iife", outfile: join(out, "page.js") },
  { ...common, entryPoints: ["js/src/styles.css"], outfile: join(out, "widget.css") },
  { ...common, entryPoints: ["js/src/loader.ts"], format: "esm", outfile: join(out, "loader.js") },
  { ...common, entryPoints: ["js/src/gallery.ts"], format: "esm", outfile: join(out, "gallery.js") },
  { ...common, entryPoints: ["js/src/gallery/styles/gallery.css"], outfile: join(out, "gallery.css") },
];

if (process.argv.includes("--watch")) {
  for (const job of jobs) await (await context(job)).watch();
} else {
  await Promise.all(jobs.map((job) => build(job)));
}
