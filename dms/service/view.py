"""What the service sees, as numbers over a local socket: for installers, without stopping it.

No picture ever passes here. The socket belongs to the service's user and group (mode 0660).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from dms.errors import DmsError
from dms.resource import OpenedResource
from dms.service.status import Status
from dms.values import EXPRESSIONS, DriverState, Moment, Step

_log = logging.getLogger(__name__)
_PERIOD_S = 0.2
_MOST_VIEWERS = 8
_LONGEST_LINE = 65_536  # characters
SOCKET = Path("/run/dms/view.sock")  # of the service as systemd runs it


class ViewError(DmsError):
    """The running service cannot be looked at."""


def view_object(moment: Moment, state: DriverState, status: Status) -> dict[str, Any]:
    """Return the numbers of one instant as they go over the socket."""
    face, pose = moment.observation.face, moment.observation.pose
    vehicle, gaze = moment.vehicle, state.gaze
    return {
        "t_s": round(state.t_s, 3),
        "fps": round(status.fps, 1),
        "drops": status.drops,
        "status": status.line(moment.faults),
        "health": status.health(moment.faults),
        "level": int(state.level),
        "kind": state.kind.value if state.kind else None,
        "eyes": state.eyes.value,
        "unseen": state.eyes_unseen.value if state.eyes_unseen else None,
        "openness": _rounded(state.openness),
        "closed_s": _rounded(state.closed_s),
        "perclos": _rounded(state.perclos),
        "drowsiness": state.drowsiness,
        "away": state.away,
        "attention_by": state.attention_by.value if state.attention_by else None,
        "lids": state.lids.value,
        "gaze_deg": [round(v, 1) for v in (gaze.yaw_deg, gaze.pitch_deg, gaze.sd_deg)]
        if gaze
        else None,
        "gaze_zone": state.gaze_zone.value,
        "road_learned": state.road_learned,
        "rage": _rounded(state.rage),
        "baseline_progress": _rounded(state.baseline_progress),
        "brightness": _rounded(moment.observation.brightness),
        "face": [round(v) for v in (face.x, face.y, face.width, face.height)] if face else None,
        "pose_deg": [round(v, 1) for v in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)]
        if pose
        else None,
        "speed_kmh": _rounded(vehicle.speed_kmh) if vehicle else None,
        "gear": vehicle.gear.value if vehicle and vehicle.gear else None,
        "paused": state.paused,
        "active": [
            {
                "kind": alert.kind.value,
                "level": int(alert.level),
                "since_s": round(alert.since_s, 3),
                "reason": alert.reason,
            }
            for alert in state.active
        ],
        "expression": dict(zip(EXPRESSIONS, map(_rounded, state.expression), strict=True))
        if state.expression
        else None,
        "emotion_by": state.emotion_by.value if state.emotion_by else None,
        "rest_progress": _rounded(state.rest_progress),
        "valence": _rounded(state.valence),
        "arousal": _rounded(state.arousal),
    }


class ViewServer(OpenedResource):
    """Sends the newest numbers five times a second, a JSON object a line, to whoever connects."""

    def __init__(self, path: Path, status: Status) -> None:
        self._path = path
        self._status = status
        self._newest: tuple[Moment, DriverState] | None = None
        self._socket: socket.socket | None = None
        self._lock: int | None = None  # held while the place is ours
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def take(self, step: Step) -> None:
        """Keep the newest state; sending is the thread's."""
        self._newest = (step.moment, step.state)

    def open(self) -> None:
        try:
            self._lock = _locked(self._path.parent)
            self._path.unlink(missing_ok=True)  # of a service that was killed
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(str(self._path))
            self._path.chmod(0o660)
            self._socket.listen(_MOST_VIEWERS)
        except OSError as error:  # a convenience: the service runs without it
            _log.warning("No live view at %s (%s).", self._path, error)
            self.close()
            return
        self._thread = threading.Thread(target=self._serve, name="dms-view", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._lock is not None:  # else the socket there is another service's
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _serve(self) -> None:
        viewers: list[socket.socket] = []
        while not self._stop.is_set():
            try:
                viewers = self._turn(viewers)
            except Exception:  # noqa: BLE001  (no descriptor left, say: it may pass)
                _log.debug("the live view lost a turn", exc_info=True)
                for viewer in viewers:
                    viewer.close()
                viewers = []
            self._stop.wait(_PERIOD_S)  # one turn in so long, however many call
        for viewer in viewers:
            viewer.close()

    def _turn(self, viewers: list[socket.socket]) -> list[socket.socket]:
        """Let in who called, the newest last, and send to all."""
        ear = self._socket
        if ear is None:
            return viewers
        ear.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(_MOST_VIEWERS):
                viewer, _place = ear.accept()
                viewer.setblocking(False)
                viewers.append(viewer)
        for excess in viewers[:-_MOST_VIEWERS]:
            excess.close()
        viewers = viewers[-_MOST_VIEWERS:]
        if viewers and self._newest is not None:
            line = json.dumps(view_object(*self._newest, self._status)).encode() + b"\n"
            viewers = [viewer for viewer in viewers if _sent(viewer, line)]
        return viewers


def watch(path: Path, patience_s: float = 5.0) -> Any:
    """Yield the numbers of the running service, a dict each. Raises ViewError with what to do."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(patience_s)
            _call(link, path, patience_s)
            with link.makefile("r", encoding="utf-8") as lines:
                while line := lines.readline(_LONGEST_LINE):
                    yield json.loads(line)
    except TimeoutError:
        raise ViewError("The service is silent; see systemctl status dms.") from None
    except OSError as error:
        raise ViewError(
            f"No running service at {path} ({error.strerror}); start it with systemctl start "
            "dms, and be in the group dms (sudo usermod -aG dms $USER)."
        ) from error


def _call(link: socket.socket, path: Path, patience_s: float) -> None:
    """Connect, again while others fill the queue: a local socket does not wait for that itself."""
    end_s = time.monotonic() + patience_s
    while True:
        try:
            link.connect(str(path))
        except BlockingIOError:
            if time.monotonic() > end_s:
                raise TimeoutError from None
            time.sleep(_PERIOD_S / 4)
        else:
            return


def _locked(folder: Path) -> int:
    """Return a lock on ``folder``, which the kernel takes back however its holder ends.

    Raises OSError where another service holds it.
    """
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(number)
        raise OSError(error.errno, "another service runs there") from error
    return number


def _sent(viewer: socket.socket, line: bytes) -> bool:
    try:
        viewer.sendall(line)
    except OSError:  # gone, or too slow to be worth keeping
        viewer.close()
        return False
    return True


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
