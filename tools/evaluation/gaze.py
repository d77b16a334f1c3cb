"""Gaze without anybody's true gaze: portraits, glances drawn into them, a film, infrared pupils.

Portraits look into the lens; what the reading varies between people is its error before anything
is learned of a driver. The film's labels come from other nets. MRL's pupils were set by hand.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.decision.gaze import GazeSettings, Pair, sight
from dms.engine.backends import open_engine
from dms.engine.engine import Engine
from dms.engine.manifest import Manifest, load_manifest
from dms.engine.preprocess.crop import Affine, EyeCropSettings, eye_crops, to_batch
from dms.perception.eye_net import EyeScores, EyeStateNet
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import Landmarks, LandmarkSettings, load_predictor
from dms.perception.pose import PoseEstimator, PoseSettings
from dms.values import Frame, Gray, HeadPose
from tools.drawing.calibration_crops import resized
from tools.evaluation.figures import auroc, interval, rounded
from tools.evaluation.glances import glancing
from tools.nets.shipped import outputs
from tools.nets.tiles import integers, progress, read_rows, read_tiles

EYE_PX = 30.0  # portraits are shrunk to eyes of this width
GLANCE_DEG, AWAY_DEG = 26.0, 15.0
OFF_DEG = 20.0  # of the film
# How much of the corners' x and y is the landmarks', the rest being the eye net's.
SHARES = {"net": (0.0, 0.0), "landmarks": (1.0, 1.0), "mean": (0.5, 0.5), "heights": (0.0, 0.5)}
SETTINGS = GazeSettings()  # as the product reads an iris, before a driver's road is learned


class Look(NamedTuple):
    """One reading against the camera, in degrees; iris offsets in eye widths."""

    yaw: float
    pitch: float
    x: float
    y: float
    sd: float
    head_yaw: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mrl", type=Path, help="MRL Eye with pupils; beside the folder")
    parser.add_argument("--most", type=int, help="so many portraits only")
    parser.add_argument("--no-film", action="store_true", help="leave the film out")
    parser.add_argument(
        "--corners", default="heights", choices=tuple(SHARES),
        help="whose corners of the eye the iris is measured between: the eye net's, the landmarks',"
        " the mean of both, or that of their heights alone, as in the product",
    )  # fmt: skip


class IrisNet(EyeStateNet):
    """The eye net, its irises between corners that are the landmarks' in part."""

    def __init__(self, engine: Engine, manifest: Manifest, corners: str = "heights") -> None:
        super().__init__(engine, manifest)
        self._share = np.tile(SHARES[corners], 2)

    def look(self, gray: Gray, marks: Landmarks) -> tuple[EyeScores, EyeScores]:
        """Score the driver's right and left eye."""
        out = dict(self._engine.infer(to_batch(eye_crops(gray, marks.anchors, self._framing))))
        points, share = out["iris"].copy(), self._share
        theirs = corners(marks, self.matrices(marks.anchors), self._framing.size)
        points[:, 2:6] = (1 - share) * points[:, 2:6] + share * theirs
        return self.scores({**out, "iris": points})


def corners(marks: Landmarks, matrices: Affine, size: int) -> NDArray[np.float64]:
    """Both eyes' corners by the landmarks as the net gives its own: (2, 4), left eye mirrored.

    x and y of the crop's left and of its right corner, in its sides from its middle.
    """
    found = np.empty((2, 4))
    for eye, ends in enumerate(marks.eye_corners.astype(np.float64)):
        at = (ends @ matrices[eye][:, :2].T + matrices[eye][:, 2] - (size - 1) / 2) / size
        if eye == 1:
            at[:, 0] *= -1
        found[eye] = at[np.argsort(at[:, 0])].ravel()
    return found


