"""Writes the manifests of the shipped nets, so that each tool adds its part and keeps the rest."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import asdict
from pathlib import Path

import yaml

from dms.engine.preprocess.crop import EyeCropSettings, FaceCropSettings


def revision() -> str:
    """Name the revision of the code that is running, "+" where it has been changed since."""
    head, changed = (
        subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *command],
            capture_output=True,
            text=True,
            check=False,  # a copy without git has no revision to tell
        )
        for command in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "-uno"])
    )
    return (head.stdout.strip() or "unknown") + ("+" if changed.stdout.strip() else "")


def framing_of(net: str, size: int) -> dict[str, float]:
    """Crop settings that the net of this name is trained with, at ``size`` px."""
    return asdict(EyeCropSettings(size) if net == "eye_state" else FaceCropSettings(size))


def entry(file: Path) -> dict[str, str]:
    """Make a manifest's entry of one file."""
    return {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def write_manifest(
    path: Path,
    *,
    name: str,
    files: dict[str, Path],
    shape: tuple[int, int, int],
    alignment: dict[str, float],
    outputs: dict[str, int],
    classes: dict[str, list[str]],
    decision: dict[str, object],
    revision: str,
    epochs: int,
    counted: str = "epochs",
) -> None:
    """Write a new manifest; figures come later, from tools/evaluate.py."""
    content = {
        "name": name,
        "files": {precision: entry(file) for precision, file in files.items()},
        "input": {"shape": list(shape), "range": [0.0, 1.0], "alignment": alignment},
        "outputs": outputs,
        "classes": classes,
        "decision": decision,
        "figures": {f"training_{counted}": epochs},
        "revision": revision,
    }
    save(path, content)


def save(path: Path, content: dict[str, object]) -> None:
    """Write a manifest in the order given."""
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)
    path.write_text(text, encoding="utf-8")


def update(path: Path, files: dict[str, Path], figures: dict[str, object]) -> None:
    """Add files and figures to a manifest."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["files"] |= {precision: entry(file) for precision, file in files.items()}
    content["figures"] |= figures
    save(path, content)
