"""Files that settings and users name: plain ones, of a size and with a name that can be used.

A pipe would hold up for ever whoever reads it, and a device, or a link to one, has no end. OpenCV
ends the process where a name is not UTF-8, as those of older archives and cards are.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from dms.errors import ConfigError


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Return the bytes of ``path``.

    Raises OSError, whose ``strerror`` says so where it is no plain file or holds more.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device, no plain file", str(path))
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        words = f"it is larger than {most_bytes / 1e6:g} MB, no such file is"
        raise OSError(errno.EFBIG, words, str(path))
    return data


def is_utf8(name: str) -> bool:
    """Whether a file's name, as the system gives it, is UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # undecodable bytes come as lone surrogates
        return False
    return True


def check_name(name: str) -> None:
    """Raise ConfigError where ``name`` is not UTF-8."""
    if not is_utf8(name):
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise ConfigError(
            f"the name {shown} is not UTF-8, which OpenCV cannot open; rename it (convmv does many)"
        )
