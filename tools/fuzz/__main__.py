"""Runs the fuzzer over one target, or over all in turn, with atheris (extra ``fuzz``).

    python -m tools.fuzz all --seconds 450
    python -m tools.fuzz slcan --seconds 60

What makes a target fail is written to --out and ends that target's run; put it into
tools/fuzz/seeds/TARGET once it is fixed, where the tests replay it. Exits with 1 for a finding.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

SEEDS = Path(__file__).resolve().parent / "seeds"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="a target's name, or all")
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="where findings go")
    parser.add_argument("--longest", type=int, default=8192, help="bytes of an input")
    arguments = parser.parse_args()
    if arguments.target == "all":
        return _all(arguments)
    return _fuzz(arguments)


def _all(arguments: argparse.Namespace) -> int:
    """Run every target in a process of its own, since a finding ends the process."""
    from tools.fuzz.targets import TARGETS  # noqa: PLC0415  (the fuzzing process instruments it)

    failed, before_s = [], 0.0
    for name in TARGETS:
        words = [sys.executable, "-m", "tools.fuzz", name, "--seconds", str(arguments.seconds)]
        words += ["--out", str(arguments.out), "--longest", str(arguments.longest)]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        last = [line for line in done.stderr.splitlines() if line.startswith(("Done", "#"))][-1:]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s, before_s = used.ru_utime + used.ru_stime - before_s, used.ru_utime + used.ru_stime
        told = "FINDING" if done.returncode else "clean"
        print(f"{name:14} {told}  {cpu_s:.0f} s of CPU  {' '.join(last)}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout[-2000:] + done.stderr[-4000:])
    return 1 if failed else 0


def _fuzz(arguments: argparse.Namespace) -> int:
    try:
        import atheris  # noqa: PLC0415
    except ImportError:
        print("atheris is not installed: pip install 'dms-jetson[fuzz]' (Python 3.11 and up)")
        return 2
    with atheris.instrument_imports(include=["dms", "can.io"]):
        from tools.fuzz.targets import TARGETS, attempt, starts  # noqa: PLC0415
    if arguments.target not in TARGETS:
        print(f"no target {arguments.target}; choose all or one of {', '.join(TARGETS)}")
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dms-corpus-") as folder:
        for number, data in enumerate(starts(arguments.target)):
            Path(folder, f"start-{number}").write_bytes(data)
        words = [
            sys.argv[0], folder, f"-max_total_time={arguments.seconds}",
            f"-max_len={arguments.longest}",
            f"-artifact_prefix={arguments.out / arguments.target}-",
            "-rss_limit_mb=2048", "-timeout=30", "-print_final_stats=1",
        ]  # fmt: skip
        if (kept := SEEDS / arguments.target).is_dir():
            words.append(str(kept))
        atheris.Setup(words, partial(attempt, arguments.target))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
