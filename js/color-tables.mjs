// Color tables in the bundle: the first color in hexadecimal, then the differences from color to color, one letter per
// channel. Neighbors differ by a few steps, so the differences compress to a fifth of the colors.

/** Shorten a table of hexadecimal colors, as in d3-scale-chromatic. */
export function pack(table) {
  const bytes = Buffer.from(table, "hex");
  const differences = bytes.subarray(3).map((value, k) => 80 + value - bytes[k]);
  return table.slice(0, 6) + differences.toString("latin1");
}

/** Restore a table as a list of CSS colors. The bundle has a copy of this function, so it uses nothing around it. */
export function unpack(text) {
  let color = Number.parseInt(text.slice(0, 6), 16);
  const colors = [];
  for (let k = 6; k <= text.length; k += 3) {
    colors.push(`#${color.toString(16).padStart(6, "0")}`);
    const [red, green, blue] = [0, 1, 2].map((channel) => text.charCodeAt(k + channel) - 80);
    color += (red << 16) + (green << 8) + blue;
  }
  return colors;
}

/** Shorten the tables of a module of d3-scale-chromatic. */
export function packTables(source) {
  const packed = source
    .replace(/import colors from [^\n]*/, () => `const colors = ${unpack};`)
    .replace(/colors\("([0-9a-f]+)"\)/g, (_, table) => `colors(${JSON.stringify(pack(table))})`);
  if (!packed.includes("charCodeAt") || /colors\("[0-9a-f]{9}/.test(packed))
    throw new Error("d3-scale-chromatic has its color tables in another form");
  return packed;
}