class Reader:
    """Reads gaze from whole pictures as the product does, one picture or film at a time."""

    def __init__(self, manifest: Manifest, stack: Any, corners: str = "heights") -> None:
        self._net = IrisNet(stack.enter_context(open_engine(manifest)), manifest, corners)
        self._tracker = FaceTracker(load_predictor(LandmarkSettings()), FaceSettings())
        self._pose: tuple[tuple[int, ...], PoseEstimator] | None = None

    def marks(self, gray: Gray, t_s: float | None = None) -> Landmarks | None:
        """Landmarks of the face; of a picture of its own where no time is given."""
        if t_s is None:
            self._tracker.reset()
        face = self._tracker.find(Frame(gray, t_s or 0.0, 0))
        return None if face is None else face.marks

    def read(self, gray: Gray, t_s: float | None = None) -> Look | None:
        """None where no face is found, or the net does not see an iris."""
        marks = self.marks(gray, t_s)
        return None if marks is None else self.look(gray, marks)

    def again(self, gray: Gray, marks: Landmarks) -> Look | None:
        """Read a picture whose face is where it was in another one."""
        return self.look(gray, self._tracker.predictor.predict(gray, marks.box))

    def look(self, gray: Gray, marks: Landmarks) -> Look | None:
        eyes = self._net.look(gray, marks)
        if self._pose is None or self._pose[0] != gray.shape:
            size = (gray.shape[1], gray.shape[0])
            self._pose = (gray.shape, PoseEstimator(PoseSettings(), *size))
        head = self._pose[1].estimate(marks)
        pose = head or HeadPose(0.0, 0.0, 0.0)
        known = [eye for eye in eyes if eye.iris and eye.visible_probability > 0.5]
        right, left = (
            sight(eye.iris, pose, 0.0, SETTINGS) if eye.iris and eye in known else None
            for eye in eyes
        )
        seen = Pair(SETTINGS).join(right, left, 0.0)
        if seen is None or seen.yaw_sd_deg > SETTINGS.unsure_deg:
            return None
        weight = np.array([1 / max(eye.iris.sd, 1e-3) ** 2 for eye in known])
        x, y = (
            float(np.average([getattr(eye.iris, axis) for eye in known], weights=weight))
            for axis in ("x", "y")
        )
        return Look(seen.yaw_deg, seen.pitch_deg, x, y, seen.yaw_sd_deg, pose.yaw_deg)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    from contextlib import ExitStack  # noqa: PLC0415

    folder = args.data / "gaze" if (args.data / "gaze").is_dir() else args.data
    front = folder / "front" / "labels.csv"
    if not front.is_file():
        sys.exit(f"{front} is missing; --data takes a folder laid out as its namesake")
    if args.corners != "heights" and args.save:
        sys.exit("--save keeps what the product does; leave --corners or --save out")
    manifest = load_manifest("eye_state", args.engines)
    if "iris" not in manifest.outputs:
        sys.exit(f"the net {manifest.name} of {args.engines} tells no iris; use one that does")
    with ExitStack() as stack:
        reader = Reader(manifest, stack, args.corners)
        result = portraits(reader, folder / "front", args.most)
        if not args.no_film and (folder / "film").is_dir():
            result |= film(reader, folder / "film")
    mrl = args.mrl or folder.parent / "mrl_eyes_64"
    if mrl.is_dir():
        result |= pupils(manifest, mrl)
    return {**result, "net": manifest.name}


