"""Render emoji sets to packed sprites for scenes.

    npm pack @iconify-json/noto ...            # unpack each set to ASSETS/<set>/
    python -m training.render_artwork ASSETS --out gradeclip_widget/demo/sprites.zip

A pack is a zip of square WebP pictures, `<set>/<word>.webp`. Rendering needs `resvg_py`; using a pack
does not.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gradeclip_widget.demo.world import ICONS, SHIPPED_STYLES

SIDE = 320  # pixels
QUALITY, ALPHA_QUALITY = 75, 60  # of WebP


def render_set(icons: dict[str, Any]) -> Iterator[tuple[str, Image.Image]]:
    """Yield the objects of an Iconify set, as (word, square RGBA picture)."""
    names = {name.replace("-", ""): name for name in icons["icons"]}
    for alias, target in icons.get("aliases", {}).items():
        names.setdefault(alias.replace("-", ""), target["parent"])
    for word, icon in ICONS.items():
        name = names.get(icon.replace("-", "")) or names.get(word)
        if name in icons["icons"]:
            yield word, render(icons["icons"][name], icons)


def render(icon: dict[str, Any], icons: dict[str, Any]) -> Image.Image:
    """Return an icon, cropped and centered in a square of `SIDE` pixels."""
    import resvg_py

    width, height = (icon.get(key, icons.get(key, 16)) for key in ("width", "height"))
    corner = f"{icon.get('left', 0)} {icon.get('top', 0)}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{2 * SIDE}" height="{2 * SIDE}" viewBox="{corner} {width} {height}">'
        f"{icon['body']}</svg>"
    )
    drawn = Image.open(
        io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)))
    ).convert("RGBA")
    drawn = drawn.crop(drawn.getbbox())
    side = max(drawn.size)
    square = Image.new("RGBA", (side, side))
    square.paste(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def pack(assets: Path, sets: Sequence[str], out: Path) -> int:
    """Render sets from a folder of assets to a zip file; return its number of sprites."""
    count = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sets:
            icons = json.loads(next((assets / name).rglob("icons.json")).read_text("utf-8"))
            for word, picture in render_set(icons):
                buffer = io.BytesIO()
                picture.save(buffer, "WEBP", quality=QUALITY, alpha_quality=ALPHA_QUALITY)
                # A fixed date, so that the same artwork gives the same file.
                entry = zipfile.ZipInfo(f"{name}/{word}.webp", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, buffer.getvalue())
                count += 1
    return count


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assets", type=Path, help="folder holding one unpacked set per folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SHIPPED_STYLES))
    args = parser.parse_args()
    count = pack(args.assets, args.sets, args.out)
    print(f"{count} sprites, {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
