"""The columns of the frame table, and one frame as its row."""

from __future__ import annotations

from dms.files.events import rounded
from dms.values import (
    EXPRESSIONS,
    DriverObservation,
    DriverState,
    ExpressionScores,
    EyeEvidence,
    Scalar,
    VehicleContext,
)

_EYE = {
    "lids_open": "probability that the lids are open",
    "lids_lowered": "the same, lowered after the gaze; 0 where the eye is too small to tell",
    "lids_closed": "the same, closed",
    "iris_x": "iris from the middle of the corners, towards the picture's right, in eye widths,",
    "iris_y": "the same, down,",
    "iris_sd": "one standard deviation of both",
}

# Column -> what it holds. Empty (CSV) or null (Parquet) is unknown.
COLUMNS = {
    "t_s": "seconds from the start of the recording",
    "openness_right": "openness of the driver's right eye, 0 closed .. 1 open",
    "certainty_right": "how sure that is, 0..1",
    "openness_left": "openness of the driver's left eye, 0 closed .. 1 open",
    "certainty_left": "how sure that is, 0..1",
    "ear": "eye aspect ratio, mean of both eyes",
    "ear_right": "eye aspect ratio of the right eye",
    "ear_left": "eye aspect ratio of the left eye",
    "mar": "mouth aspect ratio of the inner lips",
    "yaw_deg": "head yaw against the camera's axis, left +",
    "pitch_deg": "head pitch, up +",
    "roll_deg": "head roll, right +",
    **{name: f"expression score of {name}, 0..1, newest" for name in EXPRESSIONS},
    "against_rest": "1 where those are against the driver's own resting face, 0 as anybody's face",
    "rage_log_odds": "log odds of anger + disgust against rest, newest",
    "rest_progress": "how much of the resting face is learned, 0..1",
    "level": "alert level 0..3",
    "state": "kind of the highest active alert, else eyes: open, closed or unknown",
    "openness": "openness of both eyes fused, 0..1",
    "closed_s": "how long the eyes have been closed, s",
    "perclos": "PERCLOS P80 over its window, 0..1",
    "drowsiness": "drowsiness in KSS numbers 1..9 (an estimate)",
    "away_s": "how long attention has been off the road, s",
    "lids": "open, lowered, closed, away_or_closed or unknown, over time",
    "unsure_s": "how long the eyes have been closed or away, which cannot be told apart, s",
    **{
        f"{side}_{name}": f"{text} of the {side} eye"
        for side in ("right", "left")
        for name, text in _EYE.items()
    },
    "gaze_yaw_deg": "gaze against the learned road ahead, left +",
    "gaze_pitch_deg": "gaze, up +",
    "gaze_sd_deg": "one standard deviation of the less certain angle",
    "gaze_zone": "where that is: road, left, right, up, mirror, down, lap ..., or unknown",
    "attention_by": "what says that attention is off the road: head, gaze or both",
    "rage": "evidence of anger over time, 0..1",
    "valence": "-1 unpleasant .. 1 pleasant",
    "baseline_progress": "how much of the driver's own normal is learned, 0..1",
    "face": "1 where a face is followed, else 0",
    "unseen": "why the eyes are unknown",
    "speed_kmh": "vehicle speed",
    "steering_deg": "steering wheel angle, left +",
    "brake": "brake pedal or pressure, 0..1",
    "accelerator": "accelerator pedal, 0..1",
    "acceleration_mps2": "acceleration along the vehicle, forward +",
    "horn": "1 while the horn sounds, else 0",
    "gear": "selector: park, reverse, neutral or drive",
    "indicator": "turn indicator: off, left, right or hazard",
}
TEXTS = frozenset({"state", "lids", "gaze_zone", "attention_by", "unseen", "gear", "indicator"})

_UNITS = {"_s": "s", "_deg": "deg", "_kmh": "km/h", "_mps2": "m/s2"}


def unit_of(column: str) -> str:
    """Return the unit of a column of the frame table by its name's end, empty where it has none."""
    return next((unit for end, unit in _UNITS.items() if column.endswith(end)), "")


