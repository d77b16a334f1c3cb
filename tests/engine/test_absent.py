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


def test_the_memory_driver_alone_is_no_gpu(monkeypatch, tmp_path):
    """nvmap is there from the boot on, the GPU's driver comes later (JetPack 7.2)."""
    memory = tmp_path / "nvmap"
    memory.write_bytes(b"")
    monkeypatch.setattr(room, "_MEMORY", str(memory))
    monkeypatch.setattr(room, "_NODES", (str(tmp_path / "ctrl"), str(memory)))
    assert "its driver is not loaded" in room.why_no_gpu()


def test_a_later_device_file_that_is_refused_is_named(monkeypatch, tmp_path):
    nodes = [tmp_path / "ctrl", tmp_path / "nvmap"]
    for node in nodes:
        node.write_bytes(b"")
    really = os.open

    def refuse(path, *more):
        if path == str(nodes[1]):
            raise PermissionError(errno.EPERM, "not permitted", path)
        return really(path, *more)

    monkeypatch.setattr(room, "_NODES", tuple(map(str, nodes)))
    monkeypatch.setattr(os, "open", refuse)
    assert f"{nodes[1]} is not in the unit's device list" in room.why_no_gpu()
