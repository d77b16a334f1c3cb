"""The spotter of micro-expressions on made-up measures: flashes, and what only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dms.cli import main
from dms.decision.core import Core
from dms.decision.emotion.micro_expressions import Flash, FlashSpotter, MicroExpressionSettings
from dms.decision.emotion.rage import RageSettings
from dms.decision.settings import CoreSettings
from dms.files.observations import save
from dms.values import (
    EXPRESSIONS,
    Box,
    DriverObservation,
    Event,
    ExpressionScores,
    EyeEvidence,
    HeadPose,
    Kind,
    Level,
    Moment,
)

S = MicroExpressionSettings(enabled=True)
CHANNELS = 14
SURPRISE = EXPRESSIONS.index("surprise")
Strength = Callable[[float], float]


def pulse(at_s: float, lasts_s: float) -> Strength:
    return lambda t_s: float(at_s <= t_s < at_s + lasts_s)


def never(_: float) -> float:
    return 0.0


def measures(
    t_s: float, random: np.random.Generator, moved: float, felt: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shape and probabilities with noise; brows and lips up by ``moved``, surprise by ``felt``."""
    shape = random.normal(0.0, 0.003, CHANNELS)
    shape[:10] -= 0.08 * moved
    odds = random.normal(0.0, 0.1, len(EXPRESSIONS))
    odds[0] += 2.0
    odds[SURPRISE] += 3.0 * felt
    shares = np.exp(odds) / np.exp(odds).sum()
    return tuple(shape.tolist()), tuple(shares.tolist())


def spot(
    seconds: float = 8.0,
    fps: float = 100.0,
    moved: Strength = never,
    felt: Strength | None = None,
    ear: Strength = lambda _: 0.3,
    seen: Strength = lambda _: 1.0,
) -> list[Flash]:
    """Run a stream; ``felt`` is as ``moved`` where not given."""
    random, spotter, found = np.random.default_rng(1), FlashSpotter(S), []
    for number in range(round(seconds * fps)):
        t_s = number / fps
        parts = measures(t_s, random, moved(t_s), (felt or moved)(t_s))
        if seen(t_s):
            found += spotter.step(t_s, *parts, ear(t_s))
        else:
            found += spotter.step(t_s, None, None, None)
    return found


@pytest.mark.parametrize("fps", [60.0, 100.0, 200.0])
@pytest.mark.parametrize("lasts_s", [0.05, 0.1, 0.3, 0.45])
def test_a_flash_is_spotted_once_with_its_time_and_kind(fps: float, lasts_s: float) -> None:
    (flash,) = spot(fps=fps, moved=pulse(4.0, lasts_s))
    assert flash.start_s == pytest.approx(4.0, abs=1.5 / fps)
    assert flash.end_s == pytest.approx(4.0 + lasts_s, abs=1.5 / fps)
    assert flash.start_s <= flash.apex_s < flash.end_s
    assert flash.expression == "surprise"
    assert flash.strength >= S.sigmas


def test_several_flashes_are_each_spotted_once() -> None:
    flashes = spot(10.0, moved=lambda t_s: float(t_s > 2 and t_s % 1.3 < 0.1))
    assert len(flashes) == 6  # 2.6, 3.9, 5.2, 6.5, 7.8, 9.1


@pytest.mark.parametrize(
    "parts",
    [
        {},  # noise alone
        {"moved": pulse(4.0, 0.1), "felt": never},  # a jump of the landmarks
        {"moved": never, "felt": pulse(4.0, 0.1)},  # a jump of the scores
        {"moved": pulse(4.0, 0.8)},  # an expression
        {"moved": pulse(4.0, 9.0)},  # one that stays
        {"moved": pulse(4.0, 0.01)},  # a single frame
        {"moved": lambda t_s: float(t_s % 0.4 < 0.12)},  # speech
        {"moved": lambda t_s: 0.5 + 0.5 * np.sin(2 * np.pi * 0.2 * t_s)},  # slow
        {"moved": pulse(4.0, 0.15), "ear": lambda t_s: 0.3 - 0.2 * pulse(4.0, 0.15)(t_s)},  # blink
        {"moved": pulse(4.0, 0.1), "seen": lambda t_s: 1 - pulse(4.1, 0.05)(t_s)},  # then unseen
    ],
)
def test_what_is_no_flash(parts: dict[str, Strength]) -> None:
    assert spot(**parts) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("fps", "refused"), [(30.0, True), (50.0, True), (59.94, False)])
