"""The driver's resting face as an embedding: learned in memory, used in memory, then forgotten.

An embedding may tell whose face it is. So it never leaves this module: :meth:`RestingFace.read`
takes it off the observation and puts what it says against rest in its place.

Who gets in angry teaches an angry rest. So a rest that reads angrier than people's is in doubt: a
milder face takes its place as soon as it was seen for longer. The other way round, never.
"""

from __future__ import annotations

import math
from dataclasses import fields
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.decision.emotion.relative import Numbers, RelativeHead
from dms.decision.tick import reached
from dms.settings import setting, settings
from dms.values import AROUSAL, EXPRESSIONS, VALENCE, DriverObservation, ExpressionScores

_FEWEST, _QUICKEST_S = 5, 0.05  # frames that a rest is made anew of; between two of them
_LIVELY = [EXPRESSIONS.index(name) for name in ("happiness", "surprise")]
_CONTEMPT = EXPRESSIONS.index("contempt")
_SEVEN = [at for at in range(len(EXPRESSIONS)) if at != _CONTEMPT]
_VALENCE, _AROUSAL = np.asarray(VALENCE), np.asarray(AROUSAL)
_ANGRY = [EXPRESSIONS.index(name) for name in ("anger", "disgust")]
_FIELDS = [one.name for one in fields(DriverObservation)]
_BEFORE = attrgetter(*_FIELDS[: _FIELDS.index("expression")])
_BEHIND = attrgetter(*_FIELDS[_FIELDS.index("expression") + 1 :])


@settings
class RestSettings:
    """From which frames the resting face is learned, and how far it may lie or drift."""

    least_s: float = setting(
        20.0, unit="s", gt=0, text="calm frames of this time make it; until then, no road rage"
    )
    apart_s: float = setting(
        0.1, unit="s", gt=0, text="frames closer together than this teach once"
    )
    open_least: float = setting(0.5, gt=0, lt=1, text="openness of the eyes that may teach")
    lively_most: float = setting(
        0.5, gt=0, lt=1, text="happiness + surprise above this are no resting face"
    )
    outlier: float = setting(
        2.0, gt=1, text="frames this many times as far off as the median are left out"
    )
    angry_sds: float = setting(
        2.0, gt=0, text="towards and from anger it lies within this many SDs of people's rest"
    )
    stern_most: float = setting(
        2.0, unit="log odds", ge=0,
        text="a rest that reads angrier than people's takes off what it reads so, at most this",
    )  # fmt: skip
    memory_s: float = setting(
        180.0, unit="s", gt=0,
        text="time constant of its drift; a milder face seen for so long takes its place",
    )  # fmt: skip
    drift_most: float = setting(
        1.0, gt=0, text="most it may drift, in median distances of the first frames"
    )
    upset_above: float = setting(
        -0.3, unit="log odds", text="anger + disgust above this teaches nothing, once rest is known"
    )
    sure_above: float = setting(
        0.5, ge=0, le=1, source="nets.reading.sure_above",
        text="strongest score against rest from which the scores are believed",
    )  # fmt: skip


def bare(observation: DriverObservation) -> DriverObservation:
    """Return ``observation`` without the face's embedding."""
    scores = observation.expression
    if scores is None or scores.embedding is None:
        return observation
    return _with(observation, _bare(scores))


def _with(observation: DriverObservation, scores: ExpressionScores) -> DriverObservation:
    """Return ``observation`` with these scores, at a third of what ``replace`` takes."""
    values: tuple[Any, ...] = (*_BEFORE(observation), scores, *_BEHIND(observation))
    return DriverObservation(*values)


def _bare(
    scores: ExpressionScores,
    *,
    known: bool | None = None,
    progress: float | None = None,
) -> ExpressionScores:
    """Return ``scores`` without the embedding, with what is said of the rest where it is."""
    return ExpressionScores(
        scores.probabilities,
        scores.sure,
        scores.confidence,
        scores.valence,
        scores.arousal,
        None,
        scores.rage_log_odds,
        scores.relative,
        scores.rest_known if known is None else known,
        scores.rest_progress if progress is None else progress,
    )