def portraits(reader: Reader, folder: Path, most: int | None) -> dict[str, Any]:
    """Spread over people who look into the lens, and glances painted into their portraits."""
    rows = read_rows(folder, "file", "person")[:most]
    front: list[Look | None] = []
    glances: dict[str, list[Look | None]] = {"visible": [], "dark": [], "bright": [], "none": []}
    rng = np.random.default_rng(26)
    for row in progress(rows, len(rows), "portraits"):
        gray = _shrunk(reader, folder / row["file"])
        marks = None if gray is None else reader.marks(gray)
        if gray is None or marks is None:
            front.append(None)
            for part in glances.values():
                part.append(None)
            continue
        front.append(reader.look(gray, marks))
        turn = GLANCE_DEG * (1 if rng.random() < 0.5 else -1)
        eyes = (marks.right_eye, marks.left_eye)
        for name, part in glances.items():
            kind = None if name in ("visible", "none") else name
            by = 0.0 if name == "none" else turn
            found = reader.again(glancing(gray, eyes, by, kind, rng), marks)
            part.append(found and found._replace(sd=found.sd if turn > 0 else -found.sd))
    person = np.array([row["person"] for row in rows])
    result = _spread(front, person)
    middle = np.nanmedian([look.yaw for look in front if look])
    for name, part in glances.items():
        if name != "none":
            result |= _read_away(name, part, float(middle), person)
    straight = [abs(look.yaw - middle) > AWAY_DEG for look in glances["none"] if look]
    result["painted_straight_read_away"] = rounded(float(np.mean(straight)))
    both = glances["dark"] + glances["bright"]
    result |= _read_away("infrared", both, float(middle), np.tile(person, 2))
    result["portraits"] = len(rows)
    return result


def _shrunk(reader: Reader, path: Path) -> Gray | None:
    """A portrait made so small that its eyes are :data:`EYE_PX` wide, by the product's corners."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if gray is None:
        sys.exit(f"{path} cannot be read; copy the folder again")
    marks = reader.marks(np.asarray(gray, np.uint8))
    if marks is None:
        return None
    widths = [np.hypot(*(eye[0] - eye[len(eye) // 2])) for eye in (marks.right_eye, marks.left_eye)]
    scale = EYE_PX / float(np.mean(widths))
    if scale >= 1:
        return np.asarray(gray, np.uint8)
    size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _spread(front: list[Look | None], person: NDArray) -> dict[str, Any]:
    seen = np.array([look is not None for look in front])
    yaw, pitch, sd = (
        np.array([getattr(look, name) if look else np.nan for look in front])
        for name in ("yaw", "pitch", "sd")
    )

    def spread(values: NDArray, index: NDArray) -> float:
        """Standard deviation over pictures, people weighing the same."""
        index = index[~np.isnan(values[index])]
        if len(index) < 2:
            return float("nan")
        _, which, count = np.unique(person[index], return_inverse=True, return_counts=True)
        weight = 1 / count[which]
        mean = np.average(values[index], weights=weight)
        return float(np.sqrt(np.average((values[index] - mean) ** 2, weights=weight)))

    every = np.arange(len(front))
    off = np.hypot(yaw - np.nanmean(yaw), pitch - np.nanmean(pitch))
    sure = every[seen & (sd <= np.nanquantile(sd, 0.7))]
    return {
        "front_sd_yaw_deg": rounded(spread(yaw, every)),
        "front_sd_yaw_deg_95": interval(lambda i: spread(yaw, i), len(front), person),
        "front_sd_pitch_deg": rounded(spread(pitch, every)),
        "front_sd_pitch_deg_95": interval(lambda i: spread(pitch, i), len(front), person),
        "front_mean_yaw_deg": rounded(float(np.nanmean(yaw))),
        "front_mean_pitch_deg": rounded(float(np.nanmean(pitch))),
        "front_beyond_20_deg": int((off > 20).sum()),
        "front_read": int(seen.sum()),
        "front_people": len(set(person)),
        "front_surest_70_error_share": rounded(float(np.nanmean(off[sure]) / np.nanmean(off))),
    }


def _read_away(
    name: str, part: list[Look | None], middle: float, person: NDArray
) -> dict[str, Any]:
    """Share of glances read as further than :data:`AWAY_DEG` on their side; unread ones are not."""
    away = np.array(
        [look is not None and (look.yaw - middle) * np.sign(look.sd) > AWAY_DEG for look in part]
    )
    infrared = "glances_read_infrared"
    keys = {"visible": "glances_read_visible", "infrared": infrared}
    key = keys.get(name, f"{infrared}_{name}")
    return {
        key: rounded(float(away.mean())),
        f"{key}_95": interval(lambda i: float(away[i].mean()), len(away), person),
        f"{key}_unread": sum(look is None for look in part),
    }


def film(reader: Reader, folder: Path) -> dict[str, Any]:
    """Agreement with the labels that other nets gave a film of one man moving eyes and head."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as file:
        labels = {
            int(row["frame"]): {k: float(v) for k, v in row.items()} for row in csv.DictReader(file)
        }
    looks, kept = [], []
    reader.marks(np.zeros((64, 64), np.uint8))
    for number, gray in _frames(next(folder.glob("*.mp4"))):
        look = reader.read(gray, 1 + number / 30)
        if look is not None and number in labels:
            looks.append(look)
            kept.append(labels[number])
    yaw = np.degrees([np.arctan2(row["adas_x"], -row["adas_z"]) for row in kept])
    pitch = np.degrees([np.arcsin(np.clip(row["adas_y"], -1, 1)) for row in kept])
    truth = np.hypot(yaw - np.median(yaw), pitch - np.median(pitch)) > OFF_DEG
    ours = np.array([(look.yaw, look.pitch) for look in looks])
    score = np.hypot(*(ours - np.median(ours, 0)).T)
    head = np.array([look.head_yaw for look in looks])
    teacher = {
        axis: [(row[f"iris_right_{axis}"] + row[f"iris_left_{axis}"]) / 2 for row in kept]
        for axis in ("x", "y")
    }
    return {
        "film_corr_x": rounded(float(np.corrcoef([look.x for look in looks], teacher["x"])[0, 1])),
        "film_corr_y": rounded(float(np.corrcoef([look.y for look in looks], teacher["y"])[0, 1])),
        "film_auroc": rounded(auroc(score, truth)),
        **dict.fromkeys(("film_corr_x_95", "film_corr_y_95", "film_auroc_95")),  # one man's film
        "film_auroc_head_alone": rounded(auroc(np.abs(head - np.median(head)), truth)),
        "film_frames": len(looks),
        "film_labelled": len(labels),
    }


