"""The report in a real browser. Needs Debian's chromium and chromium-driver."""

import numpy as np
import pytest

pytest.importorskip("plotly", reason="the extra 'bench' is not installed")

from dms.report.report import Recording, Report, write_report
from dms.values import Event, Kind, Level

pytestmark = pytest.mark.slow
T_S = np.arange(0.0, 600.0, 1 / 30)


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A report of ten minutes with one blink of a single frame, opened and drawn."""
    openness = np.full_like(T_S, 0.9)
    openness[9000] = 0.1  # at 300 s
    openness[12_000:12_900] = np.nan
    frames = {"t_s": T_S, "openness_right": openness, "roll_deg": np.sin(T_S)}
    told = Event(300.5, Kind.MICROSLEEP, Level.WARNING, "eyes closed for 1 s", 299.5)
    place = tmp_path_factory.mktemp("report") / "report.html"
    write_report(Report("ten minutes", [Recording("drive", [told], lambda: frames)]), place)
    browser.set_window_size(1200, 900)
    browser.get("about:blank")
    browser.get_log("browser")  # what an earlier page complained of
    browser.get(place.as_uri())
    return browser


LINE = "return document.querySelector('.plot').data.find((one) => one.name === arguments[0])"


def line(page, name, what):
    return page.execute_script(f"{LINE}.{what}", name)


def drawn(page):
    return page.execute_script("return document.querySelector('.plot').dataset.drawn") == "yes"


def test_ten_minutes_are_thinned_but_a_single_frame_stays(page, until):
    until(lambda: drawn(page))
    x, y = line(page, "right", "x"), line(page, "right", "y")
    assert len(x) < 6000 < T_S.size
    assert x[int(np.argmin([1 if one is None else one for one in y]))] == pytest.approx(300.0)
    assert None in y  # a gap stays a gap
    severe = [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def test_a_time_leads_to_its_place_with_every_frame(page, until):
    until(lambda: drawn(page))
    page.execute_script("document.querySelector('button.jump').click()")
    until(lambda: len(line(page, "right", "x")) < 700)
    x = line(page, "right", "x")
    assert np.allclose(np.diff(x), 1 / 30, atol=0.002)
    assert x[0] <= 290.51 and x[-1] >= 310.49
    page.execute_script("document.querySelector('button[data-do=whole]').click()")
    until(lambda: line(page, "right", "x[0]") == 0)


def test_a_line_is_shown_by_its_box(page, until):
    until(lambda: drawn(page))
    assert line(page, "roll (right +)", "visible") is False
    page.execute_script("document.querySelector('details').open = true")
    at = "document.querySelectorAll('input[data-line]')[1]"
    page.execute_script(f"return {at}.focus()")
    page.switch_to.active_element.send_keys(" ")
    until(lambda: line(page, "roll (right +)", "visible") is True)


def test_dark_and_phone(page, until):
    until(lambda: drawn(page))
    colour = "return document.querySelector('.plot').layout.annotations[0].font.color"
    light = page.execute_script(colour)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    until(lambda: page.execute_script(colour) != light)
    page.set_window_size(500, 900)  # headless Chromium's least width
    until(lambda: page.execute_script("return innerWidth") <= 520)
    wide = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
    until(lambda: page.execute_script(wide) <= 0)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize(
    ("t_s", "shown"),
    [
        (np.array([0.0]), [0.0, 0.2]),  # Plotly drew nothing: axis scaling
        (1_700_000_000 + np.arange(0.0, 60.0, 1 / 30), [1_700_000_000, 1_700_000_059.967]),
        (np.arange(-30.0, 30.0, 1 / 30), [-30.0, 29.967]),
    ],
)
def test_a_recording_of_any_clock_fills_its_chart(browser, tmp_path, until, t_s, shown):
    """Its lines were squeezed into the right edge, or not there at all."""
    frames = {"t_s": t_s, "openness_right": np.full_like(t_s, 0.9), "roll_deg": np.zeros_like(t_s)}
    place = tmp_path / "report.html"
    write_report(Report("clocks", [Recording("drive", [], lambda: frames)]), place)
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(place.as_uri())
    until(lambda: drawn(browser))
    plot = "document.querySelector('.plot')"
    range_s = browser.execute_script(f"return {plot}.layout.xaxis.range")
    assert range_s == pytest.approx(shown, abs=0.01)
    x = line(browser, "right", "x")
    assert x[0] == pytest.approx(t_s[0], abs=0.01)
    assert x[-1] == pytest.approx(t_s[-1], abs=0.2)  # thinned
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
