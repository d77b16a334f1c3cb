"""``dms engine``: build the TensorRT plans of the nets, list, verify and clean what is kept."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from types import ModuleType

from dms.engine.manifest import ACCELERATED, FOLDER, Manifest, load_manifest
from dms.engine.plans import PlanError, PlanKey, PlanStore, StoredPlan
from dms.engine.prepare import FILES, Machine, build_and_keep, key_of, pass_gate, this_machine
from dms.engine.tensorrt import tensorrt_module
from dms.errors import EngineError

_MOVED_EVERY_S = 0.5  # the line on a terminal
TOLD_EVERY_S = 10.0  # a line of its own elsewhere, as in a journal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs and their options."""
    verbs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    build = verbs.add_parser("build", help="build plans for this machine, or check that they are")
    build.add_argument("nets", nargs="*", metavar="NET", help=f"default: {' '.join(ACCELERATED)}")
    build.add_argument("--precision", choices=sorted(FILES), default="int8")
    build.add_argument(
        "--dla", type=int, metavar="CORE", help="use this DLA core, in FP16, where there is one"
    )
    build.add_argument("--force", action="store_true", help="build even where a plan is kept")
    build.add_argument(
        "--target",
        metavar="SM86",
        help="compile with TensorRT-RTX for a GPU that is not here, to check a net without one",
    )
    lister = verbs.add_parser("list", help="what is kept, and what each plan was built for")
    verify = verbs.add_parser("verify", help="check files, fit to this machine, and the gate")
    clean = verbs.add_parser("clean", help="delete what is damaged or fits no net or machine here")
    clean.add_argument("--all", action="store_true", help="delete every plan")
    for sub in (build, lister, verify, clean):
        sub.add_argument("--folder", type=Path, help="of the plans (default: the cache directory)")
        sub.add_argument("--engines", type=Path, default=FOLDER, help="folder of the nets")


def run(args: argparse.Namespace) -> int:
    """Do what was asked. Code 4 where a plan is not in order."""
    store = PlanStore(args.folder)
    if args.what == "build":
        return _build(args, store)
    if args.what == "list":
        return _list(store)
    if args.what == "verify":
        return _verify(store, args.engines)
    return _clean(store, args.engines, everything=args.all)


def _build(args: argparse.Namespace, store: PlanStore) -> int:
    module = tensorrt_module("tensorrt_rtx" if args.target else "tensorrt")
    if args.target:
        machine = Machine(f"rtx-{module.__version__}", _capability(args.target))
        gate = None
    else:
        machine, gate = this_machine(module), pass_gate(module)
    for name in args.nets or ACCELERATED:
        manifest = load_manifest(name, args.engines)
        key = key_of(manifest, machine, args.precision, args.dla)
        with store.locked():
            if not args.force and _is_sound(store, key):
                print(f"{name}: a plan for TensorRT {key.tensorrt} on {key.capability} is kept")
                continue
            print(f"{name}: building, which may take minutes", file=sys.stderr, flush=True)
            told = Teller(name)
            try:
                stored = build_and_keep(
                    *(manifest, key, module, store), gate=gate, target=args.target, say=told
                )
            finally:
                told.done()
        print(f"{name}: {_line(stored)}")
    return 0


def _capability(target: str) -> str:
    digits = target.removeprefix("SM")
    if digits == target or not digits.isdigit() or len(digits) < 2:
        raise EngineError(f"--target {target!r} is no GPU; write it as SM86")
    return f"{digits[:-1]}.{digits[-1]}"


def _is_sound(store: PlanStore, key: PlanKey) -> bool:
    stored = store.find(key)
    try:
        return stored is not None and bool(stored.load())
    except PlanError as error:
        print(f"{key.net}: {error}", file=sys.stderr)
        return False


