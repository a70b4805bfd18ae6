"""Helpers for error messages and warnings."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator
from os import PathLike, fspath

_PACKAGE = __name__.partition(".")[0]


class MissingExtraError(ModuleNotFoundError):
    """A package is not installed that an extra of gradeclip-widget installs; the message names both."""


class UnreadableFileError(ValueError):
    """A file from outside cannot be used: it is damaged, too large, or of another kind.

    Every reader of such a file raises this one error, whatever the library below it raises.

    Attributes:
        path: of the file, or its address.
        problem: what is wrong with it.
    """

    def __init__(self, path: str | PathLike[str], problem: str) -> None:
        """Store the file and the problem; the message names both."""
        super().__init__(f"{fspath(path)!r} {problem}")
        self.path, self.problem = fspath(path), problem

    def __reduce__(self) -> tuple[type[UnreadableFileError], tuple[str, str]]:
        """Return how to copy the error to another process."""
        return type(self), (self.path, self.problem)


@contextlib.contextmanager
def reading(path: str | PathLike[str], what: str, advice: str) -> Iterator[None]:
    """Raise `UnreadableFileError` in place of any error that a damaged file causes within the block.

    Decoders raise errors of every kind on damaged bytes, so that no list of them would be complete. A file
    that is missing or forbidden, a package that is not installed, and a full memory are no damage: their
    errors pass.

    >>> with reading("run.json", "the record of a run", "start the run again"):
    ...     {}["format"]
    Traceback (most recent call last):
        ...
    gradeclip_widget.core.errors.UnreadableFileError: 'run.json' is not the record of a run, or is damaged \
(KeyError: 'format'); start the run again

    Args:
        path: of the file.
        what: the file should be.
        advice: what the reader can do.
    """
    try:
        yield
    except (UnreadableFileError, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFileError(
            path, f"is not {what}, or is damaged ({summarize_error(error)}); {advice}"
        ) from error


def missing_extra(package: str, extra: str, use: str) -> MissingExtraError:
    """Return the error for a missing package, to be raised from the ImportError.

    >>> str(missing_extra("pycocotools", "coco", "masks in COCO's form"))
    "masks in COCO's form need pycocotools: pip install 'gradeclip-widget[coco]'"

    Args:
        package: name of the missing package.
        extra: the extra of gradeclip-widget that installs it.
        use: what needs it, in the plural: "Parquet tables".
    """
    message = f"{use} need {package}: pip install 'gradeclip-widget[{extra}]'"
    return MissingExtraError(message, name=package)


def describe_error(error: BaseException) -> str:
    """Return an error's message; its type comes first if the message may not make sense alone."""
    text, name = str(error).strip(), type(error).__name__
    from_package = type(error).__module__.partition(".")[0] == _PACKAGE
    if from_package or isinstance(error, ValueError | TypeError | OSError):
        return text or name
    return f"{name}: {text}" if text else name


def summarize_error(error: BaseException) -> str:
    """Return an error's type and the first line of its message, to quote in a sentence."""
    line, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {line}".rstrip(": .")


def did_you_mean(name: str, known: Iterable[str], count: int = 1) -> str:
    """Return the end of a message about an unknown name: the most similar known names, or "".

    Only letters and digits are compared, in lower case.

    >>> "no fruit 'aple'" + did_you_mean("aple", ["apple", "pear"])
    "no fruit 'aple'; did you mean 'apple'?"
    >>> did_you_mean("vitb16", ["ViT-S-16", "ViT-B-16"])
    "; did you mean 'ViT-B-16'?"

    Args:
        name: the unknown name.
        known: the known names.
        count: the maximum number of names; above 1, less similar names are accepted too.
    """
    bare = {_bare(one): one for one in reversed(list(known))}  # the first of equal names
    cutoff = 0.6 if count == 1 else 0.4
    near = [
        bare[one] for one in difflib.get_close_matches(_bare(name), bare, n=count, cutoff=cutoff)
    ]
    if not near:
        return ""
    if count == 1:
        return f"; did you mean {near[0]!r}?"
    return f"; the nearest are {', '.join(map(repr, near))}"


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
