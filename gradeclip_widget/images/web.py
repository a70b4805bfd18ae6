"""Pictures at web addresses, fetched because the user named them."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import Future
from http.client import HTTPMessage
from typing import IO

SECONDS = 20.0  # in all, from looking up the name to the last byte
MAX_BYTES = 64 * 2**20
_CHUNK = 2**16
_REDIRECTS = 5
_WAY_OUT = "check the address and the network, or download the picture and give its path"


def fetch(address: str) -> bytes:
    """Return what is at a web address.

    It takes at most `SECONDS` and `MAX_BYTES`, and follows at most five redirects, none of them to another
    scheme, except from http to https.

    Raises:
        ValueError: the address is malformed, or the server refuses it, redirects it elsewhere, or sends too
            much.
        ConnectionError: the server cannot be reached.
        TimeoutError: it took too long.
    """
    # On a thread of its own: neither looking up a name nor a server that sends a byte now and then would
    # end by the timeout of a socket.
    answer: Future[bytes] = Future()
    deadline = time.monotonic() + SECONDS
    threading.Thread(target=_download, args=(address, deadline, answer), daemon=True).start()
    try:
        return answer.result(SECONDS)
    except TimeoutError as error:
        raise TimeoutError(
            f"{address!r} was not fetched within {SECONDS:g} seconds; {_WAY_OUT}"
        ) from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects that stay with http or https; one back from https to http is refused."""

    max_redirections = _REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme.lower()
        if scheme != "https" and scheme != req.type:
            raise urllib.error.HTTPError(newurl, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener of http and https alone; urllib's usual one also opens files and ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _download(address: str, deadline: float, answer: Future[bytes]) -> None:
    """Fetch an address and give the result, or the error, to ``answer``."""
    try:
        answer.set_result(_content(address, deadline))
    except TimeoutError as error:
        answer.set_exception(error)
    except urllib.error.HTTPError as error:
        with error:
            answer.set_exception(ValueError(f"{address!r} {_refusal(error)}"))
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        timed_out = isinstance(reason, TimeoutError)
        message = f"{address!r} cannot be fetched ({reason}); {_WAY_OUT}"
        answer.set_exception(reason if timed_out else ConnectionError(message))
    except Exception as error:  # noqa: BLE001  (whatever it is, someone waits for it)
        answer.set_exception(error)


def _content(address: str, deadline: float) -> bytes:
    try:
        quoted = urllib.parse.quote(address.strip(), safe="%/:=&?~#+!$,;'@()*[]")
        request = urllib.request.Request(  # noqa: S310  (the opener knows http and https alone)
            quoted, headers={"User-Agent": "Mozilla/5.0 (compatible; gradeclip-widget)"}
        )
        response = _opener().open(request, timeout=SECONDS)
    except (ValueError, http.client.InvalidURL) as error:
        raise ValueError(f"{address!r} is no address of a picture ({error}); {_WAY_OUT}") from error
    assert response is not None  # an answer of any other status was raised
    with response:
        content = bytearray()
        large = (response.length or 0) > MAX_BYTES
        while not large and (chunk := response.read1(_CHUNK)):
            content += chunk
            large = len(content) > MAX_BYTES
            if time.monotonic() > deadline:
                raise TimeoutError
    if large:
        raise ValueError(
            f"{address!r} holds more than {MAX_BYTES // 2**20} MB, the most that is fetched; download the "
            "picture, shrink it and give its path"
        )
    return bytes(content)


def _refusal(error: urllib.error.HTTPError) -> str:
    """Return why an answer is none: a status, or a redirect that is not followed."""
    if 300 <= error.code < 400:
        target = error.headers.get("Location", "nowhere")
        return (
            f"redirects to {target!r}, which is not followed: it is no web address, one without "
            f"encryption, or the last of more than {_REDIRECTS} redirects; give the picture's own address"
        )
    return f"cannot be fetched: the server answers {error.code} {error.reason}; {_WAY_OUT}"
