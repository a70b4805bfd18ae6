// What is checked in under gradeclip_widget/static/. `make test` also checks that it is what the sources build.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const read = (name: string) =>
  readFileSync(new URL(`../../gradeclip_widget/static/${name}`, import.meta.url), "utf8");

describe.each([
  ["widget.js", 49_000],
  ["page.js", 49_000],
  ["gallery.js", 20_000],
])("%s", (name, most) => {
  const text = read(name);

  test(`is at most ${most / 1000} kB, compressed`, () => {
    expect(gzipSync(text).length).toBeLessThanOrEqual(most);
  });

  test("makes no request and evaluates no text", () => {
    expect(text).not.toMatch(
      /\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|EventSource|importScripts|\bimport\(/,
    );
    expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
    expect(text.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:\/\//);
  });

  test("can be inside a script element in any encoding", () => {
    expect(text).not.toMatch(/<\/script|<!--/i);
    expect(/^[\x20-\x7e\n\r\t]*$/.test(text)).toBe(true);
  });
});

test.each(["widget.css", "gallery.css"])("the style sheet %s asks the network for nothing", (name) => {
  expect(read(name)).not.toMatch(/url\(|@import/);
});