def row(
    observation: DriverObservation,
    state: DriverState,
    scores: ExpressionScores | None,
    vehicle: VehicleContext | None = None,
) -> dict[str, Scalar]:
    """Return one frame as a row of :data:`COLUMNS`; ``scores``: the newest."""
    ears = [eye.ear for eye in (observation.right_eye, observation.left_eye) if eye.ear is not None]
    pose = observation.pose
    values: dict[str, Scalar] = {
        "t_s": observation.t_s,
        "openness_right": state.right_eye.openness,
        "certainty_right": state.right_eye.certainty,
        "openness_left": state.left_eye.openness,
        "certainty_left": state.left_eye.certainty,
        "ear": sum(ears) / len(ears) if ears else None,
        "ear_right": observation.right_eye.ear,
        "ear_left": observation.left_eye.ear,
        "mar": observation.mar,
        "yaw_deg": pose.yaw_deg if pose else None,
        "pitch_deg": pose.pitch_deg if pose else None,
        "roll_deg": pose.roll_deg if pose else None,
        **_expression_columns(scores),
        "rest_progress": state.rest_progress,
        "level": int(state.level),
        "state": state.kind.value if state.kind else state.eyes.value,
        "openness": state.openness,
        "closed_s": state.closed_s,
        "perclos": state.perclos,
        "drowsiness": state.drowsiness,
        "away_s": state.away_s,
        "lids": state.lids.value,
        "unsure_s": state.unsure_s,
        **_eye_columns("right", observation.right_eye),
        **_eye_columns("left", observation.left_eye),
        **_gaze_columns(state),
        "rage": state.rage,
        "valence": state.valence,
        "baseline_progress": state.baseline_progress,
        "face": int(state.face_seen),
        "unseen": state.eyes_unseen.value if state.eyes_unseen else None,
        **_vehicle_columns(vehicle),
    }
    return {name: rounded(values[name]) for name in COLUMNS}


def _eye_columns(side: str, eye: EyeEvidence) -> dict[str, Scalar]:
    lids, iris = eye.lids, eye.iris
    return {
        f"{side}_lids_open": lids.open if lids else None,
        f"{side}_lids_lowered": lids.lowered if lids else None,
        f"{side}_lids_closed": lids.closed if lids else None,
        f"{side}_iris_x": iris.x if iris else None,
        f"{side}_iris_y": iris.y if iris else None,
        f"{side}_iris_sd": iris.sd if iris else None,
    }


def _gaze_columns(state: DriverState) -> dict[str, Scalar]:
    gaze = state.gaze
    return {
        "gaze_yaw_deg": gaze.yaw_deg if gaze else None,
        "gaze_pitch_deg": gaze.pitch_deg if gaze else None,
        "gaze_sd_deg": gaze.sd_deg if gaze else None,
        "gaze_zone": state.gaze_zone.value,
        "attention_by": state.attention_by.value if state.attention_by else None,
    }


def _expression_columns(scores: ExpressionScores | None) -> dict[str, Scalar]:
    if scores is None:
        return dict.fromkeys((*EXPRESSIONS, "against_rest", "rage_log_odds"))
    return {
        **dict(zip(EXPRESSIONS, scores.relative or scores.probabilities, strict=True)),
        "against_rest": int(scores.relative is not None),
        "rage_log_odds": scores.rage_log_odds,
    }


def _vehicle_columns(vehicle: VehicleContext | None) -> dict[str, Scalar]:
    heard = vehicle or VehicleContext(0.0)
    return {
        "speed_kmh": heard.speed_kmh,
        "steering_deg": heard.steering_deg,
        "brake": heard.brake,
        "accelerator": heard.accelerator,
        "acceleration_mps2": heard.acceleration_mps2,
        "horn": None if heard.horn is None else int(heard.horn),
        "gear": heard.gear.value if heard.gear else None,
        "indicator": heard.indicator.value if heard.indicator else None,
    }
