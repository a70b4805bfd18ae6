"""The line magic: ``%load_ext gradeclip_widget``, then ``%gradeclip --model NAME photo.jpg a dog``."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from .cli import add_model_arguments

if TYPE_CHECKING:
    from .widget.widget import ExplanationWidget


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise ValueError(f"%gradeclip: {message}\n{self.format_usage()}")


def gradeclip(line: str) -> ExplanationWidget:
    """Explain a picture with a caption: ``%gradeclip [--model NAME] [--method NAME] IMAGE CAPTION``.

    The picture is a path (in double quotes if it has spaces) or the name of a variable. The rest of the line
    is the caption.

    Raises:
        ValueError: the line has no picture or no caption.
    """
    parser = _Parser(prog="%gradeclip", add_help=False)
    add_model_arguments(parser)
    parser.add_argument("image")
    parser.add_argument("caption", nargs=argparse.REMAINDER)
    args = parser.parse_args(_split(line))
    if not args.caption:
        raise ValueError(f"%gradeclip: no caption after {args.image!r}\n{parser.format_usage()}")
    from .widget.explore import explore

    return explore(_variable(args.image), " ".join(args.caption), args.model, method=args.method)


def load_ipython_extension(ipython: Any) -> None:
    """Register the line magic; called by ``%load_ext gradeclip_widget``."""
    ipython.register_magic_function(gradeclip, "line", "gradeclip")


def _split(line: str) -> list[str]:
    """Split a line into words. Single quotes are not special, because captions have apostrophes."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "", '"', ""
    try:
        return list(lexer)
    except ValueError:  # a quotation mark without its partner
        return line.split()


def _variable(name: str) -> Any:
    """Return the notebook's variable of that name; without one, the name itself, which is then a path."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell.user_ns.get(name, name) if shell is not None and name.isidentifier() else name
