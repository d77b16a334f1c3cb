"""Faces of posing people and photographs, cut out once with their anchors; who, what, which rest.

A face is kept as a patch of :data:`SIDE` px whose inner :data:`UNIT` px are the product's crop, so
that any crop size can be cut from it with room to turn and shift.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dms.engine.preprocess.crop import FaceCropSettings, cut, fit_similarity
from dms.errors import ConfigError
from dms.perception.expression import FER2013
from dms.perception.face import FaceSettings, FaceTracker
from dms.perception.landmarks import LandmarkSettings, Predictor, load_predictor
from dms.values import EXPRESSIONS, Frame, Gray
from tools.nets.infrared import Rng, cabin, infrared
from tools.nets.tiles import Rows, progress, read_rows

SIDE, UNIT = 160, 112
LOOKS = 3  # a still counts as this many frames, so that a weak face is confirmed as in a video
LEAST_AGREEMENT = 0.5  # of the raters of the Taiwanese set, below which a label is left to others
SAME_PEOPLE = {"ckplus48": "ckplus", "rafd_morph": "rafd", "nimstim_open": "nimstim"}
TEACHER_FEATURES = 256
FACES_OF = ("posed_faces", "face_photos", "utk_faces")
# Every fourth person of each set (in the order of their names) is never trained on; the shipped net
# leaves out fold 1, nets trained for a figure over all people each one of the four.
HELD_OUT = 4
HELD_OUT_FOLD = 1


class Patches(NamedTuple):
    """Patches (n, SIDE, SIDE), anchors in them (n, 4, 2) and whether a face was found (n,)."""

    files: NDArray[np.str_]
    patches: NDArray[np.uint8]
    anchors: NDArray[np.float32]
    found: NDArray[np.bool_]


def padded(gray: Gray) -> Gray:
    """Give a tight crop room around it, enlarged where it is small, so that a face is found."""
    factor = max(1.0, SIDE / min(gray.shape))
    large = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    room = int(0.35 * min(large.shape))
    return np.asarray(
        cv2.copyMakeBorder(large, room, room, room, room, cv2.BORDER_REPLICATE), np.uint8
    )


def anchors_of(gray: Gray, predictor: Predictor) -> NDArray[np.floating] | None:
    """(4, 2) anchors of the face as the product finds it, None where it finds none."""
    tracker, face = FaceTracker(predictor, FaceSettings()), None
    for look in range(LOOKS):
        face = face or tracker.find(Frame(gray, look * 0.2, look))
    return None if face is None else face.marks.anchors


def patches_of(folder: Path, cache: Path) -> Patches:
    """Cut the faces of a folder of tight crops, or read them from ``cache`` if it is of these."""
    if (folder / "labels.csv").is_file():
        files = [row["file"] for row in read_rows(folder, "file")]
    else:
        files = sorted(path.name for path in folder.glob("*.jpg"))
    digest = _digest(folder, files)
    known = _cached(cache, files, digest)
    if known is not None:
        return known
    inner = FaceCropSettings(size=UNIT).template + (SIDE - UNIT) / 2
    predictor = load_predictor(LandmarkSettings())
    patches = np.zeros((len(files), SIDE, SIDE), np.uint8)
    places = np.zeros((len(files), 4, 2), np.float32)
    for row, file in enumerate(progress(files, len(files), folder.name)):
        still = cv2.imread(str(folder / file), cv2.IMREAD_GRAYSCALE)
        if still is None:
            raise ConfigError(f"{folder / file} is no picture; take it out, its row too")
        gray = padded(np.asarray(still, np.uint8))
        anchors = anchors_of(gray, predictor)
        if anchors is not None:
            matrix = fit_similarity(anchors, inner).matrix
            patches[row] = cut(gray, matrix, SIDE)
            places[row] = np.column_stack([anchors, np.ones(4)]) @ matrix.T
    made = Patches(np.array(files), patches, places, (places != 0).any((1, 2)))
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **made._asdict(), digest=np.array(digest))
    return made


def _digest(folder: Path, files: list[str]) -> str:
    """Return one text for the names, lengths and content of ``files``."""
    made = hashlib.sha256()
    for file in files:
        try:
            content = (folder / file).read_bytes()
        except OSError as error:
            raise ConfigError(f"{folder / file} cannot be read: {error.strerror}") from error
        made.update(f"{file}\0{len(content)}\0".encode() + content)
    return made.hexdigest()


def _cached(cache: Path, files: list[str], digest: str) -> Patches | None:
    """Return what ``cache`` holds, None where it is of other pictures.

    A cache of an earlier version has no digest and is told by the names of its files.
    """
    if not cache.is_file():
        return None
    with np.load(cache) as stored:
        old = "digest" not in stored
        if stored["files"].tolist() == files if old else str(stored["digest"]) == digest:
            return Patches(*(stored[name] for name in Patches._fields))
    print(f"{cache} is of other pictures: cut anew", file=sys.stderr)
    return None


class Faces:
    """All faces with what is known of each; rows without a face are left out.

    ``label``: place in EXPRESSIONS, -1 where none or too little agreed on. ``person``: joined over
    sets, "" for photographs. ``rests[person]``: rows of the person's neutral faces.
    """

    def __init__(self, data: Path, cache: Path, fold: int = HELD_OUT_FOLD) -> None:
        parts = {name: patches_of(data / name, cache / f"faces_{name}.npz") for name in FACES_OF}
        self.patches = np.concatenate([one.patches[one.found] for one in parts.values()])
        self.anchors = np.concatenate([one.anchors[one.found] for one in parts.values()])
        files = [(name, str(f)) for name, one in parts.items() for f in one.files[one.found]]
        rows = {row["file"]: row for row in read_rows(data / "posed_faces", "set", "person")}
        posed = [rows[file] if name == "posed_faces" else None for name, file in files]
        self.set = np.array([family(row["set"]) if row else "" for row in posed])
        self.person = np.array(
            [f"{family(row['set'])}/{row['person']}" if row else "" for row in posed]
        )
        self.label = np.array([label_of(row) if row else -1 for row in posed])
        self.log_p, self.features = self._taught(data / "teacher", files)
        told = {row["file"]: row for row in read_rows(data / "utk_faces", "gender", "group")}
        each = [told[file] if name == "utk_faces" else {} for name, file in files]
        self.gender = np.array([row.get("gender", "") for row in each])
        self.group = np.array([row.get("group", "") for row in each])
        held = held_out(set(self.person.tolist()) - {""}, fold)
        aside = np.zeros(len(files), bool)  # photographs of people whose group is told, in turn
        aside[np.flatnonzero(self.gender != "")[fold::HELD_OUT]] = True
        self.held = np.isin(self.person, list(held)) | aside
        self.rests = {
            person: np.flatnonzero((self.person == person) & (self.label == 0))
            for person in sorted(set(self.person.tolist()) - {""})
        }

    def __len__(self) -> int:
        return len(self.patches)

    @staticmethod
    def _taught(folder: Path, files: list[tuple[str, str]]) -> tuple[NDArray, NDArray]:
        """The teacher's log-probabilities and features; rows of nan where it saw no face."""
        known: dict[tuple[str, str], tuple[NDArray, NDArray]] = {}
        for name in FACES_OF:
            with np.load(folder / f"{name}.npz") as said:
                each = zip(said["files"], said["log_p"], said["features"], strict=True)
                known |= {(name, str(file)): (log_p, seen) for file, log_p, seen in each}
        nothing = (np.full(7, np.nan), np.full(TEACHER_FEATURES, np.nan))
        pairs = [known.get(file, nothing) for file in files]
        log_p, features = zip(*pairs, strict=True)
        return np.array(log_p, np.float32), np.array(features, np.float32)


