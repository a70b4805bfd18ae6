"""The script and the style of the widgets, which a notebook gets once."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import anywidget
import ipywidgets
import traitlets as t
from IPython.core.getipython import get_ipython
from ipywidgets.widgets.trait_types import InstanceDict

from ..export.html import STATIC


class Code(ipywidgets.Widget):  # type: ignore[misc] # ipywidgets has no types
    """The script and the style of one kind of widget. All widgets of that kind in a kernel refer to it."""

    script = t.Unicode().tag(sync=True)
    style = t.Unicode().tag(sync=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.script):,} + {len(self.style):,} characters)"


class _Layout(InstanceDict):  # type: ignore[misc] # as above
    """A trait whose value is a layout, or a dictionary that a layout is made of."""

    def make_dynamic_default(self) -> Any:
        """Return nothing yet: the layout has to be known to the widget, which `validate` is given."""
        return {}

    def validate(self, obj: Any, value: Any) -> Any:
        """Return a layout; one that is made here belongs to the widget."""
        if isinstance(value, dict):
            value = ipywidgets.Layout(**value)
            obj.own_layouts.append(value)
        return super().validate(obj, value)


class OwnLayout(ipywidgets.DOMWidget):  # type: ignore[misc] # as above
    """A widget that closes the layouts that were made for it; ipywidgets would keep them for ever.

    Attributes:
        own_layouts: these layouts. One that a program made may belong to several widgets.
    """

    layout = _Layout(ipywidgets.Layout).tag(sync=True, **ipywidgets.widget_serialization)
    own_layouts = t.List(t.Instance(ipywidgets.Layout))

    def close(self) -> None:
        """Close the views, and the layouts made for this widget."""
        super().close()
        for layout in self.own_layouts:
            layout.close()
        self.own_layouts.clear()


@contextlib.contextmanager
def closed_on_error(widget: ipywidgets.Widget) -> Iterator[None]:
    """Close a widget if the block raises: ipywidgets would keep it open, and in memory, for ever."""
    try:
        yield
    except BaseException:
        widget.close()
        raise


class FrontEnd(OwnLayout, anywidget.AnyWidget):
    """A widget with a script and a style from ``gradeclip_widget/static``.

    anywidget sends both with every widget. In a notebook, each widget gets a small loader instead, which
    takes them from one `Code` that all of them refer to. A host finds it as it finds a widget's layout: in
    the kernel, or in the saved state of the notebook. If a host does not know it, the loader requests the
    code from the widget.

    Other hosts get the code with each widget. There, one process may serve several pages, each with its own
    widgets (Panel, Solara, Shiny), or rerunning a cell may close the `Code` that widgets of other cells need
    (marimo, which loads equal scripts once).
    """

    _files: ClassVar[str]  # the name of both files, without the suffix

    # Texts, not paths: anywidget would watch the files and so keep every widget alive.
    _esm = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    _shared_code = t.Instance(Code, allow_none=True).tag(
        sync=True, **ipywidgets.widget_serialization
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_msg(self._send_code)

    @t.default("_shared_code")
    def _default_shared_code(self) -> Code | None:
        return _shared(self._files) if in_notebook() else None

    @t.default("_esm")
    def _default_esm(self) -> str:
        return _read("loader.js" if self._shared_code else f"{self._files}.js")

    @t.default("_css")
    def _default_css(self) -> str:
        return "" if self._shared_code else _read(f"{self._files}.css")

    def _send_code(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Send the code to a view whose host does not know the shared one; later widgets share a new one."""
        if content.get("type") == "code":
            if _codes.get(self._files) is self._shared_code:
                _codes.pop(self._files, None)
            with self.hold_sync():
                self._css, self._esm = _read(f"{self._files}.css"), _read(f"{self._files}.js")


def in_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook: one process, and outputs that are saved."""
    zmqshell = sys.modules.get("ipykernel.zmqshell")
    return zmqshell is not None and isinstance(get_ipython(), zmqshell.ZMQInteractiveShell)


_codes: dict[str, Code] = {}


def _shared(files: str) -> Code:
    """Return the code that the widgets of one kind share, a new one if it has been closed."""
    code = _codes.get(files)
    if code is None or code.comm is None:
        code = Code(script=_read(f"{files}.js"), style=_read(f"{files}.css"))
        _codes[files] = code
    return code


@functools.cache
def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
