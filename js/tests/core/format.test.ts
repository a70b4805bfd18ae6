import { expect, test } from "vitest";
import { formatEvidenceOf, formatPercent, formatSigned, formatValue } from "../../src/core/format";

test("a value has the decimals of three digits of the largest one", () => {
  expect(formatValue(0.3421)).toBe("0.342");
  expect(formatValue(0.0123, 0.34)).toBe("0.012");
  expect(formatValue(0.00643)).toBe("0.00643");
  expect(formatValue(34.21, 10)).toBe("34.2");
  expect(formatValue(0)).toBe("0");
});

test("contributions have their sign, with a real minus, and none if they round to zero", () => {
  expect(formatSigned(0.174, 0.2)).toBe("+0.174");
  expect(formatSigned(-0.061, 0.2)).toBe("−0.061");
  expect(formatSigned(-0.00001, 0.2)).toBe("0.000");
  expect(formatSigned(0.00001, 0.2)).toBe("0.000");
});

test("very small values are written with an exponent", () => {
  expect(formatValue(0.0000321)).toBe("3.2e−5");
});

test("shares are 0 % or 100 % only if they are exact", () => {
  expect([0, 0.004, 0.62, 0.997, 1].map(formatPercent)).toEqual(["0 %", "< 1 %", "62 %", "> 99 %", "100 %"]);
});

test("a possessive only in scripts that have one", () => {
  expect(formatEvidenceOf("koala")).toBe("koala’s evidence");
  expect(formatEvidenceOf("glasses")).toBe("glasses’ evidence");
  expect(formatEvidenceOf("你")).toBe("the evidence for “你”");
  expect(formatEvidenceOf("red car")).toBe("the evidence for “red car”");
});
