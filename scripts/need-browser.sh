#!/usr/bin/env bash
# Makes sure that the browser tests find a Chromium: the machine's own, else the distribution's (Debian, as
# root), else the one that Playwright downloads.
set -euo pipefail

usable() { python -m tests.browser.chromium; }

usable 2>/dev/null && exit 0
echo "No Chromium here: installing one for the browser tests."
if [ "$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --no-install-recommends chromium fonts-dejavu-core
elif [ "$(id -u)" = 0 ]; then
  python -m playwright install --with-deps chromium
else
  python -m playwright install chromium
fi
usable || { echo "Chromium could not be installed or does not start. Install it and call make again." >&2; exit 1; }
