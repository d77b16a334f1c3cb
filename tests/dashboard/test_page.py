"""The live page in a real browser. Needs Debian's chromium and chromium-driver."""

import pytest

pytest.importorskip("uvicorn", reason="the extra 'dashboard' is not installed")

from dms.dashboard.feed import ServiceFeed
from dms.dashboard.server import make_app
from dms.live_view import ViewServer
from dms.notify import Notifier
from dms.recording import Moment
from dms.status import Status
from dms.values import ActiveAlert, Box, DriverObservation, DriverState, EyesState, Kind, Level

pytestmark = pytest.mark.slow


def state(t_s, level=Level.NONE):
    active = (ActiveAlert(Kind.MICROSLEEP, level, t_s, "eyes closed for 1 s"),) if level else ()
    return DriverState(
        t_s,
        level=level,
        kind=Kind.MICROSLEEP if level else None,
        active=active,
        eyes=EyesState.CLOSED if level else EyesState.OPEN,
        openness=0.0 if level else 0.97,
        perclos=0.05,
        drowsiness=3,
        away=False,
        expression=(0.8, 0.1, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01),
        baseline_progress=0.6,
    )


def told(view, t_s, level=Level.NONE):
    view.take(Moment(DriverObservation(t_s, face=Box(1, 2, 30, 40))), state(t_s, level), None)


def text(browser, name):
    return browser.find_element("id", name).text


def test_page_shows_a_microsleep_and_outlives_a_restart_of_the_service(
    browser, tmp_path, served, until
):
    place = tmp_path / "view.sock"
    with ServiceFeed(place) as feed, served(make_app(feed, None, ["127.0.0.1"])) as server:
        browser.get(f"http://127.0.0.1:{server.port}/")
        until(lambda: "not connected" in text(browser, "link"))
        with ViewServer(place, Status(Notifier())) as view:
            told(view, 10.0)
            until(lambda: text(browser, "link") == "live" and text(browser, "eyes") == "open")
            assert text(browser, "alert") == "no alert"
            told(view, 11.0, Level.WARNING)
            until(lambda: text(browser, "alert") == "microsleep")
            assert "eyes closed for 1 s" in text(browser, "reason")
            assert "microsleep, warning" in text(browser, "told")
            assert browser.find_element("id", "alert").get_attribute("aria-live") == "assertive"
        until(lambda: "not connected" in text(browser, "link"))
        with ViewServer(place, Status(Notifier())) as view:
            told(view, 1.0)
            until(lambda: text(browser, "link") == "live" and text(browser, "alert") == "no alert")
        severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert severe == []


def test_page_fits_a_phone(browser, tmp_path, served):
    with ServiceFeed(tmp_path / "none") as feed, served(make_app(feed, None, ["*"])) as server:
        browser.set_window_size(500, 900)  # headless Chromium's least width
        browser.get(f"http://127.0.0.1:{server.port}/")
        wide = browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0
