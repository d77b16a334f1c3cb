import json
from pathlib import Path

import pytest
import yaml

from dms.config import ADAPTER, Settings, example, load, schema
from dms.errors import ConfigError
from dms.yamlfile import as_data, load_data


def test_no_file_is_the_defaults():
    assert load() == Settings()


def test_overrides_win_over_the_file(tmp_path):
    path = tmp_path / "dms.yaml"
    path.write_text("camera:\n  fps: 15\n  width: 640\n")
    chosen = load(path, ["camera.fps=25", "nets.expression=null"])
    assert (chosen.camera.fps, chosen.camera.width, chosen.nets.expression) == (25, 640, None)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("camera.fps", "write it as key=value"),
        ("camera.fbs=3", "did you mean 'fps'"),
        ("core.microsleep_s=2", "did you mean core.profiles.NAME.microsleep_s?"),
        ("camera.fps=-3", "expected greater than 0"),
        ("camera.fps={", "not a YAML value"),
        ("camera.fps.x=1", "expected"),
        ("camera.silent_s=6", "camera.silent_s must be less than service.liveness.camera_s, got 6"),
    ],
)
def test_a_bad_override_is_told(override, said):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        load(None, [override])


def test_the_example_holds_every_setting_at_its_default():
    assert load_data(yaml.safe_load(example()), ADAPTER, "example") == Settings()


def test_the_example_explains_each_value_with_unit_and_source():
    text = example()
    assert "# the expression net runs at most this often" in text
    assert "[s]" in text
    assert "source: " in text
    keys = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    assert len(keys) > 50


def test_settings_survive_a_round_trip():
    assert load_data(as_data(Settings()), ADAPTER, "again") == Settings()


def test_the_schema_names_units_and_limits():
    text = json.dumps(schema())
    assert '"unit": "s"' in text
    assert schema()["additionalProperties"] is False


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(AttributeError):
        Settings().camera.fps = 3


def test_the_example_file_is_what_the_code_would_write():
    shipped = Path(__file__).parents[1] / "docs" / "dms.example.yaml"
    told = "docs/dms.example.yaml is old: dms config example > docs/dms.example.yaml"
    assert shipped.read_text(encoding="utf-8") == example(), told
    assert load(shipped) == Settings()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("perception.face.search_widths_px=[0]", "at least 80"),
        ("perception.face.seat_region=[0.9, 0.9, 0.1, 0.1]", "left < right"),
        ("perception.pose.intrinsics=[1, 2]", "fx, fy, cx, cy"),
        ("perception.pose.distortion=[1]", "0, 4, 5 or 8"),
    ],
)
def test_settings_that_contradict_themselves_are_refused_at_once(override, said):
    with pytest.raises(ConfigError, match=said):
        load(None, [override])


def test_a_group_with_nothing_below_it_is_its_defaults(tmp_path):
    path = tmp_path / "dms.yaml"
    path.write_text("camera:\nperception:\n  face:\n")
    assert load(path, ["camera.fps=15"]).camera.fps == 15
    assert load(path).perception == Settings().perception


def test_a_key_that_is_no_word_is_told(tmp_path):
    path = tmp_path / "dms.yaml"
    path.write_text("? [a, b]\n: 1\n")
    with pytest.raises(ConfigError, match="plain word"):
        load(path)


@pytest.mark.parametrize("key", ["base_id: 0x100", "fault_file: faults.json", "mqtt: {host: a}"])
def test_what_a_bus_that_is_only_listened_to_has_no_use_for_is_told(tmp_path, key):
    path = tmp_path / "dms.yaml"
    path.write_text(f"vehicle:\n  bus:\n    kind: slcan\n    {key}\n")
    words = f"dms.yaml:4: vehicle.bus.{key.split(':')[0]}: means nothing on a bus that is only"
    with pytest.raises(ConfigError, match=words):
        load(path)


@pytest.mark.parametrize("part", ["seat", "closure", "blinks", "perclos", "distraction"])
def test_the_one_setting_for_gaps_is_named_where_it_stood_before(tmp_path, part):
    path = tmp_path / "dms.yaml"
    path.write_text(f"core:\n  {part}:\n    longest_step_s: 0.4\n")
    with pytest.raises(ConfigError, match=rf"dms.yaml:3: core.{part}.longest_step_s: is now core."):
        load(path)