def _frames(path: Path) -> Iterator[tuple[int, Gray]]:
    capture, number = cv2.VideoCapture(str(path)), 0
    while True:
        good, picture = capture.read()
        if not good:
            break
        yield number, np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
        number += 1
    capture.release()


def pupils(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Distance of the iris from MRL's pupils, of people the net has not seen, over the side."""
    images, rows = read_tiles(folder, 64, "subject", "pupil_x", "pupil_y")
    subject = integers(rows, "subject")
    trained = np.ravel(manifest.decision["trained_subjects"]).astype(int)
    use = [i for i, row in enumerate(rows) if row["pupil_x"] and subject[i] not in trained]
    if not use:
        return {"pupil_distance": None, "pupil_pictures": 0}
    size = manifest.framing(EyeCropSettings).size
    crops = np.stack([resized(images[i], size) for i in use])
    with open_engine(manifest) as engine:
        found = outputs(engine, crops)["iris"]
    truth = np.array([[float(rows[i]["pupil_x"]), float(rows[i]["pupil_y"])] for i in use]) - 0.5
    far = np.linalg.norm(found[:, :2] - truth, axis=1)
    other = [i for i, row in enumerate(rows) if row["pupil_x"] and subject[i] in trained]
    known = np.array([[float(rows[i]["pupil_x"]), float(rows[i]["pupil_y"])] for i in other]) - 0.5
    guess = np.linalg.norm(truth - np.median(known, 0), axis=1)
    people = subject[use]

    def of_people(values: NDArray) -> float:
        return float(np.mean([np.median(values[people == who]) for who in np.unique(people)]))

    return {
        "pupil_distance": rounded(float(np.median(far))),
        "pupil_distance_95": interval(lambda i: float(np.median(far[i])), len(far), people),
        "pupil_distance_of_people": rounded(of_people(far)),
        "pupil_distance_constant_guess": rounded(float(np.median(guess))),
        "pupil_distance_constant_guess_of_people": rounded(of_people(guess)),
        "pupil_pictures": len(use),
        "pupil_people": len(set(people.tolist())),
    }
