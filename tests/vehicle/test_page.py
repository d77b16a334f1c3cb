from __future__ import annotations

import json
import re
from pathlib import Path

from dms.bridge.mqtt_command import command_of
from dms.config import load

PAGE = (Path(__file__).parents[2] / "docs" / "vehicle.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_every_example_of_the_page_is_a_valid_settings_file(tmp_path):
    examples = blocks("yaml")
    assert len(examples) == 7
    for number, text in enumerate(examples):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        load(file)


def test_the_command_of_the_page_is_accepted():
    (text,) = blocks("json")
    command, answer = command_of(text.encode())
    assert command is not None
    assert answer["answer"] == "accepted"
    assert json.loads(text)["id"] == answer["id"]
