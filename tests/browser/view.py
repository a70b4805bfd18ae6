"""What a person does with one view of the widget, and what they see, in every host."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FrameLocator, Locator, Page, expect

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
Point = tuple[float, float]  # fractions of the picture's width and height

# Resolves with the canvas's pixels when they equal the given ones (or differ from them).
WAIT_FOR_HEAT = """(canvas, [equal, pixels]) => new Promise((done, fail) => {
  const deadline = performance.now() + 30_000;
  const look = () => {
    const now = canvas.toDataURL();
    if ((now === pixels) === equal) done(now);
    else if (performance.now() > deadline) fail(new Error("the heat map did not change as expected"));
    else requestAnimationFrame(look);
  };
  look();
})"""

# Resolves after two frames, when the view has drawn every change so far, with all its transitions finished.
# (The view draws once per frame; observers of sizes run at the end of one.)
_SETTLE = """root => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => {
    for (const animation of root.getAnimations({ subtree: true })) {
      if (animation instanceof CSSTransition) animation.finish();
    }
    done();
  }));
})"""

# The texts under an element with too little contrast to their background (WCAG 2.2, AA), each with its
# contrast. The background is the background colors of all ancestors, laid over each other.
FAINT_TEXTS = """root => {
  const dot = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const paint = dot.getContext("2d", { willReadFrequently: true });
  const mix = (colors) => {
    paint.fillStyle = "white";
    for (const color of colors) {
      paint.fillRect(0, 0, 1, 1);
      paint.fillStyle = color;
    }
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  for (const element of root.querySelectorAll("*")) {
    const text = [...element.childNodes].map((n) => (n.nodeType === 3 ? n.data : "")).join("").trim();
    const apart = element.closest(".gradeclip-stage, .gradeclip-ramp, :disabled, option");
    if (!text || apart || !element.checkVisibility()) continue;
    const grounds = [];
    for (let e = element; e; e = e.parentElement) grounds.unshift(getComputedStyle(e).backgroundColor);
    const { color, fontSize } = getComputedStyle(element);
    const [a, b] = [mix(grounds), mix([...grounds, color])].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < (parseFloat(fontSize) >= 24 ? 3 : 4.5)) faint.push([text, contrast.toFixed(2)]);
  }
  return faint;
}"""


class View:
    """One view of a widget, in a page, a frame or an element (`host`)."""

    def __init__(self, page: Page, host: Page | FrameLocator | Locator) -> None:
        self.page = page
        self.root = host.locator(".gradeclip")
        self.caption = self.root.locator(".gradeclip-caption")
        self.stage = self.root.locator(".gradeclip-stage:visible").first
        self.region = self.root.locator(".gradeclip-region")
        self.tip = self.root.locator(".gradeclip-tip")
        self.share = self.root.locator(".gradeclip-share")
        self.score = self.root.locator(".gradeclip-score b").first
        self.field = self.root.get_by_role("textbox", name="Prompt", exact=True)
        self.notice = self.root.locator(".gradeclip-notice")
        self.error = self.root.get_by_role("alert")
        self._canvas = self.stage.locator("canvas")
        expect(self.stage).to_be_visible()
        self.stage.locator("img").first.evaluate("image => image.decode()")

    # What they see

    def word(self, text: str) -> Locator:
        """A word of the caption."""
        return self.caption.get_by_role("button", name=text, exact=True)

    @property
    def pinned(self) -> Locator:
        """The pinned words."""
        return self.caption.locator("[aria-pressed=true]")

    @property
    def leader(self) -> Locator:
        """The word of the first bar."""
        return self.root.locator(".gradeclip-bar-word > bdi").first

    @property
    def bars(self) -> Locator:
        """The visible bars of words."""
        return self.root.locator(".gradeclip-ranking .gradeclip-bar.is-word:visible")

    @property
    def help(self) -> Locator:
        """The help text for the element with the focus or under the pointer."""
        return self.root.get_by_role("tooltip")

    @property
    def chips(self) -> Locator:
        """The names of highlighted words on the picture."""
        return self.root.locator(".gradeclip-chip")

    def settle(self) -> None:
        """Wait until the view has drawn every change that was made so far in the page."""
        self.root.evaluate(_SETTLE)

    def heat(self) -> str:
        """The heat map's pixels, to compare. After an action use `heat_other_than` or `wait_for_heat`."""
        return str(self._canvas.evaluate("canvas => canvas.toDataURL()"))

    def heat_other_than(self, heat: str) -> str:
        """Wait until the heat map differs from this one, and return it."""
        return str(self._canvas.evaluate(WAIT_FOR_HEAT, [False, heat]))

    def wait_for_heat(self, heat: str) -> None:
        """Wait until the heat map equals this one."""
        self._canvas.evaluate(WAIT_FOR_HEAT, [True, heat])

    def paint(self) -> NDArray[np.int16]:
        """The heat map, (height, width, 4): red, green, blue and opacity, 0 to 255 each."""
        png = base64.b64decode(self.heat().partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.int16)

    def bar_values(self) -> list[float]:
        """The numbers at the visible bars, in order, including those of sums."""
        rows = self.root.locator(".gradeclip-ranking .gradeclip-bar:visible")
        numbers = rows.locator("em:not(.gradeclip-second-value)").all_inner_texts()
        return [float(text.replace("−", "-")) for text in numbers if text]

    def pixels(self) -> NDArray[np.int16]:
        """The picture as painted on the screen, (height, width, 3)."""
        shot = self.stage.screenshot(animations="disabled")
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.int16)

    def color_near(self, at: Point) -> NDArray[np.float64]:
        """The mean color (3,) of a small square of the picture as painted."""
        pixels = self.pixels()
        x, y = round(at[0] * pixels.shape[1]), round(at[1] * pixels.shape[0])
        return np.asarray(pixels[y - 3 : y + 4, x - 3 : x + 4].mean((0, 1)))

    def region_numbers(self) -> list[float]:
        """The coordinates of the region's outline, in image pixels."""
        self.settle()
        expect(self.region).not_to_have_attribute("d", "")
        return [float(n) for n in re.findall(r"[\d.]+", self.region.get_attribute("d") or "")]

    def faint_texts(self) -> list[list[str]]:
        """Texts with less contrast than AA requires, each with its contrast."""
        self.settle()
        return list(self.root.evaluate(FAINT_TEXTS))

    def accessibility_violations(self) -> list[str]:
        """The violations that axe-core finds in the view: rule and element."""
        self.settle()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        report = self.root.evaluate("root => axe.run(root, { resultTypes: ['violations'] })")
        return [f"{v['id']}: {n['html']}" for v in report["violations"] for n in v["nodes"]]

    # What they do

    def edit(self, prompt: str, *, then: Literal["Enter", "Escape"] | None = "Enter") -> None:
        """Edit the caption: replace its text, and press a key to end the edit, or leave it open."""
        self.button("Edit the prompt").click()
        self.field.fill(prompt)
        if then:
            self.field.press(then)

    def button(self, name: str) -> Locator:
        """A button by the beginning of its name; signs such as "+" before it are ignored."""
        return self.root.get_by_role("button", name=re.compile(rf"^\W*{re.escape(name)}"))

    def open_settings(self) -> None:
        """Open the settings."""
        self.button("Settings").click()
        expect(self.root.locator(".gradeclip-settings")).to_be_visible()

    def point_at_word(self, text: str) -> None:
        """Move the pointer over a word."""
        self.word(text).hover()

    def look_away(self) -> None:
        """Move the pointer away from the widget."""
        self.page.mouse.move(1, 1)

    def point_at(self, at: Point) -> None:
        """Move the pointer over a place of the picture."""
        self.page.mouse.move(*self._on_page(at))

    def click_at(self, at: Point) -> None:
        """Click a place of the picture."""
        self.page.mouse.click(*self._on_page(at))

    def drag(self, *path: Point, key: Literal["Alt"] | None = None) -> None:
        """Drag over the picture from point to point, with a key held down."""
        places = [self._on_page(at) for at in path]
        self.page.mouse.move(*places[0])
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()
        if key:
            self.page.keyboard.up(key)

    def _on_page(self, at: Point) -> tuple[float, float]:
        self.stage.scroll_into_view_if_needed()
        box = self.stage.bounding_box()
        assert box is not None
        return box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"]
