import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("plotly", reason="the extra 'bench' is not installed")

from dms.errors import ConfigError
from dms.report.events import Files
from dms.report.report import Recording, Report, Thumbnail, write_report
from dms.report.timeline import PANELS
from dms.scoring.labels import Label, Labels
from dms.scoring.match import ScoringSettings, Tally, match
from dms.scoring.quality import QualitySettings, Scored, measure
from dms.values import EXPRESSIONS, Event, GazeZone, Kind, Level

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
        if tag in {"td", "th"}:
            self._cell = ""
        self.loads += [v for k, v in attrs if k in {"src", "href"} and not v.startswith("#")]

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        if tag in {"td", "th"}:
            self.cells.append(self._cell)
            self._cell = None


def figures(text):
    """The figures of a page, as its scripts carry them."""
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    return [json.loads(one) for one in found]


def test_the_gaze_has_a_track_and_a_strip_of_zones(tmp_path):
    zones = list(GazeZone)
    codes = np.full(T_S.shape, float(zones.index(GazeZone.ROAD)))
    codes[300:330] = zones.index(GazeZone.MIRROR)
    codes[600:602] = zones.index(GazeZone.LAP)  # too short for a look
    codes[900:960] = np.nan
    codes[960:990] = zones.index(GazeZone.UNKNOWN)
    gaze = {"gaze_zone": codes, "gaze_yaw_deg": np.zeros_like(T_S)}
    text = written(tmp_path, Recording("a", EVENTS, lambda: {**FRAMES, **gaze}))
    (made,) = figures(text)
    bars = [trace for trace in made["data"] if "gaze zone" in trace["y"]]
    road, mirror = bars
    assert mirror["base"] == [10.0]
    assert mirror["x"] == [1.0]
    assert road["base"] == [0.0, 11.0, pytest.approx(20.067, abs=0.001), pytest.approx(33.0)]
    assert "mirror, 10.00 to 11.00 s" in mirror["text"][0]
    assert "Gaze against the road" in [panel["title"] for panel in made["panels"]]
    assert made["layout"]["yaxis"]["categoryarray"][0] == "gaze zone"
    assert "eyes on:" in text


def test_without_a_gaze_there_is_no_strip(tmp_path):
    text = written(tmp_path, Recording("a", EVENTS, lambda: FRAMES))
    assert "gaze zone" not in text
    assert "eyes on:" not in text


def written(tmp_path, *recordings):
    path = tmp_path / "report.html"
    write_report(Report("A <test>", recordings, ("fact one",)), path)
    return path.read_text(encoding="utf-8")


def recording(**more):
    matches = match(EVENTS, LABELS, {Kind.SLEEP: 3.0}, ScoringSettings())
    return Recording("drive a", EVENTS, lambda: FRAMES, LABELS, matches, 60.0, 0.9, **more)


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


