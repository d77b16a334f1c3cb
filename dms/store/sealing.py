"""Seals files to the owner's public key with age: who takes the device cannot read them.

The private key (identity) is made by ``dms clips key`` and kept elsewhere; the device never has it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from dms.errors import ConfigError

RECIPIENT = r"^(age1[02-9ac-hj-np-z]{58})?$"  # Bech32 of an X25519 key; empty: none


def new_identity() -> tuple[str, str]:
    """Return a fresh (private, public) key. Raises ConfigError without the extra ``clips``."""
    identity = _pyrage().x25519.Identity.generate()
    return str(identity), str(identity.to_public())


class Seal:
    """Encrypts to one public key. Raises ConfigError for no such key, or without the extra."""

    def __init__(self, recipient: str) -> None:
        self._pyrage = _pyrage()
        try:
            self._recipient = self._pyrage.x25519.Recipient.from_str(recipient)
        except self._pyrage.RecipientError as error:
            raise ConfigError(
                f"{recipient!r} is not an age public key ({error}); make one with: dms clips key"
            ) from error

    def close(self, data: bytes) -> bytes:
        """Return ``data`` encrypted."""
        return bytes(self._pyrage.encrypt(data, [self._recipient]))


def unseal(sealed: Path, identity: Path) -> bytes:
    """Return what is in ``sealed``. Raises ConfigError where file or key cannot be used."""
    pyrage = _pyrage()
    try:
        words = identity.read_text(encoding="utf-8").split()
        data = sealed.read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {identity} or {sealed}: {error}") from error
    try:
        keys = [pyrage.x25519.Identity.from_str(w) for w in words if w.startswith("AGE-SECRET-")]
        return bytes(pyrage.decrypt(data, keys))
    except (pyrage.IdentityError, pyrage.DecryptError) as error:
        raise ConfigError(
            f"{sealed} cannot be opened with {identity} ({error}); give the private key that "
            "belongs to service.clips.recipient."
        ) from error


def _pyrage() -> Any:
    try:
        return importlib.import_module("pyrage")
    except ImportError as error:
        raise ConfigError("event clips need pyrage: pip install 'dms-jetson[clips]'") from error
