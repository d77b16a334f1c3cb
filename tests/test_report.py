import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("plotly", reason="the extra 'bench' is not installed")

from dms.errors import ConfigError
from dms.labels import Label, Labels
from dms.report import Recording, Report, write_report
from dms.scoring import ScoringSettings, match
from dms.values import Event, Kind, Level

T_S = np.arange(0.0, 60.0, 1 / 30)
FRAMES = {"t_s": T_S, "openness_right": np.ones_like(T_S), "openness_left": np.ones_like(T_S)}
EVENTS = [
    Event(5.2, Kind.BLINK, Level.NONE, "blink", 5.0, 5.2, {"depth": 0.91}),
    Event(
        13.05, Kind.SLEEP, Level.CRITICAL, "eyes <closed> for 3 s", 10.0, None, {"closed_s": 3.0}
    ),
    Event(40.0, Kind.DISTRACTION, Level.WARNING, "looking away for 3 s", 37.0),
]
LABELS = Labels(
    "a",
    (Label(Kind.BLINK, 5.0, 5.2), Label(Kind.SLEEP, 10.0, 14.5), Label(Kind.YAWN, 20.0, 25.0)),
    frozenset({Kind.BLINK, Kind.SLEEP, Kind.YAWN, Kind.DISTRACTION}),
)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.cells, self.loads, self._cell = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "td":
            self._cell = ""
        self.loads += [v for k, v in attrs if k in {"src", "href"} and not v.startswith("#")]

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        if tag == "td":
            self.cells.append(self._cell)
            self._cell = None


def written(tmp_path, *recordings):
    path = tmp_path / "report.html"
    write_report(Report("A <test>", recordings, ("fact one",)), path)
    return path.read_text(encoding="utf-8")


def recording(**more):
    matches = match(EVENTS, LABELS, {Kind.SLEEP: 3.0}, ScoringSettings())
    return Recording("drive a", EVENTS, FRAMES, LABELS, matches, 60.0, 0.9, **more)


def test_page_tells_each_alert_with_reason_label_verdict_and_delay(tmp_path):
    cells = Page(written(tmp_path, recording())).cells
    at = cells.index("13.05")
    assert cells[at : at + 7] == [
        "13.05", "sleep", "critical", "eyes <closed> for 3 s", "10.00 to 14.50", "found", "+0.05",
    ]  # fmt: skip
    false = cells.index("40.00")
    assert cells[false + 5] == "false"
    assert "missed" in cells  # the yawn


def test_page_needs_no_network_and_holds_plotly_once(tmp_path):
    text = written(tmp_path, recording(), recording())
    assert Page(text).loads == []
    assert text.count("plotly.js v") == 1
    assert len(text) < 10e6


def test_figure_on_the_page_is_json_with_the_lines(tmp_path):
    text = written(tmp_path, recording())
    made = re.search(r'<script type="application/json" id="figure-0">(.*?)</script>', text, re.S)
    names = {trace["name"] for trace in json.loads(made[1])["data"]}
    assert {"labelled", "observed", "critical", "right eye", "left eye"} <= names
    assert "yaw (left +)" not in names  # nothing is known of it


def test_synthetic_recordings_are_labelled_as_such(tmp_path):
    assert "Synthetic: made by a program" in written(tmp_path, recording(synthetic=True))
    assert "Synthetic: made by a program" not in written(tmp_path, recording())


def test_names_from_outside_cannot_become_markup(tmp_path):
    text = written(tmp_path, Recording("<img src=x>", [], FRAMES))
    assert "<img" not in text
    assert "A &lt;test&gt;" in text


def test_an_hour_stays_small_and_without_labels_there_is_no_verdict(tmp_path):
    t_s = np.arange(0.0, 3600.0, 1 / 30)
    columns = ("openness_right", "openness_left", "perclos", "yaw_deg", "pitch_deg", "mar", "anger")
    noise = np.random.default_rng(1).normal(size=t_s.size)
    one = Recording("hour", EVENTS, {"t_s": t_s, **dict.fromkeys(columns, noise)}, duration_s=3600)
    text = written(tmp_path, one)
    assert len(text) < 10e6
    assert "verdict" not in text.split("<script>")[0]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose another place"):
        write_report(Report("x", []), tmp_path / "file" / "report.html")
