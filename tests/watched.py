"""Runs one dms command with Python's audit hook listening: which files and sockets it writes to.

    python -m tests.watched REPORT [--leak FILE] -- service --config dms.yaml

``--leak`` lets a picture out through a file that is allowed, so that the watching can be tested,
and with ``--plant``, which lets the expression net give known embeddings, one of those, too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_seen: set[str] = set()


def _listen(event: str, arguments: tuple) -> None:
    if event == "open":
        path, mode, flags = arguments
        if (flags or 0) & _WRITING or set(str(mode or "")) & set("wax+"):
            _seen.add(f"file {path if isinstance(path, int) else os.fsdecode(path)}")
    elif event in {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}:
        _seen.add(f"{event} {arguments[1]}")
    elif event in {"sqlite3.connect", "subprocess.Popen", "os.exec", "os.posix_spawn"}:
        _seen.add(f"{event} {arguments[0]}")


def _leak(path: str) -> None:
    from dms.monitor import Turn

    live = Turn.live

    def leaking(self, observation, frame=None, faults=()):
        if frame is not None and 5 <= frame.sequence < 10:
            with open(path, "ab") as file:  # noqa: PTH123
                file.write(frame.gray[100:140].tobytes())
                scores = observation.expression
                if scores is not None and scores.embedding is not None:
                    file.write(scores.embedding.numbers.tobytes())
        return live(self, observation, frame, faults)

    Turn.live = leaking


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("report")
    parser.add_argument("--leak")
    parser.add_argument("--plant", action="store_true")
    parser.add_argument("words", nargs="+")
    arguments = parser.parse_args()
    from dms.cli import main as dms

    if arguments.plant:
        from tests.planted import plant

        plant()
    if arguments.leak:
        _leak(arguments.leak)
    sys.addaudithook(_listen)
    try:
        return dms(arguments.words)
    finally:
        seen = sorted(_seen)
        with open(arguments.report, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(seen, file)


if __name__ == "__main__":
    sys.exit(main())
