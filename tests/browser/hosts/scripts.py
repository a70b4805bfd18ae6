"""The scripts that pages of some hosts fetch from the network, taken from the packages that they are in.

No test asks the network for a page's script: Python's packages bring some, and the others are fetched once
from npm's registry, under the versions that the pages name, and kept in ``build/``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import marimo
from playwright.sync_api import BrowserContext, Route

KEPT = Path("build/host-scripts")
ANYWIDGET = Path(sys.prefix, "share/jupyter/nbextensions/anywidget/index.js")
MARIMO = Path(marimo.__file__).parent / "_static"

# Of a script's address: the package, its version, and its path in the package.
_PACKAGE = re.compile(r"/((?:@[\w-]+/)?[\w.-]+)@([\w.^~*%-]+)/([^?#]*)")
_REQUIRE = re.compile(r"/require\.js/[\d.]+/require")
# What is kept of a package. Without the fonts Solara's server asks the network for each while its page waits.
_KINDS = (".js", ".css", ".json", ".woff", ".woff2")
VERSIONS = {  # of what is fetched; also what a range of versions in a page stands for
    "@jupyter-widgets/html-manager": "1.0.15",
    "@widgetti/solara-vuetify3-app": "5.2.0",
    "requirejs": "2.3.6",
}


def package(name: str) -> Path:
    """Return the folder of a package from npm's registry, fetched once."""
    version = VERSIONS[name]
    folder = KEPT / f"{name}@{version}"
    if not (folder / "package.json").exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination", str(KEPT)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise RuntimeError(f"{name}@{version} cannot be had from npm: {made.stderr.strip()}")
        archive = KEPT / made.stdout.split()[-1]
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as files:
            for member in files:
                member.name = member.name.partition("/")[2]
                if member.isfile() and member.name.endswith(_KINDS):
                    files.extract(member, folder, filter="data")
        archive.unlink()
    return folder


def find(url: str) -> Path | None:
    """Return the file of a script that a page fetches; ``None`` for what no page needs, such as fonts."""
    if _REQUIRE.search(url):
        return package("requirejs") / "require.js"
    if not (named := _PACKAGE.search(url)):
        return None
    name, _version, path = named.groups()
    if name == "anywidget":
        return ANYWIDGET
    if name == "@marimo-team/frontend":
        return MARIMO / path.removeprefix("dist/")
    if name == "@jupyter-widgets/html-manager":
        return package(name) / path
    return None


def local_only(context: BrowserContext, *, scripts: bool) -> list[str]:
    """Let pages reach this machine alone.

    Args:
        context: of the pages.
        scripts: whether the scripts that they fetch are there all the same.

    Returns:
        The addresses elsewhere of scripts that pages were given, filled in as they ask.
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
    """Return a folder like the one in which Solara's server keeps the scripts that it has fetched."""
    cdn = folder / "cdn"
    for name in ("@widgetti/solara-vuetify3-app", "requirejs"):
        place = cdn / f"{name}@{VERSIONS[name]}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(package(name).resolve())
    return cdn
