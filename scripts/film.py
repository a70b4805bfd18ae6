"""A moving picture of a view: frames, and an animated WebP made of them."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator

from tests.browser.view import View

STEPS = 4  # frames while the pointer moves to the next thing
STEP = 50  # ms that each is shown

# A screenshot has no pointer, so the page draws one.
_POINTER = """() => {
  const pointer = document.createElement("div");
  pointer.innerHTML = `<svg width="20" height="24" viewBox="0 0 20 24" fill="#16181c" stroke="#fff"
    stroke-width="1.5" stroke-linejoin="round"><path d="M2 1v18l4.5-4.2 3 7 3.2-1.4-3-6.8 6.3-.5z"/></svg>`;
  pointer.style.cssText = "position: fixed; z-index: 100000; pointer-events: none; left: -2px; top: -1px";
  document.body.append(pointer);
  window.addEventListener("mousemove", ({ clientX, clientY }) => {
    pointer.style.translate = `${clientX}px ${clientY}px`;
  }, { capture: true });
}"""


class Film:
    """Takes frames of a view and moves the pointer.

    Args:
        view: the view. Its page gets a visible pointer.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._frames: list[Image.Image] = []
        self._durations: list[int] = []  # ms
        self._at = (0.0, 0.0)
        view.page.evaluate(_POINTER)
        self.rest(film=False)

    def hold(self, duration: int) -> None:
        """Add a frame of the view, shown for some milliseconds."""
        shot = self.view.root.screenshot(animations="disabled")
        self._frames.append(Image.open(io.BytesIO(shot)).convert("RGB"))
        self._durations.append(duration)

    def rest(self, *, film: bool = True) -> None:
        """Move the pointer to the footer, away from words and picture."""
        self.glide(self.view.root.locator(".gradeclip-footer"), (0.7, 0.75), film=film)

    def glide(
        self, to: Locator, at: tuple[float, float] = (0.5, 0.5), *, film: bool = True
    ) -> None:
        """Move the pointer to a place of an element, as fractions of its width and height."""
        to.scroll_into_view_if_needed()
        box = to.bounding_box()
        assert box is not None, "a hidden element has no place to point at"
        start, end = self._at, (box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"])
        for step in range(1, STEPS + 1) if film else [STEPS]:
            share = step / STEPS
            x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            self.view.page.mouse.move(x, y)
            if film and step < STEPS:
                self.hold(STEP)
        self._at = end

    def click(self, on: Locator, at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Move the pointer to a place of an element, and click."""
        self.glide(on, at)
        self.view.page.mouse.click(*self._at)

    def drag(self, on: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one place of an element to another, as fractions of its width and height."""
        self.glide(on, start)
        self.view.page.mouse.down()
        self.glide(on, end)
        self.hold(STEP)
        self.view.page.mouse.up()

    def type(self, text: str, duration: int) -> None:
        """Type into the focused element, with a frame for each word."""
        for k, word in enumerate(text.split(" ")):
            self.view.page.keyboard.type(f" {word}" if k else word)
            self.hold(duration)

    def save(self, path: Path) -> None:
        """Write an animated WebP that repeats forever; it is transparent below frames of lower height."""
        width = max(frame.width for frame in self._frames)
        height = max(frame.height for frame in self._frames)
        canvases = [Image.new("RGBA", (width, height)) for _ in self._frames]
        for canvas, frame in zip(canvases, self._frames, strict=True):
            canvas.paste(frame)
        canvases[0].save(
            path,
            save_all=True,
            append_images=canvases[1:],
            duration=self._durations,
            loop=0,
            quality=72,
            method=4,
        )
        seconds = sum(self._durations) / 1000
        print(
            f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {width} x {height}, {seconds:.1f} s"
        )
