"""The attacks in short, and that what is not survived is told."""

import subprocess
import sys

import pytest

from tools.attack import __main__ as attack
from tools.attack.attacks import ALL
from tools.attack.target import ROOT


class Target:
    """Counts as if half of the pictures were judged."""

    broker = None

    def __init__(self, share=1.0):
        self.share, self.counts = share, 0

    def count(self):
        self.counts += 1
        seen = 150.0 * self.counts
        return {"t_s": 10.0 * self.counts, "judged": self.share * seen, "captured": seen,
                "opened": 1.0, "mb": 300.0}  # fmt: skip

    def highest_mb(self, _since_s):
        return 300.0

    def alive(self):
        return True

    def journal(self):
        return "what it said"


@pytest.mark.parametrize(
    ("share", "what", "survived"),
    [(1.0, None, True), (0.94, None, False), (1.0, "the bus is silent", False)],
)
def test_what_is_not_survived_or_judged_is_told(monkeypatch, capsys, share, what, survived):
    monkeypatch.setattr(attack.time, "sleep", lambda _: None)
    assert attack.attack_and_see(Target(share), "view_flood", lambda _: what) is survived
    out = capsys.readouterr()
    assert ("yes" if survived else "NO") in out.out
    assert ("what it said" in out.err) is not survived


def test_an_unknown_attack_is_refused(capsys):
    with pytest.raises(SystemExit):
        attack.main(["nonsense"])
    assert "unknown: nonsense" in capsys.readouterr().err


NAMES = sorted(set(ALL) - {"mqtt_huge"})


@pytest.fixture(scope="module")
def told():
    """Run all attacks on one service, in a process of their own: they are nice to it."""
    words = [sys.executable, "-m", "tools.attack", *NAMES]
    return subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(960)
@pytest.mark.parametrize("name", NAMES)
def test_a_running_service_survives(name, told):
    assert "the service ended" not in told.stdout, told
    rows = [line for line in told.stdout.splitlines() if line.startswith(name)]
    assert rows, told
    if "skipped: mosquitto" in rows[0]:
        pytest.skip("mosquitto is not installed")
    assert "yes" in rows[0] or "judged" in rows[0], told  # a loaded machine judges less