def family(name: str) -> str:
    """Return the set whose people a set shows."""
    return SAME_PEOPLE.get(name, name)


def label_of(row: dict[str, str]) -> int:
    """Place of a row's label in EXPRESSIONS, -1 where fewer than half of its raters agree."""
    agreed = agreement(row)
    if agreed is not None and agreed < LEAST_AGREEMENT:
        return -1
    return EXPRESSIONS.index(row["expression"])


def agreement(row: dict[str, str]) -> float | None:
    """Share of raters who agree to a row's label, as its note tells; None where it tells none.

    Raises ConfigError where that is no share.
    """
    _, told, after = row.get("note", "").partition("agree=")
    if not told:
        return None
    word = (after.split() or [""])[0]
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ConfigError(f"labels.csv, {row['file']}: agree= must be 0 to 1, got {word!r}")
    return share


def person_of(row: dict[str, str]) -> str:
    """Return who is shown, by set and name, "" where a row names nobody."""
    who = (row.get("person") or row.get("subject") or "").strip()
    return f"{family(row.get('set', ''))}/{who}" if who else ""


def named(folder: Path, rows: Rows) -> Rows:
    """Return the rows of ``folder``, whose people and pictures are named and there.

    Raises ConfigError.
    """
    if "person" not in rows[0] and "subject" not in rows[0]:
        raise ConfigError(f"{folder}/labels.csv must have a column subject or person")
    for number, row in enumerate(rows, 1):
        if not (folder / row["file"]).is_file():
            what = f"{row['file']} is missing in {folder}" if row["file"] else "no file is named"
            raise ConfigError(f"labels.csv, row {number}: {what}; add it or take the row out")
    return rows


