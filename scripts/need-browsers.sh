#!/usr/bin/env bash
# Makes sure that the browser tests find Chromium, Firefox and WebKit: the machine's own, else the distribution's
# (Debian, as root), else those that Playwright downloads.
set -euo pipefail
cd "$(dirname "$0")/.."

usable() { python -m tests.browser.browsers; }

usable 2>/dev/null && exit 0
echo "Installing Chromium, Firefox and WebKit for the browser tests."
if [ "$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --no-install-recommends \
    chromium firefox-esr webkit2gtk-driver xvfb fonts-dejavu-core
elif [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
  python -m playwright install --with-deps chromium firefox webkit
else
  python -m playwright install chromium firefox webkit
fi
usable || {
  echo "A browser could not be installed or does not start: see the error above. Install what it names (on Debian:" >&2
  echo "chromium, firefox-esr, webkit2gtk-driver, xvfb; elsewhere: python -m playwright install --with-deps" >&2
  echo "chromium firefox webkit) and call make again." >&2
  exit 1
}