def _milder(scores: Numbers, stern: float) -> Numbers:
    """Take ``stern`` off the log odds of anger and disgust, (8,) scores; contempt stays."""
    mild: Numbers = scores.copy()
    mild[_ANGRY] *= np.exp(-stern)
    rest = 1.0 - scores[_CONTEMPT]
    mild[_SEVEN] *= rest / mild[_SEVEN].sum()
    return mild


class RestingFace:
    """Step :meth:`read`, then :meth:`learn` with every frame in time order."""

    def __init__(self, settings: RestSettings, head: RelativeHead | None) -> None:
        self._settings, self._head = settings, head
        self.given = False
        self.forget()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are those of a driver who has just sat down."""
        return RestingFace, (self._settings, self._head)

    def forget(self) -> None:
        """Forget the driver's face, at once."""
        self._now: Numbers | None = None  # of the frame that was read last
        self._first: list[NDArray[np.float32]] = []  # until rest is known
        self._mean: Numbers | None = None
        self._anchor: Numbers | None = None
        self._rest: Numbers | None = None  # the mean within the population's bounds
        self._stern = 0.0  # log odds by which the rest reads angrier than people's
        self._spread = 0.0  # median distance of the first frames from their middle
        self._scatter = 0.0  # the same of how angry they read, in log odds
        self._learned_s = 0.0  # and, once rest is known, for how long a face like it was seen
        self._milder_s = 0.0  # for how much longer than that a milder one, of a doubtful rest
        self._last_s = float("-inf")

    def succeed(self, old: RestingFace) -> None:
        """Take over from ``old``, whose settings were others; not from another net."""
        if self._head is None or not self._head.same(old._head):
            return
        self._first, self._mean, self._anchor = old._first, old._mean, old._anchor
        self._spread, self._scatter, self._last_s = old._spread, old._scatter, old._last_s
        self._learned_s, self._milder_s = old._learned_s, old._milder_s
        self._bound()

    @property
    def progress(self) -> float:
        """How much of the resting face is learned, 0..1; 1 is known."""
        if self._rest is not None:
            return 1.0
        return min(self._learned_s / self._settings.least_s, 0.99)

    def read(self, observation: DriverObservation, *, private: bool) -> DriverObservation:
        """Return ``observation`` without its embedding, with what that says against rest.

        Without an embedding, as in a replay, what was made of it then is taken as it stands.
        ``private``: the frame must not be learned from.
        """
        self._now = None
        scores = observation.expression
        if scores is None:
            return observation
        if scores.embedding is None:
            self.given = self.given or scores.rest_known is not None
            return observation
        face = np.asarray(scores.embedding.numbers, np.float64)
        head = self._head
        if head is None or face.shape != (head.size,) or not np.isfinite(face).all():
            return _with(observation, _bare(scores))
        self._now = None if private else face
        return _with(observation, self._against(scores, face, head))

    def _against(
        self, scores: ExpressionScores, face: Numbers, head: RelativeHead
    ) -> ExpressionScores:
        """Put what the pair of embeddings says in the embedding's place."""
        if self._rest is None:
            return _bare(scores, known=False, progress=round(self.progress, 3))
        eight = _milder(head.scores(face, self._rest, scores.probabilities), self._stern)
        angry = float(eight[_ANGRY].sum())
        return ExpressionScores(
            scores.probabilities,
            sure=bool(max(float(eight.max()), angry) >= self._settings.sure_above),
            confidence=scores.confidence,
            valence=round(float(eight @ _VALENCE), 6),
            arousal=round(float(eight @ _AROUSAL), 6),
            rage_log_odds=round(head.log_odds(face, self._rest) - self._stern, 6),
            relative=tuple([round(score, 6) for score in eight.tolist()]),
            rest_known=True,
            rest_progress=1.0,
        )

    def learn(
        self, observation: DriverObservation, openness: float | None, *, speaking: bool
    ) -> None:
        """Let the frame that was read last, of a frontal face, teach what rest is."""
        face, self._now = self._now, None
        s, scores, t_s = self._settings, observation.expression, observation.t_s
        if face is None or scores is None or speaking or (openness or 0.0) < s.open_least:
            return
        if sum(scores.probabilities[at] for at in _LIVELY) > s.lively_most:
            return
        since_s = t_s - self._last_s
        if not reached(since_s, s.apart_s):
            return
        self._last_s, dt_s = t_s, min(since_s, 0.5)
        if self._mean is None:
            self._learned_s += dt_s
            self._first.append(face.astype(np.float32))
            if reached(self._learned_s, s.least_s):
                self._conclude()
        elif (scores.rage_log_odds or 0.0) <= s.upset_above:
            if self._milder(face):
                self._doubt(face, dt_s)
            else:
                self._confirm(dt_s)
                self._drift(face, dt_s)

    def _milder(self, face: Numbers) -> bool:
        """Whether the rest reads angrier than people's, and ``face`` clearly less so than it.

        Clearly is beyond the scatter of the first frames, and by more than people lie apart.
        """
        head, mean = self._head, self._mean
        if head is None or mean is None:
            return False
        people = head.population
        rest = head.log_odds(mean, people)
        if rest <= head.log_odds(people, people):
            return False
        off = rest - head.log_odds(face, people)
        return off > max(self._settings.outlier * self._scatter, head.people_sd)

    def _doubt(self, face: Numbers, dt_s: float) -> None:
        """Take a milder face for the rest once it was seen for longer than the present one."""
        s = self._settings
        self._milder_s += dt_s
        self._first.append(face.astype(np.float32))
        newest = max(math.ceil(s.least_s / max(s.apart_s, _QUICKEST_S)), _FEWEST)
        del self._first[:-newest]  # they are enough
        long_enough = reached(self._milder_s, max(s.least_s, self._learned_s))
        if long_enough and len(self._first) >= _FEWEST:
            self._learned_s, self._milder_s = self._milder_s, 0.0
            self._conclude()

    def _confirm(self, dt_s: float) -> None:
        """Count a face like the rest for it, and against a milder one."""
        self._learned_s = min(self._learned_s + dt_s, self._settings.memory_s)
        self._milder_s = max(self._milder_s - dt_s, 0.0)
        if not self._milder_s:
            self._first = []

    def _conclude(self) -> None:
        """Make the robust mean of the first frames, which are then forgotten."""
        faces = np.stack(self._first).astype(np.float64)
        self._first = []
        distances = np.linalg.norm(faces - np.median(faces, axis=0), axis=1)
        self._spread = float(np.median(distances))
        near = distances <= self._settings.outlier * self._spread
        self._anchor = self._mean = faces[near].mean(axis=0)
        if self._head is not None:
            reads = faces @ (self._head.rage_embedding + self._head.rage_change)
            self._scatter = float(np.median(np.abs(reads - np.median(reads))))
        self._bound()

    def _drift(self, face: Numbers, dt_s: float) -> None:
        """Follow slowly, within bounds about the first rest; outliers are left out."""
        mean, anchor, s = self._mean, self._anchor, self._settings
        if mean is None or anchor is None:
            return
        if float(np.linalg.norm(face - mean)) > s.outlier * self._spread:
            return
        mean = mean + (face - mean) * min(dt_s / s.memory_s, 1.0)
        off = mean - anchor
        length, most = float(np.linalg.norm(off)), s.drift_most * self._spread
        self._mean = anchor + off * (most / length) if length > most else mean
        self._bound()

    def _bound(self) -> None:
        head, s = self._head, self._settings
        if self._mean is not None and head is not None:
            self._rest = head.bounded(self._mean, s.angry_sds)
            usual = head.log_odds(head.population, head.population)
            above = head.log_odds(self._rest, self._rest) - usual
            self._stern = min(max(above, 0.0), s.stern_most)
