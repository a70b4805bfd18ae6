#!/bin/sh
# Install the lowest versions that pyproject.toml allows into build/lowest/, and run the tests with them.
# scripts/lowest_versions.sh [PYTHON [TESTS ...]]; several gigabytes, and not part of `make test`.
set -eu
cd "$(dirname "$0")/.."

python=${1:-python3.11}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- tests/core tests/export tests/clip tests/methods tests/explain \
  tests/dataset tests/evaluation tests/widget
folder=build/lowest

"$python" -m venv --clear "$folder"
"$folder/bin/python" -m pip install --disable-pip-version-check -qq uv
uv() { "$folder/bin/uv" "$@"; }

# "Direct" dependencies are those that pyproject.toml names; theirs are as new as they can be.
uv pip compile -q --python "$folder/bin/python" --resolution lowest-direct --no-header --no-annotate \
  --extra all pyproject.toml -o "$folder/lowest.txt"
# What only the tests need is held to no lowest version.
uv pip install -q --python "$folder/bin/python" -r "$folder/lowest.txt" --editable '.[dev]'

uv pip list -q --python "$folder/bin/python" | grep -iE \
  "^(anywidget|cachetools|contourpy|datasets|duckdb|filelock|huggingface|ipywidgets|numpy|open-clip|pandas|pillow|plotly|pyarrow|pycocotools|ray|regex|safetensors|scipy|timm|torch|tqdm|traitlets|transformers)"
"$folder/bin/python" --version
"$folder/bin/python" -m pytest -q -p no:cacheprovider "$@"
