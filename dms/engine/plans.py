"""Where built plans are kept: one file and one JSON sidecar a plan, under a key of all it fits.

A plan counts only with its sidecar, which is written last; both are put in place atomically.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dms.errors import EngineError
from dms.folders import cache_folder

_FORMAT = 1


class PlanError(EngineError):
    """A plan that is damaged or of another machine; building it again helps."""


@dataclass(frozen=True, slots=True)
class PlanKey:
    """All that a plan must fit. Two plans of one key are interchangeable."""

    net: str
    onnx_sha256: str
    tensorrt: str  # full version: plans do not move between versions
    capability: str  # of the GPU: "8.7" is Orin
    precision: str
    batch: int
    dla_core: int | None = None

    @property
    def name(self) -> str:
        """The file's name without ending: readable first, unique last."""
        told = json.dumps(asdict(self), sort_keys=True).encode()
        unit = "gpu" if self.dla_core is None else f"dla{self.dla_core}"
        return (
            f"{self.net}-{self.precision}-b{self.batch}-trt{self.tensorrt}-sm{self.capability}"
            f"-{unit}-{hashlib.sha256(told).hexdigest()[:12]}"
        )


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One plan on disk, as its sidecar describes it."""

    path: Path
    key: PlanKey
    sha256: str
    size: int
    built: str  # UTC, ISO 8601
    figures: Mapping[str, Any]  # layers, build seconds, the gate's result

    def load(self) -> bytes:
        """Return the plan's bytes. Raises PlanError where the file is gone or altered."""
        try:
            plan = self.path.read_bytes()
        except OSError as error:
            raise PlanError(f"{self.path} cannot be read ({error.strerror})") from error
        if hashlib.sha256(plan).hexdigest() != self.sha256:
            raise PlanError(f"{self.path} is damaged")
        return plan


def default_folder() -> Path:
    """Return where plans are kept unless another folder is named."""
    return cache_folder() / "plans"


class PlanStore:
    """The folder of plans. Safe against two processes and a power cut in the middle."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def find(self, key: PlanKey) -> StoredPlan | None:
        """Return the plan of exactly this key; None if there is none."""
        return _read(self.folder / f"{key.name}.json", key)

    def write(self, key: PlanKey, plan: bytes, figures: Mapping[str, Any]) -> StoredPlan:
        """Keep ``plan``. Raises EngineError where the folder cannot be written."""
        path = self.folder / f"{key.name}.plan"
        sidecar = {
            "format": _FORMAT,
            "key": asdict(key),
            "sha256": hashlib.sha256(plan).hexdigest(),
            "size": len(plan),
            "built": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "figures": dict(figures),
        }
        with _writing(self.folder):  # an old sidecar must not vouch for the new plan
            path.with_suffix(".json").unlink(missing_ok=True)
        write_whole(path, plan)
        write_whole(path.with_suffix(".json"), json.dumps(sidecar, indent=2).encode())
        stored = self.find(key)
        if stored is None:
            raise EngineError(f"{path} was not kept; check the disk")
        return stored

    def plans(self) -> list[StoredPlan]:
        """Every plan that has a sidecar, by name."""
        found = (_read(path) for path in sorted(self.folder.glob("*.json")))
        return [plan for plan in found if plan is not None]

    def stray(self) -> list[Path]:
        """Files that no sidecar vouches for: half-written or of another format."""
        known = {plan.path for plan in self.plans()}
        known |= {path.with_suffix(".json") for path in known}
        return sorted(
            path
            for pattern in ("*.plan", "*.json", "*.part")
            for path in self.folder.glob(pattern)
            if path not in known
        )

    def remove(self, plan: StoredPlan) -> None:
        """Delete a plan, its sidecar first. Raises EngineError where that is not allowed."""
        with _writing(self.folder):
            plan.path.with_suffix(".json").unlink(missing_ok=True)
            plan.path.unlink(missing_ok=True)

    def remove_stray(self) -> list[Path]:
        """Delete the files that no sidecar vouches for and return them. Raises EngineError."""
        stray = self.stray()
        with _writing(self.folder):
            for path in stray:
                path.unlink(missing_ok=True)
        return stray

    def timing_cache(self, tensorrt: str, capability: str) -> bytes:
        """Return the builder's timings of earlier builds on this device, empty if none."""
        try:
            return self._timing(tensorrt, capability).read_bytes()
        except OSError:
            return b""

    def keep_timing_cache(self, tensorrt: str, capability: str, timings: bytes) -> None:
        """Keep what the builder has timed, for the next build."""
        if timings:
            write_whole(self._timing(tensorrt, capability), timings)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock: one build at a time, across processes."""
        import fcntl  # noqa: PLC0415  # not on Windows, where nothing is built

        with _writing(self.folder):
            lock = (self.folder / ".lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _timing(self, tensorrt: str, capability: str) -> Path:
        return self.folder / f"timing-trt{tensorrt}-sm{capability}.timing"


def _read(sidecar: Path, key: PlanKey | None = None) -> StoredPlan | None:
    try:
        told = json.loads(sidecar.read_text(encoding="utf-8"))
        if told["format"] != _FORMAT:
            return None
        stored = StoredPlan(
            path=sidecar.with_suffix(".plan"),
            key=PlanKey(**told["key"]),
            sha256=told["sha256"],
            size=int(told["size"]),
            built=told["built"],
            figures=told["figures"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # missing, half-written or of another version: no plan
    return stored if key is None or stored.key == key else None


def write_whole(path: Path, content: bytes) -> None:
    """Write to a file beside it, flush to the disk, then rename. Raises EngineError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with _writing(path.parent):
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Make ``folder``; turn what goes wrong in it into one clear sentence."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise EngineError(
            f"{folder} cannot be written ({error.strerror}); free some space, or set "
            "CACHE_DIRECTORY to a folder that can be written"
        ) from error
