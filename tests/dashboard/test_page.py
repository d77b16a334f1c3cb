"""The live page in a real browser. Needs Debian's chromium and chromium-driver."""

from dataclasses import replace

import pytest

pytest.importorskip("uvicorn", reason="the extra 'dashboard' is not installed")

from dms.chain import Chain
from dms.config import load
from dms.dashboard.feed import ReplayFeed, ServiceFeed
from dms.dashboard.server import make_app
from dms.files.observations import save
from dms.service.notify import Notifier
from dms.service.status import Status
from dms.service.view import ViewServer
from dms.values import (
    EXPRESSIONS,
    ActiveAlert,
    Box,
    DriverObservation,
    DriverState,
    EmotionBy,
    EyeEvidence,
    EyesState,
    Fault,
    HeadPose,
    Kind,
    Level,
    Moment,
    Part,
    Step,
    Unseen,
    VehicleContext,
)

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
    view.take(Step(Moment(DriverObservation(t_s, face=Box(1, 2, 30, 40))), state(t_s, level)))


def text(browser, name):
    return browser.find_element("id", name).text


def test_page_shows_a_microsleep_and_outlives_a_restart_of_the_service(
    browser, tmp_path, served, until
):
    place = tmp_path / "view.sock"
    browser.get("about:blank")
    browser.get_log("browser")  # what an earlier page complained of
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
            assert "warning\nmicrosleep: eyes closed for 1 s" in text(browser, "told")
            assert browser.title == "⚠ microsleep · dms"
            assert browser.find_element("id", "alert").get_attribute("aria-live") == "assertive"
        until(lambda: "not connected" in text(browser, "link"))
        assert text(browser, "alert") == "not connected"  # never what it last said
        with ViewServer(place, Status(Notifier())) as view:
            told(view, 1.0)
            until(lambda: text(browser, "link") == "live" and text(browser, "alert") == "no alert")
        severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert severe == []


def test_page_clears_the_scores_of_a_face_that_is_not_read_now(browser, tmp_path, served, until):
    place = tmp_path / "view.sock"
    read = replace(state(1.0), emotion_by=EmotionBy.REST, rest_progress=1.0)
    turned = replace(read, t_s=2.0, expression=None, emotion_by=None)
    learning = replace(read, t_s=3.0, emotion_by=EmotionBy.ABSOLUTE, rest_progress=0.4)

    def shown():
        rows = browser.find_elements("css selector", "#expression li")
        return [row.text.split("\n") for row in rows][:2]

    with (
        ServiceFeed(place) as feed,
        served(make_app(feed, None, ["127.0.0.1"])) as server,
        ViewServer(place, Status(Notifier())) as view,
    ):
        browser.get(f"http://127.0.0.1:{server.port}/")

        def told_of(now):
            view.take(Step(Moment(DriverObservation(now.t_s), None, ()), now))

        told_of(read)
        until(lambda: text(browser, "against") == "against own resting face")
        assert shown() == [["neutral", "80 %"], ["happiness", "10 %"]]
        told_of(turned)
        until(lambda: text(browser, "against").startswith("not read now"))
        assert shown() == [["neutral", "–"], ["happiness", "–"]]
        bars = browser.find_elements("css selector", "#expression .gauge i")
        until(lambda: all(bar.size["width"] == 0 for bar in bars))
        told_of(learning)
        until(lambda: text(browser, "against") == "absolute; resting face 40 % learned")
        assert shown()[0] == ["neutral", "80 %"]


def test_page_fits_a_phone(browser, tmp_path, served):
    with ServiceFeed(tmp_path / "none") as feed, served(make_app(feed, None, ["*"])) as server:
        browser.set_window_size(500, 900)  # headless Chromium's least width
        browser.get(f"http://127.0.0.1:{server.port}/")
        wide = browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0


def test_page_tells_the_health_of_each_part_and_why_the_eyes_are_not_seen(
    browser, tmp_path, served, until
):
    status = Status(Notifier())
    status.parts = ("camera", "engine", "bridge", "vehicle")
    blind = DriverState(2.0, eyes_unseen=Unseen.SUNGLASSES, baseline_progress=1.0)
    seen = DriverObservation(2.0, face=Box(1, 2, 30, 40), brightness=104.6)
    heard = VehicleContext(2.0, speed_kmh=87.4)
    place = tmp_path / "view.sock"
    with (
        ServiceFeed(place) as feed,
        served(make_app(feed, None, ["127.0.0.1"])) as server,
        ViewServer(place, status) as view,
    ):
        browser.get(f"http://127.0.0.1:{server.port}/")
        view.take(Step(Moment(seen, heard, (Fault(Part.BRIDGE, "no such device can0"),)), blind))
        until(lambda: text(browser, "link") == "live")
        rows = browser.find_elements("css selector", "#health li")
        told = {row.text: "wrong" in row.get_attribute("class") for row in rows}
        assert told == {
            "camera\nwell": False,
            "nets\nwell": False,
            "bus\nno such device can0": True,
            "vehicle signals\nwell": False,
        }
        assert "brightness 105 of 255 · face 30 px wide · 87 km/h" in text(browser, "flow")
        assert text(browser, "reason") == "the eyes are not seen: sunglasses"
        assert text(browser, "learning") == "learned"
        assert text(browser, "mood") == text(browser, "drowsiness") == "–"


