"""Pictures at web addresses.

This uses Python's own client. The session of `huggingface_hub` is one of three different clients, by its
version, and fetches nothing while ``HF_HUB_OFFLINE`` is set; fsspec needs aiohttp and limits neither size nor
time.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import Future
from typing import Any

SECONDS = 20.0  # in all, from looking up the name to the last byte
MAX_BYTES = 64 * 2**20
_CHUNK = 2**16
_ADVICE = "check the address and the network, or download the picture and give its path"


def fetch(address: str) -> bytes:
    """Return the content at a web address (http or https).

    Redirects are followed, but not to another scheme, except from http to https.

    Raises:
        ValueError: the address is malformed, or the server answers with an error, redirects to another
            scheme, or sends more than `MAX_BYTES`.
        ConnectionError: the server cannot be reached.
        TimeoutError: it took longer than `SECONDS`.
    """
    # In a thread, since a socket's timeout limits neither the look-up of a name nor a slow answer as a whole.
    content: Future[bytes] = Future()

    def download() -> None:
        try:
            content.set_result(_download(address))
        except BaseException as error:  # noqa: BLE001  (it is raised again by `result`)
            content.set_exception(error)

    threading.Thread(target=download, daemon=True).start()
    try:
        return content.result(SECONDS)
    except TimeoutError as error:
        raise TimeoutError(
            f"{address!r} was not fetched within {SECONDS:g} seconds; {_ADVICE}"
        ) from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if not newurl.lower().startswith(("https:", f"{req.type}:")):
            raise urllib.error.HTTPError(newurl, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(address: str) -> bytes:
    deadline = time.monotonic() + SECONDS
    content = bytearray()
    try:
        request = urllib.request.Request(  # noqa: S310  (callers pass http and https only)
            urllib.parse.quote(address.strip(), safe="%/:=&?~#+!$,;'@()*[]"),
            headers={"User-Agent": "Mozilla/5.0 (compatible; gradeclip-widget)"},
        )
        opener = urllib.request.build_opener(_SafeRedirects)
        with opener.open(request, timeout=SECONDS) as response:
            large = (response.length or 0) > MAX_BYTES
            while not large and (chunk := response.read1(_CHUNK)):
                content += chunk
                large = len(content) > MAX_BYTES
                if time.monotonic() > deadline:
                    raise TimeoutError
    except urllib.error.HTTPError as error:
        with error:
            raise ValueError(f"{address!r} {_refusal(error)}; {_ADVICE}") from error
    except (ValueError, http.client.InvalidURL) as error:
        raise ValueError(f"{address!r} is not a web address ({error}); {_ADVICE}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise reason from error
        raise ConnectionError(f"{address!r} cannot be fetched ({reason}); {_ADVICE}") from error
    if large:
        raise ValueError(
            f"{address!r} is larger than {MAX_BYTES // 2**20} MB, the limit for a picture; download the "
            "picture, shrink it and give its path"
        )
    return bytes(content)


def _refusal(error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        target = error.headers.get("Location")
        return (
            f"redirects to {target!r}, which is not followed: another scheme, or too many redirects"
        )
    return f"cannot be fetched: the server answers {error.code} {error.reason}"
