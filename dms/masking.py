"""Makes text safe to tell: no password and no control byte in it.

Cameras, brokers and schedulers are named by URLs that may hold a password, and libraries quote
them. Everything that is reported (errors, faults, the journal, the settings shown) passes here.
"""

from __future__ import annotations

import re

HIDDEN = "***"
# Each begins where a run of its letters does: tried at every letter, long texts would take minutes.
_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z0-9+.-]+://)\S*@")
_SPACE = re.compile(r"(\s+)")
_MARKS = re.compile(r"([:/'\"])")  # what a user's name does not hold
_HOST = re.compile(r"[\w\[]")
_NO_WORD = re.compile(r"\W")
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
            text = "".join(
                _without_password(word) if "@" in word else word for word in _SPACE.split(text)
            )
        if "=" in text:
            text = _NAMED.sub(rf"\g<1>{HIDDEN}", text)
    return text


def _without_password(word: str) -> str:
    """Return a text without spaces, without what stands before the hosts in it."""
    end = word.rfind("@") + 1  # what begins later is no secret, and costs nothing
    *parts, last = (_URL.sub(rf"\g<1>{HIDDEN}@", word[:end]) + word[end:]).split("@")
    made = ""
    for part, after in zip(parts, [*parts[1:], last], strict=True):
        start = _user_at(part) if _HOST.match(after) else None
        made += f"{part}@" if start is None else f"{part[:start]}{HIDDEN}@"
    return made + last


def _user_at(part: str) -> int | None:
    """Return where user:password begins in what stands before an @, None where it is none."""
    before, at = "", 0
    runs = _MARKS.split(part)
    for run, mark in zip(runs[::2], runs[1::2], strict=False):
        colon = at + len(run)
        if mark == ":" and run and colon + 1 < len(part) and part[colon + 1 : colon + 3] != "//":
            if before != "/":
                return at
            if found := _NO_WORD.search(run, 0, len(run) - 1):
                return at + found.end()
        before, at = mark, colon + 1
    return None


def told(text: str) -> str:
    """Return ``text`` in one line, :func:`masked`: for a fault, a status or a list."""
    return " ".join(masked(text).split())


def cell(text: str) -> str:
    """Return ``text`` for a table: what a spreadsheet would take for a formula is only text."""
    text = told(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