def test_a_replayed_microsleep_shows_on_the_page_and_so_does_the_end(
    browser, tmp_path, served, until
):
    drive = tmp_path / "nap.jsonl"
    save((nap(at / 15.0) for at in range(15 * 8)), drive)
    chain = Chain(load(None, ["bridges=[]"]))
    with (
        ReplayFeed(str(drive), chain) as feed,
        served(make_app(feed, None, ["127.0.0.1"])) as server,
    ):
        browser.get(f"http://127.0.0.1:{server.port}/")
        until(lambda: "microsleep: eyes closed for 1 s" in text(browser, "told"))
        until(lambda: text(browser, "link") == "the recording has ended")
        assert text(browser, "alert") == "ended"


def test_a_latched_alert_beside_open_eyes_says_what_it_waits_for(browser, tmp_path, served, until):
    place = tmp_path / "view.sock"
    alert = ActiveAlert(Kind.UNRESPONSIVE, Level.CRITICAL, 1.0, "eyes closed for 6 s")
    lasting = DriverState(
        8.0, level=Level.CRITICAL, kind=Kind.UNRESPONSIVE, active=(alert,), eyes=EyesState.CLOSED
    )
    over = replace(lasting, t_s=9.0, eyes=EyesState.OPEN, away=False, openness=0.9)
    with (
        ServiceFeed(place) as feed,
        served(make_app(feed, None, ["127.0.0.1"])) as server,
        ViewServer(place, Status(Notifier())) as view,
    ):
        browser.get(f"http://127.0.0.1:{server.port}/")
        view.take(Step(Moment(DriverObservation(8.0)), lasting))
        until(lambda: text(browser, "reason") == "critical: eyes closed for 6 s")
        view.take(Step(Moment(DriverObservation(9.0)), over))
        until(lambda: text(browser, "eyes") == "open")
        assert text(browser, "reason") == (
            "critical: eyes closed for 6 s · eyes open again, latched until attention lasts or the "
            "alert is acknowledged"
        )


@pytest.mark.parametrize("width", [500, 1280])
def test_no_word_breaks_inside(browser, tmp_path, served, until, width):
    place = tmp_path / "view.sock"
    with (
        ServiceFeed(place) as feed,
        served(make_app(feed, None, ["127.0.0.1"])) as server,
        ViewServer(place, Status(Notifier())) as view,
    ):
        browser.set_window_size(width, 900)
        browser.get(f"http://127.0.0.1:{server.port}/")
        told(view, 1.0)
        until(lambda: text(browser, "link") == "live")
        for word in (*EXPRESSIONS, "not seen", "away or closed", "off road"):
            lines, over = browser.execute_script(LINES, "#mood", word)
            assert lines <= word.count(" ") + 1, (word, width)
            assert over <= 0, (word, width)


LINES = """
const place = document.querySelector(arguments[0]), range = document.createRange();
place.textContent = arguments[1];
range.selectNodeContents(place);
return [range.getClientRects().length, place.scrollWidth - place.clientWidth];
"""


def nap(t_s):
    """Eyes open for five seconds, then closed."""
    shut = t_s >= 5.0
    eye = EyeEvidence(ear=0.08 if shut else 0.3, open_probability=0.02 if shut else 0.98,
                      visible_probability=0.99, contrast=0.5)  # fmt: skip
    seen = DriverObservation(
        t_s, Box(200, 100, 180, 180), 0.9, eye, eye, 0.03, HeadPose(0, 0, 0), brightness=105.0
    )
    return Moment(seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser, tmp_path, served, until, scheme):
    """WCAG AA: 4.5 to 1, 3 to 1 for the large words of the banner."""
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    place = tmp_path / "view.sock"
    with (
        ServiceFeed(place) as feed,
        served(make_app(feed, None, ["127.0.0.1"])) as server,
        ViewServer(place, Status(Notifier())) as view,
    ):
        browser.get(f"http://127.0.0.1:{server.port}/")
        for level in Level:
            told(view, 1.0 + level, level)
            wanted = str(level.value)
            until(lambda w=wanted: browser.execute_script(LEVEL) == w)
            assert browser.execute_script(CONTRAST, "#reason") >= 4.5
            assert browser.execute_script(CONTRAST, ".tile span") >= 4.5
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


LEVEL = "return document.body.dataset.connected === 'yes' ? document.body.dataset.level : ''"
CONTRAST = """
const light = (text) => {
  const [r, g, b] = text.match(/[\\d.]+/g).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const place = document.querySelector(arguments[0]);
let behind = place;
const clear = "rgba(0, 0, 0, 0)";
while (getComputedStyle(behind).backgroundColor === clear) behind = behind.parentElement;
const two = [getComputedStyle(place).color, getComputedStyle(behind).backgroundColor].map(light);
return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
"""
