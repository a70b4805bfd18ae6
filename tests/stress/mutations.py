"""Random changes of bytes, of JSON, and texts that programs stumble over."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

TEXTS = (
    "a dog", "a red circle", "", " ", "\n", "\t,;\t", "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "\x07\x08",
    "\u202egod a\u202c", "\u2066a dog\u2069", "\ufeffa dog", "a\u0301\u0301\u0301 dog", "👩‍👩‍👧‍👦🏳️‍🌈",
    "🐕" * 50,
    "\ud800", "a \udfff dog", "\uffff\ufffe", "ß" * 300, "a dog " * 2000, "x" * 100_000, "." * 500,
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<!--", "-->", "<![CDATA[",
    "<img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)", "'><svg onload=alert(1)>",
    "javascript:alert(1)", "&lt;script&gt;", "&#60;script&#62;", "\\u003cscript\\u003e", "</style><b>",
    "</textarea></title>", "{{7*7}}", "${7*7}", "%s%n%d", "{0.__class__}", "$\\input{/etc/passwd}$",
    "\\write18{touch x}", "'; DROP TABLE rows; --", "a' OR 'a'='a", "../../etc/passwd", "/etc/passwd",
    "~/dog.png", "file:///etc/passwd", "C:\\dog.png", "CON", "nul", "-rf", "--help", "*?[a-z]{1,2}",
    "http:/dog", "data:image/png;base64,AAAA", "ftp://a/b", "s3:dog", "NaN", "null", "None", "[]", "1e999",
    "=1+1", "@SUM(1)", "dog\r\ncat", "dog\u2028cat", "dog\u0085cat", "日本語の犬", "כלב אדום", "كلب",
    "a" * 255,
    "a" * 256, "dog.png\n", " dog.png ", "dög.png", "do\u0308g.png",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 0.5, -0.0, 1e9, 1e300, float("nan"),
    float("inf"), float("-inf"), [], {}, [[]], [None], "", "x", "dog", {"a": []}, [0, 0, 1e9, 0, 1e9, 1e9],
    [-5, -5, 2, 2], [[0, 0, 1e300, 0, 5, 5]], "\ud800", "a" * 5000, ["a", 1], {"counts": "x", "size": [9, 9]},
    {"counts": [3, 2**40], "size": [64, 64]},
)  # fmt: skip


def hostile_text(rng: Random) -> str:
    """Return a text that programs stumble over, or several of them joined."""
    text = rng.choice(TEXTS)
    while rng.random() < 0.3:
        text += rng.choice(("", " ", " a dog ")) + rng.choice(TEXTS)
    return text


def damage(rng: Random, data: bytes) -> bytes:
    """Return bytes with one to four random changes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not changed:
            return bytes(changed)
        at = rng.randrange(len(changed))
        # Headers decide the most, so that half of the changes are there.
        at = rng.randrange(min(len(changed), 64)) if rng.random() < 0.5 else at
        match rng.randrange(8):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at] = rng.randrange(256)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + rng.randint(1, 64)]
            case 4:
                changed[at:at] = rng.randbytes(rng.randint(1, 64))
            case 5:
                changed[at : at + 4] = rng.choice(
                    (b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
                )
            case 6:
                other, size = rng.randrange(len(changed)), rng.randint(1, 256)
                changed[at : at + size] = changed[other : other + size]
            case 7:
                changed[at:] = bytes(len(changed) - at)
    return bytes(changed)


def damage_json(rng: Random, value: Any) -> Any:
    """Return a copy of a value of JSON with one to three of its parts changed."""
    root = [copy.deepcopy(value)]
    for _ in range(rng.randint(1, 3)):
        parent: Any = root
        key: Any = 0
        while isinstance(parent[key], dict | list) and parent[key] and rng.random() < 0.85:
            parent = parent[key]
            key = (
                rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
            )
        match rng.randrange(5):
            case 0 if parent is not root:
                del parent[key]
            case 1 if isinstance(parent, list) and parent is not root:
                parent.insert(key, copy.deepcopy(parent[key]))
            case 2 if isinstance(parent, dict):
                parent[rng.choice(TEXTS)] = parent.pop(key)
            case _:
                parent[key] = copy.deepcopy(rng.choice(VALUES))
    return root[0]
