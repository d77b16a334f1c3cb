"""Gets the plans of all nets ready while the CPU watches: found, or built, then loaded.

The first build takes minutes: it runs in a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType

from dms.engine.frame_nets import FrameNets
from dms.engine.manifest import Manifest
from dms.engine.plans import PlanError, PlanKey, PlanStore
from dms.engine.prepare import Machine, key_of, this_machine
from dms.engine.tensorrt import tensorrt_module
from dms.errors import EngineError

_log = logging.getLogger(__name__)

_FALLBACK = "fp32"
TOLD_EVERY_S = 10.0  # a silent build of minutes would look hung
Builder = Callable[[Sequence[str]], subprocess.Popen[str]]


class BuildFailedError(EngineError):
    """The building process has said what is wrong and ended without plans."""


def start_build(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start ``dms engine build`` with ``arguments`` as a process of its own."""
    command = [sys.executable, "-m", "dms.cli", "engine", "build", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    _make_expendable(process.pid)
    return process


def _make_expendable(pid: int) -> None:
    """Let a build wait for the processor, and be the first to go where memory runs out.

    It inherits the service's standing, before which the camera's daemon would be ended.
    """
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError):  # the hardened service may not set priorities
        standing = os.getpriority(os.PRIO_PROCESS, pid)
        os.setpriority(os.PRIO_PROCESS, pid, min(19, standing + 15))


class Preparation:
    """One attempt to get nets onto the GPU. ``nets``: role -> manifest of the net in it."""

    def __init__(
        self,
        nets: Mapping[str, Manifest],
        store: PlanStore | None = None,
        *,
        precision: str = "int8",
        dla_core: int | None = None,
        module: ModuleType | None = None,
        builder: Builder | None = None,
    ) -> None:
        self._nets = nets
        self._store = store or PlanStore()
        self._precision, self._dla_core = precision, dla_core
        self._module = module
        self._builder = builder or start_build
        self._building: subprocess.Popen[str] | None = None
        self._stop = threading.Event()

    def open(self) -> FrameNets:
        """Return the nets on the GPU, by role. Raises EngineError where that is not possible.

        Where their plans cannot be built, those of the FP32 files are: TensorRT itself may fail on
        a sound INT8 file (NVIDIA/TensorRT#4832). Raises GpuMissingError where no GPU answers yet.
        """
        module = self._module or tensorrt_module()
        machine = this_machine(module)
        if self._precision == _FALLBACK or self._dla_core is not None:
            return self._open(module, machine, self._precision)
        keys = self._keys(machine, self._precision)
        plans, _ = self._kept(keys)
        failed = self._failed(keys)
        if len(plans) < len(self._nets) and failed.exists():
            _log.warning(
                "building %s plans has failed here before: FP32 ones are used; 'dms engine build' "
                "tries it again",
                self._precision.upper(),
            )
            return self._open(module, machine, _FALLBACK)
        try:
            return self._open(module, machine, self._precision)
        except BuildFailedError as error:
            if self._stop.is_set():
                raise
            _log.error("%s; the FP32 files are taken instead, which is slower", error)
        with suppress(OSError):
            failed.touch()
        return self._open(module, machine, _FALLBACK)

    def _failed(self, keys: Mapping[str, PlanKey]) -> Path:
        """Return the file that says that these very plans could not be built on this machine."""
        text = json.dumps([asdict(key) for _, key in sorted(keys.items())])
        return self._store.folder / f"failed-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def _keys(self, machine: Machine, precision: str) -> dict[str, PlanKey]:
        return {
            role: key_of(net, machine, precision, self._dla_core)
            for role, net in self._nets.items()
        }

    def _open(self, module: ModuleType, machine: Machine, precision: str) -> FrameNets:
        keys = self._keys(machine, precision)
        plans, why = self._kept(keys)
        built = keys.keys() - plans.keys()
        if built:
            self._build([keys[role] for role in keys if role in built], why)
            plans = self._all(keys)
        try:
            return FrameNets(plans, module=module, cubins=self._store.folder)
        except PlanError as error:
            older = [keys[role] for role in keys if role not in built]
            if not older:
                raise
            self._build(older, str(error), "--force")
        return FrameNets(self._all(keys), module=module, cubins=self._store.folder)

    def _kept(self, keys: Mapping[str, PlanKey]) -> tuple[dict[str, bytes], str]:
        """Return the sound plans there are, and why the others are not."""
        plans: dict[str, bytes] = {}
        why = ""
        for role, key in keys.items():
            stored = self._store.find(key)
            try:
                if stored is None:
                    why = why or f"no plan for TensorRT {key.tensorrt} on this GPU yet"
                else:
                    plans[role] = stored.load()
            except PlanError as error:
                why = str(error)
        return plans, why

    def _all(self, keys: Mapping[str, PlanKey]) -> dict[str, bytes]:
        plans, _ = self._kept(keys)
        for role, key in keys.items():
            if role not in plans:
                raise EngineError(f"the build made no plan for {key.net}; see its messages above")
        return plans

    def _build(self, keys: Sequence[PlanKey], why: str, *options: str) -> None:
        """Run the build and pass on what it says; it ends with :meth:`cancel`."""
        names = [key.net for key in keys]
        what = " and ".join(names)
        _log.warning("%s: building %s, which takes minutes; the CPU watches meanwhile", why, what)
        if self._stop.is_set():
            raise EngineError("the build was cancelled; start dms again")
        precision = _FALLBACK if keys[0].precision == _FALLBACK else self._precision
        more = ["--precision", precision, "--folder", str(self._store.folder), *options]
        if self._dla_core is not None:
            more += ["--dla", str(self._dla_core)]
        with self._builder([*names, *more]) as process:
            self._building = process
            if self._stop.is_set():
                process.terminate()
            _pass_on(what, process)
        self._building = None
        if process.returncode:
            raise BuildFailedError(
                f"building the plans failed with code {process.returncode}; run 'dms engine "
                "build' and read what it says"
            )

    def cancel(self) -> None:
        """Stop a running build."""
        self._stop.set()
        building = self._building
        if building is not None:
            building.terminate()


def _pass_on(what: str, process: subprocess.Popen[str]) -> None:
    """Log what a build says until it ends; also that it goes on where it says nothing."""
    started_s = told_s = time.monotonic()
    said = "nothing heard yet"
    for line in _lines(process, TOLD_EVERY_S):
        now_s = time.monotonic()
        if line:
            said = line
            _log.info("building: %s", said)
        if now_s - told_s >= TOLD_EVERY_S:
            told_s = now_s
            _log.warning("still building %s, %.0f s so far: %s", what, now_s - started_s, said)


def _lines(process: subprocess.Popen[str], patience_s: float) -> Iterator[str]:
    """Yield each line as it comes, and "" after every ``patience_s`` without one."""
    heard: SimpleQueue[str | None] = SimpleQueue()

    def listen() -> None:
        for line in process.stdout or ():
            heard.put(line.strip())
        heard.put(None)

    threading.Thread(target=listen, name="dms-build", daemon=True).start()
    while True:
        try:
            line = heard.get(timeout=patience_s)
        except Empty:
            line = ""
        if line is None:
            return
        yield line
