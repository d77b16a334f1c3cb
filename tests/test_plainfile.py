"""Files that settings name: nothing that hangs, nothing without an end."""

import os

import pytest

from dms.plainfile import read_plain


def test_a_plain_file_is_read_up_to_its_limit(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"1234")
    assert read_plain(file, 4) == b"1234"
    with pytest.raises(OSError, match="larger than 3e-06 MB"):
        read_plain(file, 3)


def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe or a device"):
        read_plain(tmp_path / "pipe", 100)


def test_a_link_to_an_endless_device_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="pipe or a device"):
        read_plain(tmp_path / "link", 100)


def test_a_folder_and_a_missing_file_are_told_by_the_usual_errors(tmp_path):
    with pytest.raises(IsADirectoryError):
        read_plain(tmp_path, 100)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "none", 100)
