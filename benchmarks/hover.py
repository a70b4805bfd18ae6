"""The cost of hovering a word in Chromium: scripting and painting per hover, from the browser's trace.

    python benchmarks/hover.py                      # a synthetic page: 20 words, 14 x 20 grid
    python benchmarks/hover.py build/demo.html      # any exported page
    python benchmarks/hover.py --assert-p95 8       # exit 1 above 8 ms

The page is shown with a stage 640 px wide. The pointer jumps between words in random order; after each jump
two frames pass. Counted per jump: every event on the page's main thread that DevTools calls scripting,
rendering or painting (nested events once), plus the raster work of the compositor's threads, which is also
printed separately. Times are CPU times of those threads if the trace has them, so that a busy machine does
not affect them; wall times are printed too.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import CDPSession, Page, sync_playwright

STATIC = Path(__file__).parents[1] / "gradeclip_widget" / "static"
STAGE = 640  # px
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
MAIN = {
    "EventDispatch", "FunctionCall", "FireAnimationFrame", "TimerFire", "RunMicrotasks", "EvaluateScript",
    "MinorGC", "MajorGC", "V8.GC_SCAVENGER", "HitTest", "UpdateLayoutTree", "RecalculateStyles", "Layout",
    "IntersectionObserverController::computeIntersections", "PrePaint", "UpdateLayer", "Paint", "PaintImage",
    "Layerize", "Commit", "CompositeLayers", "UpdateLayerTree",
}  # fmt: skip
RASTER = {"RasterTask", "Rasterize Paint", "ImageDecodeTask", "Decode Image"}


def synthetic_page() -> str:
    """Write an exported page with generated maps."""
    rng = np.random.default_rng(0)
    words, (rows, cols) = 20, (14, 20)
    maps = rng.normal(0, 1e-3, (1 + 3 * words, rows, cols)).astype("<f4")
    y, x = np.mgrid[:rows, :cols]
    for k in range(len(maps)):  # one blob each, so that contours look real
        cy, cx = rng.random(2) * (rows, cols)
        maps[k] += 0.02 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 8)
    picture = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (640, 914, 3), dtype=np.uint8)).save(
        picture, "WEBP", quality=60
    )
    names = ["in caption", "alone", "left out"]
    header: dict[str, Any] = {
        "version": 1,
        "caption": " ".join(f"word{k}" for k in range(words)),
        "words": [
            {
                "text": f"word{k}",
                "truncated": False,
                "known": True,
                "attribute": False,
                "small": False,
            }
            for k in range(words)
        ],
        "importance": [
            {
                "name": "leave-one-out",
                "label": "loss",
                "values": [0.1 / (k + 1) for k in range(words)],
                "base": None,
            }
        ],
        "gaps": ["", *[" "] * (words - 1), ""],
        "score": {"cosine": 0.3, "logit": 30.0, "scale": 100.0, "bias": None, "probability": None},
        "grid": [rows, cols],
        "image": {"mime": "image/webp", "width": 914, "height": 640, "cover": [0, 0, 914, 640]},
        "maps": [{"name": "caption", "rows": 1}, *({"name": n, "rows": words} for n in names)],
        "blocks": {"image": [0.1] * 12, "text": [0.1] * 12, "image_layers": 1, "text_layers": 8},
        "no_evidence": {"image": False, "text": False},
        "notes": [],
        "unrelated": None,
        "foreign": None,
        "model": "synthetic",
        "method": "none",
        "reference": False,
        "seconds": None,
    }
    payload = {
        "header": header,
        "image": base64.b64encode(picture.getvalue()).decode(),
        "maps": base64.b64encode(maps.tobytes()).decode(),
    }
    css, script = (STATIC / "widget.css").read_text(), (STATIC / "page.js").read_text()
    return (
        f'<!doctype html><meta charset="utf-8"><style>body{{margin:0}}{css}</style><div id="gradeclip"></div>'
        f'<script type="application/json" id="gradeclip-payloads">{json.dumps([payload])}</script>'
        f"<script>{script}</script>"
    )


def fit_stage(page: Page) -> float:
    """Make the stage `STAGE` px wide and return its width."""
    page.evaluate(
        "w => { const root = document.querySelector('.gradeclip');"
        " root.style.maxWidth = 'none'; root.style.width = `${w + 2}px`; }",
        STAGE,
    )
    return float(page.locator(".gradeclip-stage").evaluate("e => e.getBoundingClientRect().width"))


def hover_words(page: Page, hovers: int) -> None:
    """Jump between words; a performance mark opens each jump."""
    centers = page.locator("button.gradeclip-word").evaluate_all(
        "es => es.map(e => e.getClientRects()[0]).map(r => [r.x + r.width / 2, r.y + r.height / 2])"
    )
    draw = random.Random(0)
    last = -1
    for k in range(hovers):
        word = draw.choice([w for w in range(len(centers)) if w != last])
        last = word
        page.evaluate(f"performance.mark('hover-{k}')")
        page.mouse.move(*centers[word])
        page.evaluate(
            "() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        )
    page.evaluate(f"performance.mark('hover-{hovers}')")


def trace(session: CDPSession, page: Page, hovers: int) -> list[dict[str, Any]]:
    """Return the trace events of a number of hovers."""
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    session.on("Tracing.dataCollected", lambda message: events.extend(message["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    categories = [
        "devtools.timeline",
        "blink.user_timing",
        "disabled-by-default-devtools.timeline",
        "v8",
    ]
    session.send(
        "Tracing.start",
        {"traceConfig": {"includedCategories": categories}, "transferMode": "ReportEvents"},
    )
    hover_words(page, hovers)
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)
    return events


def costs(events: list[dict[str, Any]], hovers: int, clock: str) -> tuple[list[float], list[float]]:
    """Milliseconds per hover on the main thread, and of raster work.

    Args:
        events: the trace.
        hovers: how many marks it holds, less one.
        clock: "tdur" for CPU time, "dur" for wall time.
    """
    marks = {e["name"]: e for e in events if e["name"].startswith("hover-") and e["ph"] in "IRn"}
    edges = [marks[f"hover-{k}"]["ts"] for k in range(hovers + 1)]
    thread = marks["hover-0"]["pid"], marks["hover-0"]["tid"]
    main = [
        e
        for e in events
        if e["name"] in MAIN and e["ph"] == "X" and (e["pid"], e["tid"]) == thread and "dur" in e
    ]
    raster = [e for e in events if e["name"] in RASTER and e["ph"] == "X" and e["pid"] == thread[0]]
    return per_hover(outermost(main), edges, clock), per_hover(raster, edges, clock)


def outermost(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events that lie in no other one."""
    kept: list[dict[str, Any]] = []
    end = -1.0
    for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
        if event["ts"] >= end:
            kept.append(event)
            end = event["ts"] + event["dur"]
    return kept


