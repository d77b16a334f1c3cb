import pytest

from dms.engine import backends as load
from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.errors import EngineError
from tests.tiny_nets import write_eye_state


def test_opens_by_name_of_the_backend(tmp_path):
    write_eye_state(tmp_path)
    with open_engine(load_manifest("eye_state", tmp_path)) as engine:
        assert engine.input_shape == (1, 32, 32)


def test_unknown_backend_lists_the_choices(tmp_path):
    write_eye_state(tmp_path)
    with pytest.raises(EngineError, match="choose one of onnxruntime"):
        open_engine(load_manifest("eye_state", tmp_path), backend="abacus")


def test_backend_that_is_not_installed_says_so(tmp_path, monkeypatch):
    write_eye_state(tmp_path)
    monkeypatch.setitem(load.BACKENDS, "absent", "dms.engine.not_there:Absent")
    with pytest.raises(EngineError, match="not installed"):
        open_engine(load_manifest("eye_state", tmp_path), backend="absent")


def test_shape_other_than_the_manifests_is_refused(tmp_path):
    alignment = {"size": 40}
    write_eye_state(
        tmp_path, input={"shape": [1, 40, 40], "range": [0.0, 1.0], "alignment": alignment}
    )
    with pytest.raises(EngineError, match="its manifest says"):
        open_engine(load_manifest("eye_state", tmp_path))
