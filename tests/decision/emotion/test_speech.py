import math

import pytest

from dms.decision.emotion.speech import Speech, SpeechSettings


def speaks(mar, seconds=4.0, fps=15.0):
    speech = Speech(SpeechSettings())
    return [speech.step(n / fps, mar(n / fps)) for n in range(round(seconds * fps))]


@pytest.mark.parametrize(
    ("mar", "at_work"),
    [
        (lambda t: 0.02, False),
        (lambda t: 0.10, False),  # lips that are apart, and stay so
        (lambda t: 0.25, False),  # a mouth open at rest, as some breathe
        (lambda t: 0.02 + 0.01 * math.sin(20 * t), False),  # the landmarks' noise
        (lambda t: 0.02 + 0.12 * math.sin(4 * math.pi * t) ** 2, True),  # syllables
        (lambda t: 0.4, True),  # a mouth held wide: a shout, a long vowel
        (lambda t: None, False),
    ],
)
def test_a_mouth_at_work(mar, at_work):
    assert speaks(mar)[-1] is at_work


@pytest.mark.parametrize("fps", [5.0, 15.0, 60.0])
def test_talk_is_found_within_a_second_and_ends_after_it(fps):
    told = speaks(
        lambda t: 0.02 + (0.12 * math.sin(4.3 * math.pi * t) ** 2 if 5 <= t < 10 else 0.0),
        seconds=16.0,
        fps=fps,
    )
    assert not any(told[: round(5 * fps)])
    assert told[round(6.2 * fps)]
    assert not any(told[round(13 * fps) :])


def test_the_talk_of_another_mouth_is_forgotten():
    speech = Speech(SpeechSettings())
    for n in range(30):
        speech.step(n / 15, 0.02 + 0.12 * (n % 2))
    speech.forget()
    assert [speech.step(2.0 + n / 15, 0.30) for n in range(15)] == [False] * 15
