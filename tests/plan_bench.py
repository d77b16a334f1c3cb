"""A plan store with two random nets, and what stands in for the building process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from dms.engine.manifest import load_manifest
from dms.engine.plans import PlanStore
from dms.engine.prepare import Machine, key_of

ORIN = Machine("10.3.0", "8.7")
ROLES = ("eye_state", "expression")


class PlanBench:
    """``nets``: role -> manifest. A build keeps plans of the twin ``trt``, then runs ``script``."""

    def __init__(self, trt, engines: Path, folder: Path) -> None:
        self.trt = trt
        self.store = PlanStore(folder)
        self.nets = {role: load_manifest(role, engines) for role in ROLES}
        self.built: list[list[str]] = []
        self.script, self.makes_plans = "print('eye_state: Tactics 50%')", True
        self.fails = ""  # a precision whose build fails
        self.process: subprocess.Popen[str] | None = None
        self.gate = threading.Event()  # a build waits for it
        self.gate.set()

    def keep(
        self,
        names: Iterable[str] = ROLES,
        version: str = ORIN.tensorrt,
        dla: int | None = None,
        precision: str = "int8",
    ) -> None:
        """Keep a plan of each net called by one of ``names``."""
        for net in self.nets.values():
            if net.name in names:
                key = key_of(net, ORIN, precision, dla)
                plan = self.trt.plan_of(net.path("fp32"), key.batch, version)
                self.store.write(key, plan, {})

    def build(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        """Stand in for ``dms engine build``."""
        self.built.append(list(arguments))
        self.gate.wait(120)
        dla = int(arguments[-1]) if "--dla" in arguments else None
        precision = arguments[arguments.index("--precision") + 1]
        failing = precision == self.fails
        if self.makes_plans and not failing:
            self.keep(arguments, dla=dla, precision=precision)
        script = "raise SystemExit(4)" if failing else self.script
        self.process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self.process
