import hashlib

import pytest
import yaml

from dms.engine.manifest import load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import EyeCropSettings, FaceCropSettings
from dms.errors import EngineError
from tests.tiny_nets import write_expression, write_eye_state


def test_manifest_gives_the_verified_file_and_the_framing(tmp_path):
    write_eye_state(tmp_path)
    manifest = load_manifest("eye_state", tmp_path)
    assert manifest.path() == tmp_path / "eye_state.onnx"
    assert manifest.framing(EyeCropSettings) == EyeCropSettings()
    assert manifest.input.shape == (1, 32, 32)


def test_altered_file_is_refused_before_load(tmp_path):
    write_eye_state(tmp_path)
    with (tmp_path / "eye_state.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(EngineError, match="git checkout engines"):
        load_manifest("eye_state", tmp_path).path()


def test_missing_file_says_how_to_restore_it(tmp_path):
    write_eye_state(tmp_path)
    (tmp_path / "eye_state.onnx").unlink()
    with pytest.raises(EngineError, match=r"cannot be read.*git checkout"):
        load_manifest("eye_state", tmp_path).path()


def test_a_net_named_by_its_path_has_its_files_beside_it(tmp_path):
    write_eye_state(tmp_path)
    manifest = load_manifest(str(tmp_path / "eye_state"))
    assert manifest.path() == tmp_path / "eye_state.onnx"


def test_unknown_net_lists_those_there(tmp_path):
    write_expression(tmp_path)
    with pytest.raises(EngineError, match="nets there: expression"):
        load_manifest("nose", tmp_path)


def test_unknown_precision_lists_the_choices(tmp_path):
    write_eye_state(tmp_path)
    with pytest.raises(EngineError, match="choose one of int8"):
        load_manifest("eye_state", tmp_path).path("fp8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "surprise"),
        ({"revision": None}, "revision"),
        ({"files": {"int8": {"file": "../x.onnx", "sha256": "0" * 64}}}, "files.int8.file"),
    ],
)
def test_wrong_entries_are_named(tmp_path, change, message):
    write_eye_state(tmp_path)
    path = tmp_path / "eye_state.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))
    with pytest.raises(EngineError, match=message):
        load_manifest("eye_state", tmp_path)


@pytest.mark.parametrize("text", ["- a list", "a: [", ""])
def test_what_is_no_mapping_is_refused(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(EngineError, match=r"must hold|not YAML"):
        load_manifest("x", tmp_path)


def test_alignment_of_another_crop_is_refused(tmp_path):
    write_eye_state(tmp_path)
    with pytest.raises(EngineError, match="FaceCropSettings"):
        load_manifest("eye_state", tmp_path).framing(FaceCropSettings)


def test_a_link_to_an_endless_file_is_refused_and_hash_and_load_read_the_same_bytes(tmp_path):
    write_eye_state(tmp_path)
    manifest = load_manifest("eye_state", tmp_path)
    path, data = manifest.read()
    assert hashlib.sha256(data).hexdigest() == manifest.files["int8"].sha256
    with OnnxEngine(path, data) as engine:
        path.write_bytes(b"exchanged after the look")
        assert engine.input_shape == manifest.input.shape
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(EngineError, match="pipe or a device"):
        manifest.path()
    (tmp_path / "eye_state.yaml").unlink()
    (tmp_path / "eye_state.yaml").symlink_to("/dev/zero")
    with pytest.raises(EngineError, match="pipe or a device"):
        load_manifest("eye_state", tmp_path)
