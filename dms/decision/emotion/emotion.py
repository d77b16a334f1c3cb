"""All of the decision core that infers emotion, in one room: where it is off, nothing is inferred.

Joins the tracks of the expression, the vehicle's context, the evidence of rage and the spotting of
micro-expressions; what each does stands in its own module.
"""

from __future__ import annotations

from collections.abc import Mapping

from dms.decision.baseline import Baseline
from dms.decision.emotion.affect import Affect, AffectSettings, AffectTracks
from dms.decision.emotion.context import Context, ContextSettings
from dms.decision.emotion.micro_expressions import Flash, FlashSpotter, MicroExpressionSettings
from dms.decision.emotion.rage import UNSEEN_RAGE, Episode, RageMeter, RageSettings
from dms.decision.emotion.relative import RelativeHead
from dms.decision.emotion.rest import RestingFace, RestSettings, bare
from dms.decision.emotion.speech import Speech, SpeechSettings
from dms.decision.tick import Tick
from dms.values import (
    DriverObservation,
    EmotionBy,
    Event,
    HeadPose,
    Kind,
    Level,
    Scalar,
    VehicleContext,
)


class Emotion:
    """Step it with every frame in time order; ``affect`` and ``rage`` hold the result.

    ``head``: the weights that read a face against its own rest, None where the net has none.
    """

    def __init__(
        self,
        affect: AffectSettings,
        rage: RageSettings,
        context: ContextSettings,
        micro: MicroExpressionSettings,
        rest: RestSettings,
        speech: SpeechSettings,
        head: RelativeHead | None = None,
    ) -> None:
        self._on = rage.on
        self._tracks = AffectTracks(affect, rage.against_rest)
        self._context = Context(context)
        self._meter = RageMeter(rage, affect.forget_s)
        self._spotter = FlashSpotter(micro) if micro.enabled else None
        self._rest = RestingFace(rest, head)
        self._speech = Speech(speech)
        self._speaking = False
        self._refused = False
        self.affect = Affect()
        self.rage = UNSEEN_RAGE

    @property
    def rest_given(self) -> bool:
        """Whether what was read against rest came with the observations, as in a replay."""
        return self._rest.given

    def forget(self) -> None:
        """Forget the driver at once, as another may sit down: rest, mood, anger and talk."""
        self._rest.forget()
        self._tracks.forget()
        self._meter.forget()
        self._speech.forget()
        if self._spotter is not None:
            self._spotter.clear()

    def succeed(self, old: Emotion) -> None:
        """Go on with the resting face of ``old``, whose settings were others."""
        if self._on:
            self._rest.succeed(old._rest)

    def read(self, observation: DriverObservation, *, private: bool = False) -> DriverObservation:
        """Return ``observation`` as it may be kept and as all that follows wants it.

        That is without the face's embedding, which this takes for itself; ``private``: the driver's
        face is forgotten, and not learned from this frame.
        """
        if private:
            self.forget()
        return self._rest.read(observation, private=private) if self._on else bare(observation)

    def step(
        self,
        tick: Tick,
        observation: DriverObservation,
        pose: HeadPose | None,
        vehicle: VehicleContext | None,
        base: Baseline,
    ) -> list[Event]:
        """Take one frame; ``pose`` is against the baseline. Return what has ended, level 0."""
        if not self._on:
            return []
        t_s = tick.t_s
        self._speaking = self._speech.step(t_s, observation.mar)
        was = self.affect.rest_known
        self.affect = affect = self._tracks.step(t_s, observation.expression, pose)
        known = base.rest_known if affect.rest_known is None else affect.rest_known
        mood = self._context.step(t_s, vehicle)
        rest = base.rest if known else None
        self.rage = self._meter.step(tick, affect, rest, mood, speaking=self._speaking)
        events = [] if self.rage.ended is None else [_ended(t_s, self.rage.ended)]
        if self._spotter is not None:
            if affect.rest_known is not was:
                self._spotter.clear()
            events += self._spot(self._spotter, observation, pose)
        return events

    def learn(
        self,
        observation: DriverObservation,
        pose: HeadPose,
        base: Baseline,
        openness: float | None,
    ) -> None:
        """Let a frontal face teach what rest is; ``openness`` is that of its eyes."""
        scores = observation.expression
        if self._on and scores is not None and self._tracks.frontal(pose):
            calm = self._meter.calm(self.affect, base.rest)
            base.learn_rest(scores.probabilities, observation.t_s, calm=calm)
            self._rest.learn(observation, openness, speaking=self._speaking)

    def _spot(
        self, spotter: FlashSpotter, observation: DriverObservation, pose: HeadPose | None
    ) -> list[Event]:
        """Return the micro-expressions that have become certain, and once why there are none."""
        t_s, scores = observation.t_s, observation.expression
        seen = scores if self._tracks.frontal(pose) else None
        shape = None if seen is None else observation.shape
        probabilities = None if seen is None else seen.relative or seen.probabilities
        flashes = spotter.step(t_s, shape, probabilities, _lids(observation))
        relative = seen is not None and seen.relative is not None
        by = EmotionBy.REST if relative else EmotionBy.ABSOLUTE
        events = [_flashed(t_s, flash, by) for flash in flashes]
        refusal = spotter.refusal
        if refusal and not self._refused:
            values = {"part": "micro_expressions"}
            events.append(Event(t_s, Kind.DEGRADED, Level.NONE, refusal, values=values))
        self._refused = refusal is not None
        return events


def _ended(t_s: float, episode: Episode) -> Event:
    reason = f"the anger has ended; at its peak: {episode.reason}"
    values: Mapping[str, Scalar] = {
        "peak": round(episode.peak, 3),
        "peak_s": round(episode.peak_s, 3),
        "level": int(episode.level),
    }
    span = (episode.start_s, episode.end_s)
    return Event(t_s, Kind.ROAD_RAGE, Level.NONE, reason, *span, values)


def _flashed(t_s: float, flash: Flash, by: EmotionBy) -> Event:
    lasted_ms = (flash.end_s - flash.start_s) * 1000
    reason = f"a flash of {flash.expression}, {lasted_ms:.0f} ms"
    reason += ", against rest" if by is EmotionBy.REST else ""
    values: Mapping[str, Scalar] = {
        "apex_s": round(flash.apex_s, 4),
        "expression": flash.expression,
        "strength": round(flash.strength, 2),
        "by": by.value,
    }
    span = (flash.start_s, flash.end_s)
    return Event(t_s, Kind.MICRO_EXPRESSION, Level.NONE, reason, *span, values)


def _lids(observation: DriverObservation) -> float | None:
    """Return the mean EAR, 0 where the net sees shut eyes: behind glasses EAR misses blinks."""
    eyes = (observation.right_eye, observation.left_eye)
    ears = [eye.ear for eye in eyes if eye.ear is not None]
    nets = [eye.open_probability for eye in eyes if eye.open_probability is not None]
    if not ears or (nets and sum(nets) / len(nets) < 0.5):
        return 0.0 if ears else None
    return sum(ears) / len(ears)