def made(text, number=0):
    found = re.search(rf'id="figure-{number}">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def test_figure_on_the_page_is_valid_plotly_with_lanes_bands_and_lines(tmp_path):
    graph = pytest.importorskip("plotly.graph_objects", reason="the extra 'bench' is missing")
    frames = {**FRAMES, "level": np.where((T_S > 13) & (T_S < 18), 3.0, 0.0), "speed_kmh": T_S}
    frames["openness"] = np.where((T_S > 30) & (T_S < 35), np.nan, 1.0)
    one = replace(recording(), frames=lambda: frames)
    thing = made(written(tmp_path, one))
    painted = json.loads(re.sub(r"@\w+", "red", json.dumps(thing)))
    graph.Figure(painted["data"], painted["layout"])  # raises where it is none
    assert {trace["name"] for trace in thing["data"] if "name" in trace} == {
        "observed", "warning", "critical"
    }  # fmt: skip
    assert [line["name"] for line in thing["lines"]] == [
        "right",
        "left",
        "speed",
    ]  # and none that is unknown
    [band] = thing["layout"]["shapes"]
    assert (band["fillcolor"], round(band["x0"]), round(band["x1"])) == ("@band3", 13, 18)
    unseen = next(trace for trace in thing["data"] if trace["y"] == ["eyes unseen"])
    assert unseen["base"] == [pytest.approx(30.0, abs=0.05)]


def test_a_missed_label_is_told_from_a_met_one(tmp_path):
    traces = made(written(tmp_path, recording()))["data"]
    bars = {t["marker"]["color"]: t["y"] for t in traces if t["type"] == "bar"}
    assert bars == {"@good": ["blink", "sleep"], "@bad": ["yawn"]}


def test_every_line_can_be_chosen_and_every_time_leads_to_the_timeline(tmp_path):
    text = written(tmp_path, recording())
    assert text.count("data-line=") == len(made(text)["lines"])
    assert 'data-plot="plot-0" data-at="13.050"' in text


def test_groups_failures_and_pictures_are_shown_where_there_are_any(tmp_path):
    assert "Could not be used" not in written(tmp_path, recording())
    scored = Scored("a", 60.0, 100, 90, {Kind.BLINK: Tally(found=3, missed=1)})
    quality = measure([scored], QualitySettings())
    picture = Thumbnail(13.05, "sleep", b"jpeg")
    report = Report(
        "x", (recording(thumbnails=[picture]),), (), quality, {"glasses": {"yes": quality}},
        [("b.avi", "there is no <b.avi>")],
    )  # fmt: skip
    write_report(report, tmp_path / "all.html")
    text = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert "there is no &lt;b.avi&gt;" in text
    assert "By glasses" in text
    assert '<img alt="the driver at 13.05 s, sleep" src="data:image/jpeg;base64,anBlZw==">' in text


def test_a_run_of_nothing_says_so(tmp_path):
    write_report(Report("x", (), (), None, {}, [("a", "gone")]), tmp_path / "none.html")
    assert "None could be used" in (tmp_path / "none.html").read_text(encoding="utf-8")


def test_synthetic_recordings_are_labelled_as_such(tmp_path):
    assert "Synthetic: made by a program" in written(tmp_path, recording(synthetic=True))
    assert "Synthetic: made by a program" not in written(tmp_path, recording())


def test_names_from_outside_cannot_become_markup(tmp_path):
    text = written(tmp_path, Recording("<img src=x>", [], lambda: FRAMES))
    assert "<img" not in text
    assert "A &lt;test&gt;" in text


def test_an_hour_at_full_rate_stays_below_ten_megabytes(tmp_path):
    t_s = np.arange(0.0, 3600.0, 1 / 30)
    columns = {line.column for panel in PANELS for line in panel.lines}
    noise = np.random.default_rng(1).normal(0.5, 0.05, size=t_s.size)
    one = Recording("hour", EVENTS, lambda: {"t_s": t_s, **dict.fromkeys(columns, noise)})
    text = written(tmp_path, one)
    assert len(text) < 10e6
    assert made(text)["packed"]["count"] == 108_000


def test_without_labels_there_is_no_verdict(tmp_path):
    text = written(tmp_path, Recording("hour", EVENTS, lambda: FRAMES, duration_s=60))
    assert "verdict" not in text.split("<main>")[1].split("</main>")[0]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose another place"):
        write_report(Report("x", []), tmp_path / "file" / "report.html")


def test_affect_stands_on_the_page_with_what_it_is_not(tmp_path):
    angry = (T_S >= 45).astype(float)
    scores = {name: np.zeros_like(T_S) for name in EXPRESSIONS}
    scores |= {"neutral": 1 - angry, "anger": angry}
    more = {"valence": -angry, "baseline_progress": np.minimum(T_S / 30, 1.0)}
    values = {"peak": 0.9, "peak_s": 55.0, "level": 2}
    event = Event(59.0, Kind.ROAD_RAGE, Level.NONE, "ended: <horn>", 47.0, 59.0, values)
    text = written(tmp_path, Recording("a", [event], lambda: {**FRAMES, **scores, **more}))
    cells = Page(text).cells
    at = cells.index("47.00")
    assert cells[at : at + 5] == ["47.00", "55.00", "59.00", "warning", "ended: <horn>"]
    assert '<span>anger</span><span class="bar"><i style="width:25.0%"></i>' in text
    assert "Mean valence -0.25" in text
    assert "No judgement of health" in text
    assert "Read as anybody's face (absolute)" in text
    against = {**more, "against_rest": (T_S >= 30).astype(float)}
    text = written(tmp_path, Recording("a", [event], lambda: {**FRAMES, **scores, **against}))
    assert "Read against the driver's own resting face for 50% of it, before that as" in text


def test_a_drive_of_hours_tells_clock_and_file_and_leaves_blinks_out(tmp_path):
    blinks = [Event(t, Kind.BLINK, Level.NONE, "blink", t - 0.2, t) for t in range(1, 1500)]
    yawn = Event(700.5, Kind.YAWN, Level.NONE, "a yawn", 699.0, 700.5)
    late = Event(7384.2, Kind.SLEEP, Level.CRITICAL, "eyes closed for 3 s", 7381.0)
    files = Files(["a_0001.mp4", "a_0002.mp4", "a_0003.mp4"], [0.0, 3600.3, 7200.6])
    one = Recording(
        "a", [*blinks, yawn, late], lambda: FRAMES, duration_s=7500.0, files=files, note="cut short"
    )
    text = written(tmp_path, one)
    cells = Page(text).cells
    assert "2:03:04.20" in cells
    assert "a_0003.mp4, 183.6 s" in cells
    assert "0:11:40.50" in cells
    assert cells.count("blink") == 0
    assert "1499 blinks are not listed here" in text
    assert "cut short" in text


def test_an_hour_needs_no_thinning_and_more_says_so(tmp_path):
    t_s = np.arange(0.0, 3700.0, 1 / 30)
    frames = {"t_s": t_s, "openness_left": np.ones_like(t_s)}
    assert "A long drive" in written(tmp_path, Recording("a", EVENTS, lambda: frames))
    assert "A long drive" not in written(tmp_path, Recording("a", EVENTS, lambda: FRAMES))
