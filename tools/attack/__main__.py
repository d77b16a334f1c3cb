"""Attack a running service on loopback, by every way in, and say what it survived.

    python -m tools.attack                       # all, some three minutes
    python -m tools.attack can_flood view_flood  # these

Each attack is bounded. Prints for each whether the service lived and did what it should, how much
of what the camera gave was judged meanwhile, and its memory. Exits with 1 where one was not
survived, or less than 95 % judged. Needs mosquitto for the attacks over MQTT.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.attack.attacks import ALL, BLINDING, Attack
from tools.attack.target import Target

LEAST = 0.95
_CALM_S = 5.0


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=f"of {', '.join(ALL)}")
    chosen = parser.parse_args(words).attacks or list(ALL)
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    wrong = 0
    print(f"{'attack':16} {'survived':9} {'judged':>7} {'frames/s':>9} {'memory MB':>10}  what")
    with (
        tempfile.TemporaryDirectory(prefix="dms-attack-") as folder,
        Target(Path(folder)) as target,
    ):
        for name in ("calm", *chosen):
            if name != "calm" and target.broker is None and name.startswith(("mqtt", "broker")):
                print(f"{name:16} skipped: mosquitto is not installed")
                continue
            wrong += not attack_and_see(target, name, ALL.get(name, _calm))
    print(f"{'NOT ' if wrong else ''}survived")
    return 1 if wrong else 0


def _calm(_target: Target) -> None:
    time.sleep(_CALM_S)


def attack_and_see(target: Target, name: str, attack: Attack) -> bool:
    """Run one attack and print what became of it; False where it was not survived."""
    time.sleep(1.0)
    before = target.count()
    what = attack(target)
    time.sleep(0.6)
    after = target.count()
    lived = target.alive()
    captured = after["captured"] - before["captured"]
    share = (after["judged"] - before["judged"]) / captured if captured else 0.0
    rate = (after["judged"] - before["judged"]) / max(after["t_s"] - before["t_s"], 1e-6)
    if not lived:
        what = "the service ended"
    elif what is None and share < LEAST and name not in BLINDING:
        what = f"less than {LEAST:.0%} judged"
    survived = what is None
    print(
        f"{name:16} {'yes' if survived else 'NO':9} {share:7.1%} {rate:9.1f} "
        f"{target.highest_mb(before['t_s']):10.0f}  {what or ''}",
        flush=True,
    )
    if not survived:
        print(target.journal()[-1500:], file=sys.stderr)
    return survived


if __name__ == "__main__":
    sys.exit(main())
