"""An audit hook that notes programs, connections, pickles and files written outside a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PROGRAMS = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn",
)  # fmt: skip
CONNECTIONS = (
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
    "socket.bind", "urllib.Request",
)  # fmt: skip
CHANGES = {  # of files, with the number of paths among the arguments
    "os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2,
    "os.truncate": 1, "os.chmod": 1, "os.chown": 1, "os.utime": 1, "shutil.rmtree": 1, "shutil.move": 2,
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _full(path: Any, folder: Any) -> Any:
    """Return a path; one that is relative to an open folder becomes absolute."""
    if isinstance(folder, int) and folder >= 0 and not Path(os.fsdecode(path)).is_absolute():
        return str(Path(f"/proc/self/fd/{folder}").readlink() / os.fsdecode(path))
    return path


def install(note: Callable[[str], None], allowed: Callable[[], Sequence[Path]]) -> None:
    """Call a function with every breach of a promise in this process, from now on.

    Args:
        note: gets a text of the breach.
        allowed: returns the folders and files that may be written to.
    """

    def outside(path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False  # an open file
        full = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - without following links
        return full != Path(os.devnull) and not any(full.is_relative_to(p) for p in allowed())

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            writes = flags & _WRITING if isinstance(flags, int) else set("wax+") & set(mode or "")
            if writes and outside(path):
                note(f"writes {os.fsdecode(path)!r}")
        elif event in CHANGES:
            for path in map(_full, args[: CHANGES[event]], args[-CHANGES[event] :]):
                if outside(path):
                    note(f"{event} {path!r}")
        elif event in PROGRAMS:
            note(f"starts a program: {event} {args!r:.300}")
        elif event in CONNECTIONS:
            note(f"connects: {event} {args!r:.300}")
        elif event == "pickle.find_class":
            note(f"unpickles {args!r:.300}")

    sys.addaudithook(hook)
