"""Self-contained pages: the widget's own front end and its payloads in one HTML file."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from ..core.explanation_data import ExplanationData
from .formats import writes
from .payload import to_json, to_payload

STATIC = Path(__file__).parents[1] / "static"
_FRAME_HEIGHT = 740  # pixels

# The policy forbids all requests, those to the page's own origin included: the file holds everything.
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
</style>
</head>
<body>
<div id="gradeclip"></div>
<script type="application/json" id="gradeclip-payloads">$payloads</script>
<script>$script</script>
</body>
</html>
""")


@writes(".html")
def write_page(explanation: ExplanationData, path: Path) -> None:
    """Write one self-contained page; see `Explanation.to_html`."""
    page([explanation], path)


def page(
    explanations: Sequence[ExplanationData],
    path: str | Path | None = None,
    title: str | None = None,
) -> str:
    """Return one self-contained page of several explanations; see `Explanation.to_html`."""
    if not explanations:
        raise ValueError("nothing to show: give at least one explanation")
    payloads = [to_json(to_payload(e)) for e in explanations]
    text = _PAGE.substitute(
        title=html.escape(title or explanations[0].caption),
        style=(STATIC / "widget.css").read_text(encoding="utf-8"),
        # "</script>" or "<!--" in a caption must not end the script element that holds it.
        payloads=json.dumps(payloads).replace("<", "\\u003c"),
        script=(STATIC / "page.js").read_text(encoding="utf-8").replace("</script", "<\\/script"),
    )
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def frame(explanations: Sequence[ExplanationData]) -> str:
    """Return the page in a sandboxed frame, for notebooks and books without a kernel."""
    source = html.escape(page(explanations))
    return (
        f'<iframe srcdoc="{source}" sandbox="allow-scripts" title="Grad-ECLIP explanation" '
        f'style="width: 100%; height: {_FRAME_HEIGHT}px; border: 0"></iframe>'
    )
