"""What is said where CUDA finds no GPU: told by the device files there are. Needs no pycuda."""

from __future__ import annotations

import errno
import os

import pytest

from dms.engine import absent as room


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EPERM, "is not in the unit's device list: sudo systemctl restart dms"),
        (errno.EACCES, "groups video and render"),
        (errno.ENXIO, "its device files are there"),
        (errno.ENOENT, "its driver is not loaded"),
    ],
)
def test_a_gpu_that_does_not_answer_is_explained_by_its_device_files(monkeypatch, number, advice):
    def refuse(path, *_):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "open", refuse)
    assert advice in room.why_no_gpu()


def test_device_files_that_open_are_no_reason(monkeypatch, tmp_path):
    node = tmp_path / "ctrl"
    node.write_bytes(b"")
    monkeypatch.setattr(room, "_NODES", (str(node),))
    assert "see dmesg" in room.why_no_gpu()