def per_hover(events: list[dict[str, Any]], edges: list[float], clock: str) -> list[float]:
    """Summed durations in ms between the edges."""
    sums = np.zeros(len(edges) - 1)
    for event in events:
        k = int(np.searchsorted(edges, event["ts"], side="right")) - 1
        if 0 <= k < len(sums):
            sums[k] += event.get(clock, event.get("dur", 0)) / 1000
    return [float(v) for v in sums]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "page", nargs="?", type=Path, help="an exported page; a synthetic one if left out"
    )
    parser.add_argument("--hovers", type=int, default=300)
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser's executable")
    parser.add_argument(
        "--assert-p95", type=float, help="fail if the 95th percentile is above this (ms)"
    )
    options = parser.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = options.page
        if path is None:
            path = Path(folder) / "synthetic.html"
            path.write_text(synthetic_page(), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.goto(path.resolve().as_uri())
        page.locator("button.gradeclip-word").first.wait_for()
        width = fit_stage(page)
        hover_words(page, 40)  # compile and fill caches first
        session = page.context.new_cdp_session(page)
        events = trace(session, page, options.hovers)
        browser.close()
    p95 = 0.0
    print(f"{options.hovers} hovers, stage {width:.0f} px wide; ms per hover:")
    print(f"{'':30}{'p50':>8}{'p95':>8}{'max':>8}")
    for clock, label in (("dur", "wall"), ("tdur", "CPU")):
        on_main, raster = costs(events, options.hovers, clock)
        total = [a + b for a, b in zip(on_main, raster, strict=True)]
        for name, values in (
            ("main thread", on_main),
            ("raster threads", raster),
            ("scripting + painting", total),
        ):
            p95 = float(np.percentile(values, 95))
            print(
                f"{f'{name}, {label}':30}{np.percentile(values, 50):8.2f}{p95:8.2f}{max(values):8.2f}"
            )
    if options.assert_p95 is not None and p95 > options.assert_p95:
        print(f"p95 {p95:.2f} ms of CPU time is above {options.assert_p95} ms", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
