"""Makes text safe to tell: no password and no control byte in it.

Cameras, brokers and schedulers are named by URLs that may hold a password, and libraries quote
them. Everything that is told (errors, faults, the journal, the settings shown) passes here.
"""

from __future__ import annotations

import re

HIDDEN = "***"
# Each begins where a run of its letters does: tried at every letter, long texts would take minutes.
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z0-9+.-]+://)\S*@")
_BARE = re.compile(r"(?<![\w/])[^\s:/@'\"]+:(?!//)[^\s@]+@(?=[\w\[])")  # user:password@host
_WORDS = r"pass(?:word|wd|phrase)?|pwd|user-pw|proxy-pw|secret|token|api[_-]?key|credentials?"
_NAMED = re.compile(
    rf"(?i)((?<![\w-])(?:[\w-]*(?:-|[^\WA-Za-z]))?(?:{_WORDS})\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s&;,'\"]+)"
)
# C0 but tab and line end, DEL, C1, line separators, and what turns the writing direction
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_FORMULA = ("=", "+", "-", "@", "\t")


def masked(text: str) -> str:
    """Return ``text`` without the secrets in it; control bytes become ``?``, line ends stay."""
    text = _CONTROL.sub("?", text)  # first: some are spaces, at which a password would seem to end
    before = None
    while text != before:  # until nothing is left, as in a password that looks like one itself
        before = text
        if "@" in text:
            text = _BARE.sub(f"{HIDDEN}@", _URL.sub(rf"\g<1>{HIDDEN}@", text))
        if "=" in text:
            text = _NAMED.sub(rf"\g<1>{HIDDEN}", text)
    return text


def told(text: str) -> str:
    """Return ``text`` in one line, :func:`masked`: for a fault, a status or a list."""
    return " ".join(masked(text).split())


def cell(text: str) -> str:
    """Return ``text`` for a table: what a spreadsheet would take for a formula is only text."""
    text = told(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
