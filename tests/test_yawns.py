import pytest

from dms.yawns import Yawns, YawnSettings


def watched(*parts, fps=30, happiness=None):
    """Play (seconds, mouth aspect ratio) parts; return the yawns found."""
    yawns, found, t_s = Yawns(YawnSettings()), [], 0.0
    for seconds, mar in parts:
        for _ in range(round(seconds * fps)):
            yawn = yawns.step(t_s, mar, happiness(t_s) if happiness else None)
            found += [yawn] if yawn else []
            t_s += 1 / fps
    return found


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_one_long_wide_opening_is_a_yawn(fps):
    (yawn,) = watched((1, 0.05), (4, 0.5), (1, 0.05), fps=fps)
    assert yawn.start_s == pytest.approx(1.0, abs=1 / fps)
    assert yawn.end_s == pytest.approx(5.0, abs=1.5 / fps)
    assert yawn.peak == 0.5


@pytest.mark.parametrize(
    "parts",
    [
        ((1, 0.05), (0.5, 0.5), (1, 0.05)),  # a word
        ((1, 0.05), (4, 0.25), (1, 0.05)),  # a mouth that merely stands open
        ((1, 0.05), (11, 0.5), (1, 0.05)),  # singing, or a broken fit
        tuple((0.25, mar) for mar in (0.05, 0.4) * 12),  # talking
    ],
)
def test_what_is_no_yawn(parts):
    assert watched(*parts) == []


def test_laughter_is_no_yawn_but_a_smile_before_one_does_not_hide_it():
    parts = ((1, 0.05), (4, 0.5), (1, 0.05))
    assert watched(*parts, happiness=lambda _: 0.95) == []
    assert len(watched(*parts, happiness=lambda t_s: 0.95 if t_s < 1.5 else 0.3)) == 1


def test_an_unseen_mouth_is_unknown_and_no_yawn():
    yawns = Yawns(YawnSettings())
    assert yawns.step(0.0, None) is None
    assert yawns.yawning is None


def test_yawns_are_counted_over_their_window():
    yawns, t_s = Yawns(YawnSettings()), 0.0
    for mar in [0.05] * 30 + [0.5] * 90 + [0.05] * 30:
        yawns.step(t_s, mar)
        t_s += 1 / 30
    assert yawns.count == 1
    yawns.step(t_s + YawnSettings().window_s + 1, 0.05)
    assert yawns.count == 0