def test_too_few_frames_a_second_are_refused_in_words(fps: float, refused: bool) -> None:
    random, spotter = np.random.default_rng(1), FlashSpotter(S)
    assert spotter.refusal is None  # too early to tell
    found = []
    for number in range(round(8 * fps)):
        t_s = number / fps
        moved = pulse(4.0, 0.1)(t_s)
        found += spotter.step(t_s, *measures(t_s, random, moved, moved), 0.3)
    assert (spotter.refusal is not None) is refused
    assert len(found) == (0 if refused else 1)
    if refused:
        assert f"at {fps:.0f} frames/s" in str(spotter.refusal)
        assert "60 are needed" in str(spotter.refusal)


def watch(
    settings: CoreSettings, fps: float, yaw_deg: float = 0.0, *, against_rest: bool | None = None
) -> list[Event]:
    """Eight seconds through the core with a flash of 100 ms at 6 s; return what it told.

    ``against_rest``: the flash is in the scores against rest alone, or (False) in the others.
    """
    core, random, events = Core(settings), np.random.default_rng(1), []
    eye = EyeEvidence(ear=0.3, contrast=0.3)
    for number in range(round(8 * fps)):
        t_s = number / fps
        moved = pulse(6.0, 0.1)(t_s)
        shape, shares = measures(t_s, random, moved, moved)
        scores = ExpressionScores(shares, True, max(shares))
        if against_rest is not None:
            plain = measures(t_s, random, moved, 0.0)[1]
            absolute, own = (plain, shares) if against_rest else (shares, plain)
            known = {"relative": own, "rest_known": True, "rest_progress": 1.0}
            scores = replace(scores, probabilities=absolute, **known)  # type: ignore[arg-type]
        observation = DriverObservation(
            t_s, Box(0, 0, 9, 9), right_eye=eye, left_eye=eye, mar=0.02,
            pose=HeadPose(yaw_deg if t_s > 3 else 0.0, 0.0, 0.0),
            expression=scores, shape=shape,
        )  # fmt: skip
        events += core.step(observation, None, t_s).events
    return [one for one in events if one.kind in {Kind.MICRO_EXPRESSION, Kind.DEGRADED}]


def test_a_flash_is_an_event_and_never_an_alert() -> None:
    (event,) = watch(CoreSettings(micro=S), 100.0)
    assert (event.kind, event.level) == (Kind.MICRO_EXPRESSION, Level.NONE)
    assert event.values["expression"] == "surprise"
    assert event.reason == "a flash of surprise, 100 ms"
    assert event.values["by"] == "absolute"
    assert event.start_s == pytest.approx(6.0, abs=0.015)


def test_where_rest_is_known_flashes_are_those_of_the_scores_against_it() -> None:
    (event,) = watch(CoreSettings(micro=S), 100.0, against_rest=True)
    assert (event.values["expression"], event.values["by"]) == ("surprise", "rest")
    assert event.reason == "a flash of surprise, 100 ms, against rest"
    assert watch(CoreSettings(micro=S), 100.0, against_rest=False) == []


def test_the_refusal_is_told_once() -> None:
    (event,) = watch(CoreSettings(micro=S), 30.0)
    assert (event.kind, event.level) == (Kind.DEGRADED, Level.NONE)
    assert "cannot be spotted at 30 frames/s" in event.reason


@pytest.mark.parametrize(
    "settings", [CoreSettings(), CoreSettings(micro=S, rage=RageSettings(workplace=True))]
)
def test_off_by_default_and_at_a_workplace(settings: CoreSettings) -> None:
    assert watch(settings, 100.0) == []


def test_a_turned_head_is_not_read() -> None:
    assert watch(CoreSettings(micro=S), 100.0, yaw_deg=25.0) == []


def test_the_bench_says_why_there_are_none(tmp_path, capsys) -> None:
    path = tmp_path / "drive.jsonl"
    save((Moment(DriverObservation(at / 30)) for at in range(60)), path)
    settings = ["-s", "bridges=[]", "-s", "core.micro.enabled=true"]
    assert main(["bench", str(path), *settings]) == 0
    assert "cannot be spotted at 30 frames/s" in capsys.readouterr().out
