"""The cost of ``import gradeclip_widget``: ``python -m benchmarks.imports``."""

from __future__ import annotations

import subprocess
import sys

from .timing import interleaved


def main() -> None:
    """Print the seconds that the import adds to starting Python, and those of importing torch."""

    def python(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    seconds = interleaved(
        {
            "nothing": lambda: python("pass"),
            "gradeclip_widget": lambda: python("import gradeclip_widget"),
            "torch": lambda: python("import torch"),
        },
        rounds=7,
    )
    ours, torch = (seconds[name] - seconds["nothing"] for name in ("gradeclip_widget", "torch"))
    print(f"import gradeclip_widget: {ours:.3f} s, {ours / torch:.3f} x import torch")


if __name__ == "__main__":
    main()
