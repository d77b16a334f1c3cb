"""One version: the package, its metadata and the newest part of the change log."""

import re
from pathlib import Path

import dms

ROOT = Path(__file__).resolve().parents[1]


def test_setup_the_package_and_the_change_log_agree():
    setup = re.search(r'version="([^"]+)"', (ROOT / "setup.py").read_text())
    released = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert setup is not None
    assert setup[1] == dms.__version__ == released[0]
