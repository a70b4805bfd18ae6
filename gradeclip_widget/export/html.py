"""Self-contained pages: the widget's own front end and its payloads in one HTML file."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from ..core.explanation_data import ExplanationData
from .files import write_content
from .payload import Payload, base64_text, to_payload
from .picture import frame_image
from .still import picture_html, small_card, words_html

STATIC = Path(__file__).parents[1] / "static"

# The policy forbids all requests, also to the page's own origin: the file contains everything.
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:">
<title>$title</title>
<style>
$style
:root { color-scheme: light dark; }
body { margin: 24px; background: Canvas; }
@media (max-width: 640px) { body { margin: 8px; } }
#gradeclip { max-width: 960px; margin: 0 auto; }
.gradeclip-still { font: 14px system-ui, sans-serif; animation: gradeclip-still 0.1s 0.5s backwards; }
.gradeclip-still :is(td, th) { padding: 2px 16px 2px 0; text-align: start; }
@keyframes gradeclip-still { from { opacity: 0; } }
</style>
</head>
<body>
<div id="gradeclip">$still</div>
<script type="application/json" id="gradeclip-payloads">$payloads</script>
<script type="application/json" id="gradeclip-state">$state</script>
<script>$script</script>
</body>
</html>
""")

# Gives a frame the height that the page in it sends, and hides the picture beneath. The first frame of a page
# does so for all of its frames. Hosts without scripts keep the height of the frame's style.
_LISTENER = """<script>
window.gradeclipFrames ??= addEventListener("message", ({ data, source }) => {
  if (!data?.gradeclipHeight) return;
  for (const frame of document.querySelectorAll('iframe[title^="Grad-ECLIP"]')) {
    if (frame.contentWindow !== source) continue;
    frame.style.height = `${Math.ceil(data.gradeclipHeight)}px`;
    const beneath = frame.previousElementSibling;
    if (beneath) beneath.style.display = "none";
  }
}) ?? true;
</script>"""

# The compressed page: a script replaces the text for readers without scripts by the page.
_PACKED = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>$title</title>
$instead
<script type="text/plain" id="packed">$packed</script>
<script>
const bytes = Uint8Array.from(atob(document.getElementById("packed").textContent), (c) => c.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
new Response(stream).text().then((page) => {
  document.open();
  document.write(page);
  document.close();
});
</script>
</html>
""")


def write_page(explanation: ExplanationData, path: Path) -> None:
    """Write one self-contained page; see `Explanation.to_html`."""
    path.write_text(page([explanation]), encoding="utf-8")


def page(
    explanations: Sequence[ExplanationData],
    path: str | Path | None = None,
    title: str | None = None,
    state: Mapping[str, Any] | None = None,
) -> str:
    """Return one self-contained page of several explanations; see `Explanation.to_html`.

    A picture and the numbers of one explanation are in it, until the page's script replaces them: they stay
    where a host forbids scripts.

    Args:
        explanations: one or more, of one picture.
        path: a file to write as well, or ``None``.
        title: title of the page; the first caption when ``None``.
        state: the initial state of the view, as values of the widget's traits.
    """
    if not explanations:
        raise ValueError("nothing to show: give at least one explanation")
    payloads = [to_payload(e) for e in explanations]
    shown = explanations[(state or {}).get("active", 0)]
    still = f'<div class="gradeclip-still">{picture_html(small_card(shown), shown)}{words_html(shown)}</div>'
    filled = _fill(payloads, title or explanations[0].caption, state or {}, still)
    return write_content(filled, path)


def frame(
    explanations: Sequence[ExplanationData],
    title: str | None = None,
    state: Mapping[str, Any] | None = None,
    beneath: str = "",
) -> str:
    """Return the page in a sandboxed frame, for notebooks and books without a kernel, and for other pages.

    The frame has the height of its page where the host runs scripts, otherwise an estimate by its width. The
    page is compressed and its picture is smaller than in a page, since a notebook may have many. It shares no
    names with the page around it, so a page may have any number of frames.

    Args:
        explanations: one or more, of one picture.
        title: title of the frame, for screen readers; the first caption when ``None``.
        state: the initial state of the view, as values of the widget's traits.
        beneath: HTML of one element that the frame covers when its script has run. It remains if a host
            removes frames, and is visible if the host forbids their scripts.
    """
    first = explanations[0]
    payloads = [to_payload(e) for e in explanations]
    for e, payload in zip(explanations, payloads, strict=True):
        payload["image"] = frame_image(e.image)
    page = _fill(payloads, first.caption, state or {}).encode("utf-8")
    score = html.escape(f"{first.caption}: score {first.score:.3f}")
    source = _PACKED.substitute(
        title=score,
        instead="" if beneath else f"<p>{score}</p>",
        packed=base64.b64encode(gzip.compress(page, 9, mtime=0)).decode("ascii"),
    )
    label = f"Grad-ECLIP explanation: {title or first.caption}"
    element = (
        f'<iframe srcdoc="{html.escape(source)}" sandbox="allow-scripts" title="{html.escape(label)}" '
        f'style="grid-area: 1 / 1; width: 100%; border: 0; height: 656px; '
        f'height: {frame_height(first.image.size)}"></iframe>'
    )
    # Both are in one cell of a grid; the frame is the second element, so it is in front.
    return (
        '<div style="container-type: inline-size; width: 100%"><div style="display: grid">'
        f"{beneath}{element}</div></div>{_LISTENER}"
    )


def frame_height(size: tuple[int, int]) -> str:
    """Return an estimate of a frame's height by the width around it, as a CSS length with container units.

    Args:
        size: width and height of the picture.
    """
    # As in the style sheet: below 640 px the panel is under the picture, else beside it. The numbers are the
    # greatest height of the picture, and the height of what is under it.
    ratio = size[1] / size[0]
    share = 58.3 if ratio < 1 / 1.2 else 52.8  # of the width, for the picture beside the panel
    wide = f"max(502px, min(506px, {share * ratio:.1f}cqw) + 150px)"
    narrow = f"min(640px, {100 * ratio:.1f}cqw) + 570px"
    return f"clamp({wide}, (640px - 100cqw) * 999, {narrow})"


def still_beneath(picture: str, line: str) -> str:
    """Return a picture and a line of text as the element that a frame covers; see `frame`.

    Args:
        picture: an HTML image, lower than the frame by two lines of text.
        line: the text, which stays where a host also removes pictures.
    """
    return (
        f'<div style="grid-area: 1 / 1">{picture}'
        f'<p style="margin: 4px 0; font-size: 13px">{html.escape(line)}</p></div>'
    )


def _fill(
    payloads: Sequence[Payload], title: str, state: Mapping[str, Any], still: str = ""
) -> str:
    return _PAGE.substitute(
        title=html.escape(title),
        still=still,
        style=(STATIC / "widget.css").read_text(encoding="utf-8"),
        payloads=_script(payloads),
        state=_script(state),
        script=(STATIC / "page.js").read_text(encoding="utf-8").replace("</script", "<\\/script"),
    )


def _script(data: Any) -> str:
    """Return data as JSON for a script element, bytes as base64 text."""
    # "</script>" or "<!--" in a caption must not end the element.
    return json.dumps(data, default=base64_text, allow_nan=False).replace("<", "\\u003c")
