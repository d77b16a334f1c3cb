"""Manifests of the shipped nets: which files belong to a net, their hashes, input and outputs.

A manifest is ``engines/NAME.yaml``. Nothing is loaded before its hash is right.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from dms.errors import EngineError
from dms.plainfile import read_plain

T = TypeVar("T")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is many times faster

_PACKAGE = Path(__file__).resolve().parents[1]
# Inside an installed package; beside it in a checkout.
FOLDER = next(
    (at for at in (_PACKAGE / "engines", _PACKAGE.parent / "engines") if at.is_dir()),
    _PACKAGE / "engines",
)
ACCELERATED = ("expression", "eye_state")  # the nets that TensorRT may run; others stay on the CPU
PRECISIONS = ("int8", "fp32", "int8-qdq")
_LARGEST = 512_000_000  # bytes of a net; ours take 4 MB
_LARGEST_MANIFEST = 1_000_000
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_STRICT)
class NetFile:
    """One file of a net and the SHA-256 of its bytes, in hexadecimal."""

    file: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, config=_STRICT)
class NetInput:
    """What a net eats: ``shape`` (channels, height, width), value ``range``, crop settings."""

    shape: tuple[int, int, int]
    range: tuple[float, float]
    alignment: dict[str, float]


@dataclass(frozen=True, slots=True, config=_STRICT)
class Manifest:
    """One net: its files by precision, and all that is needed to use and to judge it.

    ``outputs``: name -> length; ``classes``: output -> names in order; ``decision``: numbers found
    in training that the caller needs (priors, thresholds); ``figures``: measured on what;
    ``relative``: the weights that read an embedding against another (:mod:`dms.engine.relative`).
    """

    name: str
    files: dict[str, NetFile]
    input: NetInput
    outputs: dict[str, int]
    classes: dict[str, list[str]]
    decision: dict[str, float | list[float]]
    figures: dict[str, Any]
    revision: str
    relative: NetFile | None = None
    folder: Path = FOLDER

    def path(self, precision: str = "int8") -> Path:
        """Where the file of ``precision`` is, once its hash has been found right.

        Raises EngineError where it is not listed, missing or altered.
        """
        entry = self._entry(precision)
        return verified(self.folder / entry.file, entry.sha256)

    def read(self, precision: str = "int8") -> tuple[Path, bytes]:
        """Return the file of ``precision`` with its bytes, the very ones whose hash was right.

        Raises EngineError as :meth:`path`.
        """
        entry = self._entry(precision)
        path = self.folder / entry.file
        return path, verified_bytes(path, entry.sha256)

    def _entry(self, precision: str) -> NetFile:
        if precision not in self.files:
            raise EngineError(
                f"{self.name} has no {precision} file; choose one of {', '.join(self.files)}"
            )
        return self.files[precision]

    def framing(self, kind: type[T]) -> T:
        """Crop settings of class ``kind`` as the net was trained with."""
        try:
            return kind(**self.input.alignment)
        except (ValidationError, TypeError) as error:
            raise EngineError(
                f"the alignment in the manifest of {self.name} does not fit {kind.__name__} "
                f"({_first(error)}); use engines/ of the same version as dms"
            ) from error


def verified(path: Path, sha256: str) -> Path:
    """Return ``path`` once its hash has been found right.

    Raises EngineError where it is missing or altered.
    """
    verified_bytes(path, sha256)
    return path


def verified_bytes(path: Path, sha256: str) -> bytes:
    """Return the bytes of ``path``, whose hash is right: what is loaded is what was looked at.

    Raises EngineError where it is missing, altered or no plain file of a net's size.
    """
    try:
        data = read_plain(path, _LARGEST)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read ({error.strerror}); restore it with 'git checkout engines'"
        ) from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise EngineError(
            f"{path} is not the file that belongs there (SHA-256 {actual[:12]}.. instead of "
            f"{sha256[:12]}..); restore it with 'git checkout engines'"
        )
    return data


def load_manifest(name: str, folder: Path = FOLDER) -> Manifest:
    """Read ``folder/name.yaml``. Raises EngineError with the file and what is wrong in it."""
    path = folder / f"{name}.yaml"
    try:
        content = yaml.load(read_plain(path, _LARGEST_MANIFEST).decode("utf-8"), _Loader)
    except OSError as error:
        known = ", ".join(sorted(found.stem for found in folder.glob("*.yaml"))) or "none"
        raise EngineError(
            f"no manifest {path} ({error.strerror}); nets there: {known}; restore the folder with "
            "'git checkout engines' or set the folder of the nets"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} is not YAML ({error}); restore it") from error
    if not isinstance(content, dict):
        raise EngineError(f"{path} must hold a mapping; restore it with 'git checkout engines'")
    try:
        return TypeAdapter(Manifest).validate_python({**content, "folder": path.parent})
    except ValidationError as error:
        raise EngineError(f"{path}: {_first(error)}; restore it with 'git checkout engines'") from (
            error
        )


def _first(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return str(error)
    detail = error.errors()[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}, got {detail['input']!r}"
