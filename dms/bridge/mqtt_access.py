"""How an MQTT client gets in: the files of password and TLS, opened and checked before use."""

from __future__ import annotations

import _ssl
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dms.bridge.settings import MqttSettings
from dms.errors import ConfigError
from dms.plainfile import read_plain

_LARGEST_PEM = 1_000_000  # bytes; the certificates of every authority there is take 200 kB
_LARGEST_PASSWORD = 4096
_SOON_S = 30 * 86400.0
_OWN = 8  # so many authorities in one file are chosen ones; more are a bundle
_PEM = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed to connect. ``notes``: what is unwise in it, in words; no reason to refuse."""

    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    notes: tuple[str, ...] = ()


def access_of(settings: MqttSettings, now_s: float | None = None) -> Access:
    """Open every file of ``settings`` and return what they give.

    Raises ConfigError that names the file and what to do where one is missing, not readable or not
    what it should be.
    """
    password = _password(settings.password_file)
    tls = _tls(settings)
    notes = (*in_clear_text(settings), *_expiring(settings, tls, now_s or time.time()))
    return Access(password, tls, notes)


def stamps(settings: MqttSettings) -> tuple[object, ...]:
    """Return what changes when one of the files is replaced, as certificates are from time to time.

    None stands for one that cannot be looked at.
    """
    files = (settings.password_file, settings.ca_file, settings.certificate_file, settings.key_file)
    return tuple(_stamp(file) for file in files if file)


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def in_clear_text(settings: MqttSettings) -> Iterator[str]:
    """Yield that a password leaves the machine for everybody to read, if it does."""
    if settings.password_file and not settings.ca_file and not _is_here(settings.host):
        yield (
            f"the password goes to {settings.host} in clear text; set mqtt.ca_file, so that TLS is "
            "used"
        )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _password(file: str) -> str | None:
    if not file:
        return None
    try:
        return read_plain(Path(file), _LARGEST_PASSWORD).decode("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"mqtt: cannot read password_file {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"mqtt: password_file {file} is not UTF-8 text") from error


def _tls(settings: MqttSettings) -> ssl.SSLContext | None:
    certificate, key = settings.certificate_file, settings.key_file
    if not settings.ca_file:
        if certificate or key:
            raise ConfigError("mqtt: a client certificate needs ca_file too")
        return None
    if key and not certificate:
        raise ConfigError("mqtt: key_file needs certificate_file too")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=_pem("ca_file", settings.ca_file))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"mqtt: the TLS files cannot be used ({settings.ca_file}): {error}"
        ) from error
    if not certificate:
        return context
    for name, file in (("certificate_file", certificate), ("key_file", key or certificate)):
        _pem(
            name, file
        )  # names the one that cannot be read; OpenSSL would not, and waits at a pipe
    try:
        context.load_cert_chain(certificate, key or None, password=_no_passphrase)
    except (OSError, ValueError) as error:
        words = f"{certificate} with key {key or certificate}"
        raise ConfigError(
            f"mqtt: the TLS files cannot be used ({words}): {error}; the key must belong to the "
            "certificate and have no passphrase"
        ) from error
    return context


def _no_passphrase() -> str:
    """OpenSSL would ask at the terminal, and wait."""
    return ""


def _pem(name: str, file: str) -> str:
    try:
        text = read_plain(Path(file), _LARGEST_PEM).decode("ascii", "replace")
    except OSError as error:
        raise ConfigError(
            f"mqtt: the TLS files cannot be used: {name} {file}: {error.strerror}; the service's "
            "user must be able to read it"
        ) from error
    if _PEM not in text:
        raise ConfigError(
            f"mqtt: the TLS files cannot be used: {name} {file} is no PEM file (-----BEGIN ...)"
        )
    begin = text.index(_PEM)
    return "".join(letter for letter in text[begin:] if letter.isascii())


def _expiring(settings: MqttSettings, tls: ssl.SSLContext | None, now_s: float) -> Iterator[str]:
    if tls is None:
        return
    authorities = [_end_s(one) for one in tls.get_ca_certs()]
    # Of a bundle of all there are, some always end; of the few of one's own, each is needed.
    first = min if len(authorities) <= _OWN else max
    ends = {settings.ca_file: first(authorities, default=None)}
    if settings.certificate_file:
        ends[settings.certificate_file] = _end_s(_decoded(settings.certificate_file))
    for file, end_s in ends.items():
        left_s = _SOON_S if end_s is None else end_s - now_s
        day = time.strftime("%Y-%m-%d", time.gmtime(end_s)) if end_s is not None else ""
        if left_s < 0:
            yield f"the certificate {file} expired on {day}; replace it"
        elif left_s < _SOON_S:
            yield f"the certificate {file} expires on {day}, in {left_s / 86400:.0f} days"


def _end_s(certificate: Mapping[str, Any]) -> float:
    return ssl.cert_time_to_seconds(str(certificate["notAfter"]))


def _decoded(file: str) -> dict[str, Any]:
    """Return what a certificate says; the standard library reads one that is no authority's so."""
    decode: Callable[[str], dict[str, Any]] = getattr(_ssl, "_test_decode_cert")  # noqa: B009
    return decode(file)