class Teller:
    """Says how far the build is: one line that moves on a terminal, new lines elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._terminal = sys.stderr.isatty()
        self._last_s = float("-inf")
        self._phases: set[str] = set()

    def __call__(self, phase: str, share: float) -> None:
        now_s = time.monotonic()
        new = phase not in self._phases
        pause_s = _MOVED_EVERY_S if self._terminal else TOLD_EVERY_S
        if not new and now_s - self._last_s < pause_s:
            return
        self._phases.add(phase)
        self._last_s = now_s
        text = f"{self._name}: {phase} {share:4.0%}"
        print(f"\r\033[K{text}" if self._terminal else text, end="", file=sys.stderr)
        if not self._terminal:
            print(file=sys.stderr, flush=True)

    def done(self) -> None:
        """End the moving line."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr)


def _line(plan: StoredPlan) -> str:
    key, told = plan.key, plan.figures
    gate = told.get("gate")
    passed = (
        f"gate: mean loss {gate['mean_loss']:.4f}, same decision {gate['agreement']:.1%}"
        if isinstance(gate, dict)
        else f"gate {gate}"
    )
    unit = "GPU" if key.dla_core is None else f"DLA {key.dla_core}"
    return (
        f"{key.precision}, batch {key.batch}, TensorRT {key.tensorrt}, {unit} {key.capability}, "
        f"{plan.size / 1024:.0f} KiB, {told.get('layers')} layers, "
        f"built {plan.built} in {told.get('build_s')} s; {passed}"
    )


def _kept(store: PlanStore) -> list[StoredPlan]:
    """Return all plans; say so where there are none."""
    plans = store.plans()
    if not plans:
        print(f"no plans in {store.folder}; dms engine build makes them")
    return plans


def _list(store: PlanStore) -> int:
    for plan in _kept(store):
        print(f"{plan.key.net}: {_line(plan)}")
    for path in store.stray():
        print(f"{path.name}: half-written or of another version; dms engine clean deletes it")
    return 0


def _verify(store: PlanStore, engines: Path) -> int:
    machine, module, why = _here()
    good = True
    for plan in _kept(store):
        wrong = _wrong(plan, engines, machine)
        if wrong is None and machine is not None and module is not None:
            wrong = _gate_says(plan, engines, module)
        good &= wrong is None
        print(f"{plan.key.net}: {wrong or 'good'} ({plan.path.name})")
    for path in store.stray():
        good = False
        print(f"{path.name}: half-written or of another version; dms engine clean deletes it")
    if machine is None:
        print(f"fit to this machine and the gate were not checked: {why}")
    return 0 if good else EngineError.exit_code


def _here() -> tuple[Machine | None, ModuleType | None, str]:
    try:
        module = tensorrt_module()
        return this_machine(module), module, ""
    except EngineError as error:
        return None, None, str(error)


def _wrong(plan: StoredPlan, engines: Path, machine: Machine | None) -> str | None:
    """Say what is wrong with a plan, as far as can be told without running it."""
    key = plan.key
    try:
        plan.load()
        manifest = load_manifest(key.net, engines)
    except EngineError as error:
        return str(error)
    file = manifest.files.get(key.precision)
    if file is None or file.sha256 != key.onnx_sha256:
        return f"built from another {key.net} net than engines/ holds; dms engine build"
    if machine is not None and Machine(key.tensorrt, key.capability) != machine:
        return (
            f"built for TensorRT {key.tensorrt} on {key.capability}, this is "
            f"{machine.tensorrt} on {machine.capability}; dms engine build"
        )
    return None


def _gate_says(plan: StoredPlan, engines: Path, module: ModuleType) -> str | None:
    manifest: Manifest = load_manifest(plan.key.net, engines)
    try:
        pass_gate(module)(plan.load(), manifest)
    except EngineError as error:
        return str(error)
    return None


def _clean(store: PlanStore, engines: Path, *, everything: bool) -> int:
    machine, _, _ = _here()
    removed = [path.name for path in store.remove_stray()]
    for plan in store.plans():
        if everything or _wrong(plan, engines, machine) is not None:
            store.remove(plan)
            removed.append(plan.path.name)
    for name in removed:
        print(f"deleted {name}")
    if not removed:
        print("nothing to delete")
    return 0