def held_out(people: set[str], fold: int = HELD_OUT_FOLD) -> set[str]:
    """Every :data:`HELD_OUT`-th person of each set, from that of number ``fold``."""
    by_set: dict[str, list[str]] = {}
    for person in sorted(people):
        by_set.setdefault(person.split("/")[0], []).append(person)
    return {person for of in by_set.values() for person in of[fold::HELD_OUT]}


def plain_face(patch: NDArray[np.uint8], anchors: NDArray, framing: FaceCropSettings) -> Gray:
    """Cut the crop as the product cuts it."""
    return cut(patch, fit_similarity(anchors, framing.template).matrix, framing.size)


def moved_face(
    patch: NDArray[np.uint8], anchors: NDArray, framing: FaceCropSettings, rng: Rng
) -> NDArray[np.float32]:
    """Cut a crop with other landmark errors, turned, shifted, stretched, maybe mirrored."""
    size = framing.size
    error = rng.choice([0.8, 2.2], p=[0.75, 0.25]) * UNIT / 112
    matrix = fit_similarity(anchors + rng.normal(0, error, (4, 2)), framing.template).matrix
    turn = np.deg2rad(rng.normal(0, 6))
    zoom, stretch = np.exp(rng.normal(0, 0.06)), np.exp(rng.normal(0, 0.03))
    a, b = zoom * np.cos(turn), zoom * np.sin(turn)
    spin = np.array([[a * stretch, -b], [b, a / stretch]])
    spin[:, 0] *= -1 if rng.random() < 0.5 else 1
    middle = np.full(2, (size - 1) / 2)
    shift = middle - spin @ middle + rng.normal(0, 0.025, 2) * size
    matrix = np.column_stack([spin @ matrix[:, :2], spin @ matrix[:, 2] + shift])
    crop = cv2.warpAffine(
        patch, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop.astype(np.float32)


def lit(crop: NDArray[np.float32], rng: Rng, kind: float | None = None) -> NDArray[np.float32]:
    """Leave a crop in daylight, or show it as the cabin's camera would, or under any effects.

    ``kind`` (0..1) chooses which of the three; by chance where it is None.
    """
    kind = rng.random() if kind is None else kind
    if kind < 0.45:
        crop = cabin(crop, rng)
    elif kind < 0.75:
        crop = infrared(crop, rng)
    return np.asarray(np.clip(np.round(crop), 0, 255), np.float32)


def squinted(crop: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Narrow the eyes of an aligned crop to 50 to 80 % of their opening; brows stay where they are.

    People squint under a lamp as in low sun; it is no anger.
    """
    size = crop.shape[0]
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    more = 1 / rng.uniform(0.5, 0.8) - 1
    template = FaceCropSettings(size=size).template[:2]
    source = y.copy()
    for eye_x, eye_y in template:
        away = y - eye_y
        near = np.exp(-((away / (0.045 * size)) ** 2) - ((x - eye_x) / (0.13 * size)) ** 4)
        source += away * more * near
    return cv2.remap(crop, x, source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def evened(
    rage: NDArray[np.floating], groups: NDArray[np.str_], like: NDArray[np.bool_]
) -> NDArray:
    """Give each group the spread of the rows ``like``, keeping the order within the group.

    ``rage``: (n,) probability of anger or disgust, ``groups``: (n,) names. A teacher that calls one
    group's faces angry more often is not followed in that.
    """
    out = rage.copy()
    aim = np.sort(rage[like])
    for name in sorted(set(groups.tolist())):
        rows = np.flatnonzero(groups == name)
        rank = (np.argsort(np.argsort(rage[rows], kind="stable"), kind="stable") + 0.5) / len(rows)
        out[rows] = np.quantile(aim, rank)
    return out


def seven_of(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places in FER2013 of places in EXPRESSIONS, -1 for contempt and for none."""
    places = [FER2013.index(name) if name in FER2013 else -1 for name in EXPRESSIONS]
    return np.where(label >= 0, np.array(places)[label], -1)
