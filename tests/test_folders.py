from pathlib import Path

import pytest

from dms.folders import cache_folder, runtime_folder, state_folder


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (state_folder, "STATE_DIRECTORY"),
        (cache_folder, "CACHE_DIRECTORY"),
        (runtime_folder, "RUNTIME_DIRECTORY"),
    ],
)
def test_the_first_folder_that_systemd_names_counts(folder, name):
    assert folder({name: "/one:/other"}) == Path("/one")
    assert folder({name: ""}) == folder({})


def test_without_systemd_there_are_usual_places():
    assert state_folder({}) == Path("/var/lib/dms")
    assert cache_folder({"XDG_CACHE_HOME": "/home/x/.cache"}) == Path("/home/x/.cache/dms")
    assert runtime_folder({}) is None
