"""The page of rules is in step with the code."""

from dms.decision.emotion.context import RULES
from dms.decision.profiles import PROFILES
from tools.make.rules import PAGE, render


def test_page_is_in_step() -> None:
    wanted = render()
    assert PAGE.read_text(encoding="utf-8") == wanted, "run: python -m tools.make.rules"


def test_page_has_every_profile_and_rule() -> None:
    page = render()
    for name in (*PROFILES, *(rule.name for rule in RULES)):
        assert name in page
    assert "| `microsleep_s` | 1 | s | our choice: 2023 says only less than 3 s |" in page
    assert "3.5 s from 50 km/h, 6 s below; from 20 km/h; looking down only" in page


def test_every_number_has_a_meaning_and_a_source() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    for row in rows:
        *_, source, meaning, _ = (cell.strip() for cell in row.split("|"))
        assert source, row
        assert meaning, row
