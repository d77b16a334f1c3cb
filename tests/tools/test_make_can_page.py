from __future__ import annotations

from dms.bridge import vss
from dms.bridge.codec import contract
from dms.values import DriverState
from tools.make_can_page import MAPPING, PAGE, render


def test_the_page_is_in_step_with_the_contract():
    assert PAGE.read_text(encoding="utf-8") == render(), "run python -m tools.make_can_page"


def test_every_signal_is_mapped_and_nothing_else():
    signals = {
        f"{message.name}.{signal.name}"
        for message in contract().messages
        for signal in message.signals
        if not signal.name.startswith("E2E")
    }
    assert set(MAPPING) == signals


def test_every_published_path_is_on_the_page():
    page = render()
    for path in vss.values(DriverState(0.0)):
        assert path.rsplit(".", 1)[-1] in page, path
