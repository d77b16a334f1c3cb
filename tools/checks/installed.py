"""Compare every installed file with the SHA-256 that its wheel's RECORD names."""

from __future__ import annotations

import base64
import hashlib
import sys
from importlib import metadata
from pathlib import Path


def altered(distribution: metadata.Distribution) -> list[str]:
    """Return the files of a distribution that are missing or not as its wheel had them."""
    wrong = []
    for file in distribution.files or ():
        if file.hash is None or file.hash.mode != "sha256":
            continue
        path = distribution.locate_file(file)
        try:
            digest = hashlib.sha256(Path(str(path)).read_bytes()).digest()
        except OSError:
            wrong.append(f"{path} is missing")
            continue
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            wrong.append(f"{path} was altered")
    return wrong


def main() -> int:
    wrong, count = [], 0
    for distribution in metadata.distributions():
        count += 1
        wrong += altered(distribution)
    for line in wrong:
        print(line)
    print(f"{count} packages: {len(wrong) or 'no'} files are not as their wheels had them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
