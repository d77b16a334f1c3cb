"""Certificates for tests, made by openssl."""

import shutil
import subprocess

import pytest


def made(folder, name="cert", days=365, key=None, passphrase=""):
    """Make ``name``.pem, signed by itself, with ``name``.key; returns both paths."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (apt-get install openssl)")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", str(days), "-subj",
             f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
             "-out", str(certificate)]  # fmt: skip
    words += ["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]
    subprocess.run(words, check=True, capture_output=True)
    return str(certificate), str(key)
