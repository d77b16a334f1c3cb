"""Openness of each eye, 0 closed .. 1 open, fused from EAR, eye-state net and head pose.

dlib draws an average eye where it sees none, so the net (and the picture's own contrast) has the
word on whether the EAR counts; either alone is enough to give a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from dms.odds import logit
from dms.settings import setting, settings
from dms.values import EyeEvidence, EyeObservation, HeadPose, Unseen

_GLARE, _DARK = Unseen.GLARE, Unseen.DARK  # bound once, as in dms.decision.policy
CLOSED_RATIO = 0.4  # as DMS56 draws a closed eye; a chain with other landmarks says so


@settings
class OpennessSettings:
    """How the sources are scaled and weighed."""

    closed_ratio: float | None = setting(
        None, gt=0, lt=0.8,
        text="EAR of a closed eye over the open one; null: as the landmark model draws it",
    )  # fmt: skip
    visible_above: float = setting(
        0.85,
        gt=0,
        lt=1,
        source="measured: 0.91 and above on seen eyes, mostly below 0.5 on covered ones",
        text="net: below this the eye is not seen",
    )
    closed_logit: float = setting(-1.5, lt=1, text="the net's logit of a closed eye")
    net_weight: float = setting(0.5, ge=0, le=1, text="of the net where both sources speak")
    net_weight_closed: float = setting(
        0.8, ge=0, le=1, text="the same where the net is sure of closed: dlib draws eyes open"
    )
    ear_certainty: float = setting(0.7, gt=0, le=1, text="of the EAR on a frontal, clear face")
    fit_full: float = setting(
        0.8, gt=0, le=1, text="landmarks that look less like a face than this are less certain"
    )
    contrast_least: float = setting(0.04, ge=0, text="flatter eye crops are not believed")
    disagree: float = setting(0.5, gt=0, le=1, text="sources this far apart: certainty halves")
    far_from_deg: float = setting(20.0, unit="deg", gt=0, text="yaw where the far eye fades")
    far_to_deg: float = setting(45.0, unit="deg", gt=0, text="yaw where the far eye is lost")
    near_to_deg: float = setting(60.0, unit="deg", gt=0, text="yaw where the near eye is lost")
    down_from_deg: float = setting(
        12.0, unit="deg", ge=0, text="head lower than this: lids follow the gaze down"
    )
    down_gain: float = setting(0.015, unit="1/deg", ge=0, text="openness given back per degree")
    down_most: float = setting(0.15, ge=0, lt=0.5, text="most that is given back")
    lens_below: float = setting(
        0.6, gt=0, lt=1, text="a hidden eye this dark against the face: behind a dark lens"
    )
    glare_above: float = setting(1.4, gt=1, text="this bright against the face: glare")
    dark_below: float = setting(12.0, ge=0, lt=255, text="mean gray of a face too dark to read")
    bright_above: float = setting(243.0, gt=0, le=255, text="mean gray of a washed-out face")

    def __post_init__(self) -> None:
        if not self.far_from_deg < self.far_to_deg < self.near_to_deg:
            raise ValueError("far_from_deg < far_to_deg < near_to_deg is expected")
        if self.dark_below >= self.bright_above:
            raise ValueError("dark_below must be less than bright_above")


@dataclass(slots=True)
class Openness:
    """Both eyes, their joint openness, and what may be learned from them (right, left).

    ``ears`` are corrected for pose, ``logits`` are the net's. ``lids``: what a closure is
    judged by; as ``both``, but a net that sees a more open eye weighs more while the open EAR is
    still the population's, or narrow eyes would begin as closed ones (only with a pose: without one
    nothing is learned). Blinks are told from ``both``, as the EAR follows them more closely.
    """

    right: EyeObservation
    left: EyeObservation
    both: float | None
    certainty: float
    unseen: Unseen | None
    ears: tuple[float | None, float | None] = (None, None)
    logits: tuple[float | None, float | None] = (None, None)
    lids: float | None = None


# One eye: what is seen of it, its EAR and logit as far as they may be learned from, and how much
# more open a leading net would say it is.
_Eye: TypeAlias = tuple[EyeObservation, float | None, float | None, float]


def correct_ear(ear: float, pose: HeadPose | None, *, far: bool) -> float:
    """Undo what the head's pose (relative to normal) does to the EAR.

    Yaw narrows the eye, the far one more, and so raises its EAR; pitch flattens it.
    """
    if pose is None:
        return ear
    # Less than geometry asks for: measured on dlib's points the EAR hardly changes up to 30 deg,
    # and a correction must never close an eye by itself.
    yaw, pitch = abs(pose.yaw_deg) * (0.8 if far else 0.4), abs(pose.pitch_deg)
    yaw, pitch = 40.0 if yaw > 40.0 else yaw, 45.0 if pitch > 45.0 else pitch
    return ear * math.cos(math.radians(yaw)) / math.cos(math.radians(pitch))


def fuse(
    evidence: tuple[EyeEvidence, EyeEvidence],
    open_ears: tuple[float, float],
    open_logits: tuple[float, float],
    pose: HeadPose | None,
    settings: OpennessSettings,
    *,
    brightness: float | None = None,
    unseen: Unseen | None = None,
    fit: float | None = None,
    own: tuple[float, float] = (1.0, 1.0),
) -> Openness:
    """Fuse the (right, left) evidence given each eye's own open EAR and logit, and the pose.

    ``unseen``: why perception saw no face, if it saw none; ``fit``: how much the points that it
    rests on look like a face, None where that is not known; ``own``: how much of each open EAR is
    this driver's own and not the population's, 0..1.
    """
    trust = 1.0 if fit is None or fit >= settings.fit_full else fit / settings.fit_full
    yaw = 0.0 if pose is None else pose.yaw_deg
    light = None
    if brightness is not None and not settings.dark_below <= brightness <= settings.bright_above:
        light = Unseen.DARK if brightness < settings.dark_below else Unseen.OVEREXPOSED
    # Turned right hides the right eye.
    own_right, own_left = own
    right = _one_eye(
        evidence[0], open_ears[0], open_logits[0], own_right, pose, trust, yaw < 0, light, settings
    )
    left = _one_eye(
        evidence[1], open_ears[1], open_logits[1], own_left, pose, trust, yaw > 0, light, settings
    )
    return _join(right, left, unseen)


def _one_eye(
    eye: EyeEvidence,
    open_ear: float,
    open_logit: float,
    own: float,
    pose: HeadPose | None,
    trust: float,
    far: bool,
    light: Unseen | None,
    settings: OpennessSettings,
) -> _Eye:
    """Join one eye's EAR and logit, each against its own open value.

    ``own``: how much of the open EAR is this driver's own; ``far``: the head is turned from it.
    """
    last_deg = settings.far_to_deg if far else settings.near_to_deg
    first_deg = settings.far_from_deg if far else settings.far_to_deg
    turned_deg = 0.0 if pose is None else abs(pose.yaw_deg)
    share = (last_deg - turned_deg) / (last_deg - first_deg)
    sight = trust * (0.0 if share < 0.0 else 1.0 if share > 1.0 else share)
    unseen = _hidden(eye, sight, light, settings)
    if unseen is not None:
        return EyeObservation(None, 0.0, unseen), None, None, 0.0
    ear, net = eye.ear, eye.open_probability
    sure = 1.0 if eye.visible_probability is None else eye.visible_probability
    from_ear = from_net = lead = 0.0
    if ear is not None:
        ear = correct_ear(ear, pose, far=far)
        from_ear = ear_openness(ear, open_ear, pose, settings)
    if net is not None:
        net = logit(net)
        from_net = net_openness(net, open_logit, settings)
    if net is None:
        if ear is None:
            return EyeObservation(None, 0.0, Unseen.NOT_MEASURED), None, None, 0.0
        value, certainty = from_ear, settings.ear_certainty * sure * sight
    elif ear is None:
        value, certainty = from_net, sure * sight
    else:
        shut = 0.0 if net > 0.0 else 1.0 if net < -1.0 else -net  # how sure the net is of closed
        more = settings.net_weight_closed - settings.net_weight
        weight = settings.net_weight + shut * more
        ahead = from_net - from_ear
        if pose is not None and ahead > 0.0:  # without a pose nothing is learned: it led for good
            leads = 1.0 - own - shut
            lead = (leads if leads > 0.0 else 0.0) * more * ahead
        if abs(ahead) > settings.disagree:
            sure *= 0.5
        value = weight * from_net + (1 - weight) * from_ear
        certainty = sure * sight
    believed = sight > 0.5
    return (
        EyeObservation(value, certainty, None),
        ear if believed else None,
        net if believed else None,
        lead,
    )


def net_openness(net: float, open_logit: float, settings: OpennessSettings) -> float:
    """Return 0..1 for the net's logit against this eye's own open one.

    Relative as with the EAR: on some faces the net says 0.99 open and 0.95 closed.
    """
    value = (net - settings.closed_logit) / (open_logit - settings.closed_logit)
    return 0.0 if value < 0.0 else 1.0 if value > 1.0 else value


def _hidden(
    eye: EyeEvidence, sight: float, light: Unseen | None, settings: OpennessSettings
) -> Unseen | None:
    """Why this eye's values do not count, None if they do. The net overrules mere brightness."""
    visible = eye.visible_probability
    if sight <= 0.0:
        return Unseen.TURNED_AWAY
    if visible is not None:
        if visible < settings.visible_above:
            return eye.unseen or light or _cover(eye.shade, settings)
        unseen = eye.unseen
        return None if unseen is _GLARE or unseen is _DARK else unseen
    if eye.unseen is not None or light is not None:
        return eye.unseen or light
    flat = eye.contrast is not None and eye.contrast < settings.contrast_least
    return Unseen.COVERED if flat else None


