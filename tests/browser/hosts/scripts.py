"""The scripts that pages of some hosts load from the network, taken from local packages.

Pages under test load no scripts from the network: some are in Python packages, and the others are downloaded
once from npm, in the versions that the pages name, and stored in ``build/``.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import marimo
from playwright.sync_api import BrowserContext, Route

CACHE = Path("build/host-scripts")
ANYWIDGET = Path(sys.prefix, "share/jupyter/nbextensions/anywidget/index.js")
MARIMO = Path(marimo.__file__).parent / "_static"

# A script's address: the package, its version, and the path in the package.
_PACKAGE = re.compile(r"/((?:@[\w-]+/)?[\w.-]+)@([\w.^~*%-]+)/([^?#]*)")
_REQUIRE = re.compile(r"/require\.js/[\d.]+/require")
# The files to keep. Without the fonts, Solara's server would request each from the network first.
_KINDS = (".js", ".css", ".json", ".woff", ".woff2")
VERSIONS = {  # of the downloaded packages, also if a page gives a range of versions
    "@jupyter-widgets/html-manager": "1.0.15",
    "@vscode/jupyter-ipywidgets8": "1.0.9",
    "@widgetti/solara-vuetify3-app": "5.2.0",
    "requirejs": "2.3.6",
}


def package(name: str) -> Path:
    """Return the folder of an npm package, which is downloaded once."""
    version = VERSIONS[name]
    folder = CACHE / f"{name}@{version}"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        place = Path(scratch)
        command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(place)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode:
            raise RuntimeError(f"cannot download {name}@{version}: {process.stderr.strip()}")
        with tarfile.open(place / process.stdout.split()[-1]) as files:
            for member in files:
                if member.isfile() and member.name.endswith(_KINDS):
                    files.extract(member, place, filter="data")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # another process was faster
            (place / "package").rename(folder)
    return folder


def find(url: str) -> Path | None:
    """Return the file of a script that a page loads; ``None`` for files that no page needs, such as fonts."""
    if _REQUIRE.search(url):
        return package("requirejs") / "require.js"
    match = _PACKAGE.search(url)
    if match is None:
        return None
    name, _version, path = match.groups()
    if name == "anywidget":
        return ANYWIDGET
    if name == "@marimo-team/frontend":
        return MARIMO / path.removeprefix("dist/")
    if name == "@jupyter-widgets/html-manager":
        return package(name) / path
    return None


def local_only(context: BrowserContext, *, scripts: bool) -> list[str]:
    """Let pages reach only this machine.

    Args:
        context: the context of the pages.
        scripts: whether the pages receive the remote scripts that they load, from local packages.

    Returns:
        The addresses of the remote scripts that pages have received; the list grows as they load them.
    """
    served: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        if not url.startswith("http") or "//127.0.0.1:" in url:
            return route.continue_()
        file = find(url) if scripts else None
        if file is None or not file.exists():
            return route.abort()
        served.append(url)
        kind = {".js": "text/javascript", ".css": "text/css"}.get(file.suffix)
        headers = {"access-control-allow-origin": "*"}
        return route.fulfill(path=file, headers=headers, content_type=kind)

    context.route("**/*", answer)
    return served


def solara_assets(folder: Path) -> Path:
    """Return a folder like the one in which Solara's server stores downloaded scripts."""
    cdn = folder / "cdn"
    for name in ("@widgetti/solara-vuetify3-app", "requirejs"):
        place = cdn / f"{name}@{VERSIONS[name]}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(package(name).resolve())
    return cdn
