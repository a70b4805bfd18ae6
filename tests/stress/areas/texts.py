"""Hostile captions: explained, and exported without becoming a part of the page."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import gradeclip_widget as gw

from ..mutations import hostile_text
from ..outcome import Failed, Fault, Outcome, attempt
from ..shared import Shared
from .explanations import no_constant


class Page(HTMLParser):
    """Counts what a page could run or load: scripts, handlers of events, addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.active: Counter[str] = Counter()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "link", "base", "meta", "form", "style"):
            self.active[tag] += 1
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on"):
                self.active[name] += 1
            elif name in ("src", "href", "action", "data", "xlink:href", "srcset", "poster"):
                if not address.startswith(("data:", "#")):
                    self.active[f"{name}={address[:80]}"] += 1
            elif name == "srcdoc":
                self.active += Page(value or "").active


class Texts:
    """Captions of any characters are explained or refused, and are only text in what is exported."""

    name, weight, seconds, megabytes = "texts", 8, 20, 600

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.encoded = shared.explainer.encode(shared.scene.image.resize((64, 48)))
        whole = shared.explainer(self.encoded, "a dog")
        self.page, self.fragment = (
            Page(whole.to_html()).active,
            Page(whole.to_html(fragment=True)).active,
        )

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Explain one text as a caption, and export it in one format."""
        text = hostile_text(rng)
        explainer = self.shared.explainer
        if rng.random() < 0.15:
            captions = [hostile_text(rng), "a dog", text]
            answer = attempt(
                gw.explore,
                self.shared.scene.image,
                captions,
                self.shared.small,
                documented=gw.explore,
            )
            if not isinstance(answer, Failed):
                waited = attempt(answer.wait, documented=gw.explore)
                answer.close()
                return Outcome.of("captions of a widget", waited)
            return Outcome.of("captions of a widget", answer)
        e = attempt(explainer, self.encoded, text, documented=type(explainer).__call__)
        if isinstance(e, Failed):
            return Outcome.of("caption", e)
        if e.caption != text.strip() and e.caption != text:
            raise Fault(f"caption | {text!r:.200} became {e.caption!r:.200}")
        export = rng.choice(("page", "fragment", "title", ".json", ".svg", ".npz", ".png", "table"))
        kind = f"caption, then {export}"
        if export in ("page", "fragment", "title"):
            if export == "title":
                html = attempt(e.to_html, title=hostile_text(rng))
            else:
                html = attempt(e.to_html, fragment=export == "fragment")
            if isinstance(html, Failed):
                return Outcome.of(kind, html)
            expected = self.fragment if export == "fragment" else self.page
            if (active := Page(html).active) != expected:
                raise Fault(
                    f"{kind} | {text!r:.200} adds {active - expected}, removes {expected - active}"
                )
            return Outcome.of(kind, html)
        if export == "table":
            return Outcome.of(kind, attempt(e.to_frame, documented=gw.Explanation.save))
        path = folder / f"out{export}"
        answer = attempt(e.save, path)
        if isinstance(answer, Failed):
            return Outcome.of(kind, answer)
        if export == ".json":
            json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)
        elif export == ".svg":
            names = {node.tag.rpartition("}")[2] for node in ElementTree.parse(path).iter()}
            if names & {"script", "foreignObject", "iframe"}:
                raise Fault(f"{kind} | {text!r:.200} gives {sorted(names)}")
        elif export == ".npz" and gw.Explanation.load(path).caption != e.caption:
            raise Fault(f"{kind} | {text!r:.200} is read as another caption")
        return Outcome.of(kind, answer)