def _cover(shade: float | None, settings: OpennessSettings) -> Unseen:
    """What hides an eye, told from its brightness against the face's."""
    if shade is None or settings.lens_below <= shade <= settings.glare_above:
        return Unseen.COVERED
    return Unseen.SUNGLASSES if shade < settings.lens_below else Unseen.GLARE


def ear_openness(
    ear: float, open_ear: float, pose: HeadPose | None, settings: OpennessSettings
) -> float:
    """Return 0..1 for a pose-corrected EAR against this eye's own open EAR."""
    closed = CLOSED_RATIO if settings.closed_ratio is None else settings.closed_ratio
    value = (ear / open_ear - closed) / (1.0 - closed)
    if pose is not None and pose.pitch_deg < -settings.down_from_deg:
        below = -pose.pitch_deg - settings.down_from_deg
        value += min(below * settings.down_gain, settings.down_most)
    return 0.0 if value < 0.0 else 1.0 if value > 1.0 else value


def _join(of_right: _Eye, of_left: _Eye, unseen: Unseen | None) -> Openness:
    right, right_ear, right_logit, right_lead = of_right
    left, left_ear, left_logit, left_lead = of_left
    one, other = right.openness, left.openness
    first = 0.0 if one is None else right.certainty
    second = 0.0 if other is None else left.certainty
    total = first + second
    if total <= 0.0:
        reason = unseen or right.unseen or left.unseen or Unseen.UNSURE
        return Openness(right, left, None, 0.0, reason)
    both = ((one or 0.0) * first + (other or 0.0) * second) / total
    certainty = second if second > first else first
    if one is not None and other is not None:  # a wink, or one eye misread: less sure
        certainty *= 1.0 - 0.5 * abs(one - other)
    lead = (right_lead * right.certainty + left_lead * left.certainty) / total
    ears, logits = (right_ear, left_ear), (right_logit, left_logit)
    return Openness(right, left, both, certainty, None, ears, logits, both + lead)
