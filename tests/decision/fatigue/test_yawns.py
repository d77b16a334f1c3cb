"""Yawns: one long, wide opening of the mouth."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dms.decision.fatigue.yawns import Yawn, Yawns, YawnSettings

S = YawnSettings()
DT = 0.05


def mouth(*spans: tuple[float | None, float], happiness: float | None = None) -> list[Yawn]:
    """Hold (mouth aspect ratio, seconds) one after another at 20 Hz."""
    yawns, found, n = Yawns(S), [], 0
    for mar, seconds in spans:
        for _ in range(round(seconds / DT)):
            yawn = yawns.step(n * DT, mar, happiness)
            found += [yawn] if yawn is not None else []
            n += 1
    return found


def test_yawn_tells_start_end_and_peak() -> None:
    (yawn,) = mouth((0.02, 1.0), (0.4, 1.0), (0.8, 2.0), (0.3, 1.0), (0.02, 1.0))
    assert yawn.start_s == pytest.approx(1.0)
    assert yawn.end_s == pytest.approx(5.0 - DT)
    assert yawn.peak == 0.8


@pytest.mark.parametrize(
    ("mar", "seconds", "count"),
    [(0.6, 4.0, 1), (0.6, 0.5, 0), (0.6, 0.9, 1), (0.21, 4.0, 0), (0.29, 4.0, 0), (0.31, 4.0, 1),
     (0.6, 11.0, 0)],
)  # fmt: skip
def test_width_and_length(mar: float, seconds: float, count: int) -> None:
    assert len(mouth((0.02, 1.0), (mar, seconds), (0.02, 1.0))) == count


def test_an_opening_begins_as_it_ends_at_the_shut_limit() -> None:
    (yawn,) = mouth((0.02, 1.0), (0.18, 0.25), (0.6, 0.4), (0.18, 0.1), (0.02, 1.0))
    assert yawn.start_s == pytest.approx(1.0)
    assert yawn.end_s == pytest.approx(1.75 - DT)


def test_a_mouth_that_rests_ajar_is_no_long_yawn() -> None:
    ajar = S.shut_below + 0.01
    assert mouth((ajar, 3.0), (0.6, 0.25), (0.02, 1.0)) == []
    (yawn,) = mouth((ajar, 3.0), (0.6, 1.0), (0.02, 1.0))
    assert yawn.start_s == pytest.approx(3.0 - S.hold_s)


def test_talk_is_no_yawn() -> None:
    assert mouth(*[(0.4, 0.25), (0.05, 0.15)] * 30) == []


VOWELS = [(0.6, 1.5), (0.05, 1.4)]


def test_song_is_no_yawn() -> None:
    """Long vowels are as wide and long as short yawns; yawns do not come every three seconds."""
    yawns, n = Yawns(S), 0
    found = []
    for mar, seconds in VOWELS * 10:
        for _ in range(round(seconds / DT)):
            found += [y for y in [yawns.step(n * DT, mar)] if y is not None]
            n += 1
            if n * DT > 14.0:
                assert not yawns.yawning
    assert len(found) == S.bout_most  # told before it was known to be song
    assert yawns.count == 0


def test_a_few_yawns_in_a_row_are_yawns() -> None:
    spans = [(0.6, 2.0), (0.02, 2.0)] * S.bout_most
    assert len(mouth((0.02, 1.0), *spans)) == S.bout_most


def test_yawns_before_and_after_a_song_count() -> None:
    yawns, n = Yawns(S), 0
    calm = (0.02, S.bout_s + 1.0)
    for mar, seconds in [(0.6, 2.0), calm, *VOWELS * 6, calm, (0.6, 2.0), (0.02, 1.0)]:
        for _ in range(round(seconds / DT)):
            yawns.step(n * DT, mar)
            n += 1
    assert yawns.count == 2


def test_flicker_of_one_frame_does_not_end_it() -> None:
    spans = [(0.02, 1.0), (0.6, 0.6), (0.05, DT), (0.6, 0.6), (0.02, 1.0)]
    assert len(mouth(*spans)) == 1


def test_laughter_is_no_yawn() -> None:
    spans = [(0.02, 1.0), (0.6, 2.0), (0.02, 1.0)]
    assert mouth(*spans, happiness=0.9) == []
    assert len(mouth(*spans, happiness=0.5)) == 1


def test_mouth_that_is_not_seen_any_more_ends_it() -> None:
    assert len(mouth((0.02, 1.0), (0.6, 2.0), (None, 1.0))) == 1


def test_present_state() -> None:
    yawns = Yawns(S)
    assert yawns.step(0.0, None) is None
    assert yawns.yawning is None
    yawns.step(0.1, 0.02)
    assert yawns.yawning is False
    for n in range(30):
        yawns.step(0.2 + n * DT, 0.6)
    assert yawns.yawning is True
    yawns.step(3.0, 0.02)
    assert yawns.yawning is False


def test_count_forgets() -> None:
    yawns = Yawns(S)
    for start in (0.0, 20.0):
        for n in range(60):
            yawns.step(start + n * DT, 0.6 if n < 40 else 0.02)
    assert yawns.count == 2
    yawns.step(S.window_s + 10.0, 0.02)
    assert yawns.count == 1


def watched(*spans: tuple[float | None, float], mar: float | None = 0.02, every: int = 3) -> list:
    """Let the mouth net say each probability for some seconds, in every third frame at 30 Hz."""
    yawns, found, t_s, frame = Yawns(S), [], 0.0, 0
    for likely, seconds in spans:
        for _ in range(round(seconds * 30)):
            told = likely if frame % every == 0 else None
            yawn = yawns.step(round(t_s, 6), mar, None, told)
            found += [yawn] if yawn else []
            t_s, frame = t_s + 1 / 30, frame + 1
    return found


def test_the_nets_word_makes_a_yawn_of_narrow_lips() -> None:
    (yawn,) = watched((0.05, 1.0), (0.9, 4.0), (0.05, 1.0))
    assert yawn.peak == 0.9
    assert yawn.start_s == pytest.approx(1.0, abs=0.11)
    assert yawn.end_s == pytest.approx(5.0, abs=0.11)


def test_the_net_overrules_wide_lips_that_eat() -> None:
    assert watched((0.1, 6.0), mar=0.6) == []


@pytest.mark.parametrize(
    ("likely", "seconds", "count"), [(0.44, 4.0, 0), (0.59, 4.0, 0), (0.7, 0.4, 0), (0.7, 0.8, 1)]
)
def test_the_net_must_be_sure_for_long_enough(likely: float, seconds: float, count: int) -> None:
    assert len(watched((0.05, 1.0), (likely, seconds), (0.05, 1.0))) == count


def test_an_opening_lasts_until_the_net_gives_it_up() -> None:
    (yawn,) = watched((0.05, 1.0), (0.9, 1.0), (0.35, 1.0), (0.2, 1.0))
    assert yawn.end_s == pytest.approx(3.0, abs=0.11)


def test_a_net_that_falls_silent_leaves_the_lips() -> None:
    (yawn,) = watched((0.1, 1.0), (None, 4.0), (0.1, 1.0), mar=0.6)
    assert yawn.start_s == pytest.approx(1.0 + S.hold_s, abs=0.15)
    assert yawn.peak == 0.6


def test_limits_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="likely_below"):
        YawnSettings(likely_below=0.5)
    with pytest.raises(ValidationError, match="shut_below"):
        YawnSettings(peak_least=0.2)


def spoken(*spans: tuple[float, float, float], every: int = 3) -> list[Yawn]:
    """Hold (mouth aspect ratio, the net's word, seconds) at 30 Hz, a word every third frame."""
    yawns, found, frame = Yawns(S), [], 0
    for mar, likely, seconds in spans:
        for _ in range(round(seconds * 30)):
            told = likely if frame % every == 0 else None
            yawn = yawns.step(round(frame / 30, 6), mar, None, told)
            found += [yawn] if yawn else []
            frame += 1
    return found


SHUT = (0.0, 0.05, 1.0)


def test_a_shut_mouth_does_not_yawn_whatever_the_net_says() -> None:
    assert spoken(SHUT, (0.0, 0.85, 4.0), SHUT) == []
    assert len(spoken(SHUT, (0.0, 0.85, 0.8), (0.1, 0.9, 0.4), SHUT)) == 1


def test_talk_that_flickers_about_the_nets_limit_is_no_yawn() -> None:
    assert spoken(SHUT, *[(0.15, 0.75, 0.1), (0.25, 0.45, 0.1)] * 10, SHUT) == []
    assert len(spoken(SHUT, *[(0.15, 0.75, 0.2), (0.25, 0.5, 0.1)] * 5, SHUT)) == 1


def test_a_mouth_that_leaps_open_shouts() -> None:
    assert spoken(SHUT, (0.6, 0.95, 1.0), SHUT) == []
    assert len(spoken(SHUT, (0.2, 0.5, 0.2), (0.6, 0.95, 1.0), SHUT)) == 1
