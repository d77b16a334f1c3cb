import builtins
import sys

import pytest

from dms.cli import main
from dms.commands.options import may_erase
from dms.errors import ConfigError


@pytest.mark.parametrize("words", ["events list --hours", "calibrate mount --seconds"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_seconds_and_hours_are_numbers_above_zero(capsys, words, value):
    assert main([*words.split(), value]) == 2
    assert f"is {value}; expected a number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "may"), [("y", True), (" Y ", True), ("", False), ("no", False)]
)
def test_only_a_yes_erases(monkeypatch, answer, may):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", lambda _: answer)
    assert may_erase("dms events erase", "Erase?", sure=False) is may


def test_nobody_there_to_ask_erases_only_with_yes(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert may_erase("dms events erase", "Erase?", sure=True)
    with pytest.raises(ConfigError, match="dms events erase: add --yes"):
        may_erase("dms events erase", "Erase?", sure=False)
