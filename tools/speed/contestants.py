"""Who runs in the race: the whole chain and what others do with a frame."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import cv2
import dlib
import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.perception.dlib68 import dlib68_file
from dms.perception.schemes import DMS56
from dms.values import DriverState, Frame

Step = Callable[[np.ndarray, float, int], Any]
Make = Callable[[list[str], ExitStack], Step]


def chain_of(overrides: list[str], stack: ExitStack) -> tuple[Chain, Step]:
    """Everything from a gray frame to CAN frames on a virtual bus."""
    chain = Chain(load(None, overrides))
    (bridge,) = [stack.enter_context(bridge) for bridge in chain.bridges()]
    perception, core = chain.perception, chain.core

    def step(gray: np.ndarray, t_s: float, index: int) -> DriverState:
        seen = perception.observe(Frame(gray, t_s, index))
        state = core.step(seen, None, t_s, perception.faults)
        bridge.publish(state)
        return state

    return chain, step


def whole_chain(overrides: list[str], stack: ExitStack) -> Step:
    return chain_of(overrides, stack)[1]


def floating(overrides: list[str], stack: ExitStack) -> Step:
    """The same with FP32 nets."""
    floats = ["nets.precision=fp32", "landmarks.precision=fp32"]
    return chain_of([*overrides, *floats], stack)[1]


def usual_script(_overrides: list[str], _stack: ExitStack) -> Step:
    """Do what every dlib tutorial does: resize, HOG each frame, 68 points, EAR."""
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(dlib68_file()))

    def ear(eye: np.ndarray) -> float:
        gap = np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4])
        return float(gap / (2.0 * np.linalg.norm(eye[0] - eye[3])))

    def step(gray: np.ndarray, _t_s: float, _index: int) -> object:
        small = cv2.resize(gray, (450, round(gray.shape[0] * 450 / gray.shape[1])))
        ears = []
        for face in detector(small, 0):
            shape = predictor(small, face)
            points = np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)])
            ears.append((ear(points[36:42]) + ear(points[42:48])) / 2)
        return ears

    return step


def hog_320(_overrides: list[str], _stack: ExitStack) -> Step:
    """Find faces by dlib's HOG detector alone, 320 pixels wide."""
    detector = dlib.get_frontal_face_detector()

    def step(gray: np.ndarray, _t_s: float, _index: int) -> object:
        return detector(cv2.resize(gray, (320, round(gray.shape[0] * 320 / gray.shape[1]))), 0)

    return step


def points_alone(_overrides: list[str], _stack: ExitStack) -> Step:
    """Place dlib's 68 points in the middle of the picture: they cost the same anywhere."""
    predictor = dlib.shape_predictor(str(dlib68_file()))

    def step(gray: np.ndarray, _t_s: float, _index: int) -> object:
        height, width = gray.shape
        x, y, half = width // 2, height // 2, height // 5
        return predictor(gray, dlib.rectangle(x - half, y - half, x + half, y + half))

    return step


def face_mesh(_overrides: list[str], _stack: ExitStack) -> Step:
    """MediaPipe's FaceMesh in tracking mode."""
    mesh = importlib.import_module("mediapipe").solutions.face_mesh.FaceMesh(max_num_faces=1)
    return lambda gray, _t_s, _index: mesh.process(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))


# MediaPipe's vertices of an eye's corners, then of its lids, upper and lower; of its iris
_EYES = (((33, 133), (160, 158), (144, 153), 468), ((362, 263), (385, 387), (380, 373), 473))
_RIGID = {33: 0, 133: 6, 98: 32, 168: 30, 4: 31, 2: 33, 263: 12, 362: 18, 327: 34}  # to DMS56


def state_detection(_overrides: list[str], _stack: ExitStack) -> Step:
    """A frame of a whole open monitor that users pick: Driver-State-Detection (e-candeloro, MIT).

    Bilateral filter, FaceMesh with irises, EAR, gaze score, head pose by solvePnP and its
    refinement, timers, with MediaPipe and OpenCV from PyPI; what it draws, and the metric face to
    which it brings the mesh before the pose, are left out, which makes it cheaper than it is.
    """
    faces = importlib.import_module("mediapipe").solutions.face_mesh
    mesh = faces.FaceMesh(refine_landmarks=True)
    model = np.array([DMS56.pose[own] for own in _RIGID.values()])
    tired_s = away_s = 0.0

    def length(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.linalg.norm(one - other))

    def step(gray: np.ndarray, _t_s: float, _index: int) -> object:
        nonlocal tired_s, away_s
        height, width = gray.shape
        smooth = cv2.bilateralFilter(gray, 5, 10, 10)[..., np.newaxis]
        found = mesh.process(np.concatenate([smooth] * 3, axis=2)).multi_face_landmarks
        if not found:
            return None
        points = np.array([(one.x, one.y, one.z) for one in found[0].landmark])[:, :2]
        ears, gazes = [], []
        for (outer, inner), upper, lower, iris in _EYES:
            gaps = [length(points[a], points[b]) for a, b in zip(upper, lower, strict=True)]
            ears.append(sum(gaps) / (2 * length(points[outer], points[inner])))
            rim = points[[outer, inner, *upper, *lower]]
            middle = (rim.min(axis=0) + rim.max(axis=0)) / 2
            gazes.append(length(points[iris], middle) / middle[0])
        camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
        seen, straight = points[list(_RIGID)] * (width, height), np.zeros((5, 1))
        good, turn, place = cv2.solvePnP(model, seen, camera, straight)
        if good:
            turn, _ = cv2.solvePnPRefineVVS(model, seen, camera, straight, turn, place)
            cv2.Rodrigues(turn)
        tired_s = tired_s + 1 / 30 if sum(ears) / 2 < 0.15 else 0.0
        away_s = away_s + 1 / 30 if sum(gazes) / 2 > 0.015 else 0.0
        return tired_s > 2.0 or away_s > 2.0

    return step


def fer(_overrides: list[str], _stack: ExitStack) -> Step:
    """The PyPI package fer."""
    found = importlib.import_module("fer.fer").FER()
    return lambda gray, _t_s, _i: found.detect_emotions(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))


OURS = "dms, whole chain"
CONTESTANTS: dict[str, Make] = {
    OURS: whole_chain,
    "the same, FP32 nets": floating,
    "usual dlib script": usual_script,
    "HOG alone, 320 wide": hog_320,
    "dlib's 68 points alone": points_alone,
    "MediaPipe FaceMesh": face_mesh,
    "Driver-State-Detection": state_detection,
    "fer": fer,
}
