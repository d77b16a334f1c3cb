"""How soon the pages show something, in Debian's Chromium: an hour's report, and the live page.

    python -m tools.speed.pages [--hours 1]
    python -m tools.speed.pages --page runs/monday/report.html  # a report that is there

Times are told by the clock; beside them, for a busy machine, the CPU seconds of Chromium's main
thread.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dms.chain import Chain
from dms.config import load
from dms.dashboard.feed import ReplayFeed
from dms.dashboard.server import listen, make_app
from dms.files.frames import Series
from dms.files.observations import save
from dms.report.report import Recording, Report, write_report
from dms.report.timeline import PANELS
from dms.values import Box, DriverObservation, Event, EyeEvidence, HeadPose, Kind, Level, Moment

FPS = 30.0
DRAWN = "return document.querySelector('.plot').dataset.drawn === 'yes'"
LIVE = "return document.body.dataset.connected === 'yes'"
WATCH = """
window.seen = null;
const place = document.getElementById("alert");
new MutationObserver(() => {
  if (place.textContent === "microsleep") window.seen ??= Date.now();
}).observe(place, { childList: true, characterData: true, subtree: true });
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=1.0, help="of the report's recording")
    parser.add_argument("--page", type=Path, help="a report that is there, and nothing else")
    arguments = parser.parse_args()
    if arguments.page is not None:
        with chromium() as browser:
            print(json.dumps(_sized(browser, arguments.page.resolve())))
        return
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        told = {**report(browser, Path(folder), arguments.hours), **live(browser, Path(folder))}
    print(json.dumps(told, indent=1))


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser without a window."""
    webdriver = importlib.import_module("selenium.webdriver")
    options = webdriver.ChromeOptions()
    for flag in ("headless", "no-sandbox", "disable-gpu", "window-size=1280,900"):
        options.add_argument(f"--{flag}")
    options.binary_location = shutil.which("chromium")
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    browser.set_page_load_timeout(300)
    try:
        yield browser
    finally:
        browser.quit()


def report(browser: Any, place: Path, hours: float) -> dict[str, float]:
    """Return size and opening time of the report of one long recording at full rate."""
    path = place / "report.html"
    frames = _frames(hours * 3600)
    events = [
        Event(at, Kind.MICROSLEEP, Level.WARNING, "eyes closed for 1 s", at - 1.0)
        for at in np.arange(60.0, hours * 3600, 300.0)
    ]
    started = time.process_time()
    write_report(Report("an hour", [Recording("hour", events, lambda: frames)]), path)
    written_s = time.process_time() - started
    return {**_sized(browser, path), "report_written_cpu_s": round(written_s, 2)}


def _sized(browser: Any, path: Path) -> dict[str, float]:
    opened = _opened(browser, path.as_uri(), DRAWN)
    return {
        "report_mb": round(path.stat().st_size / 1e6, 2),
        "report_open_s": opened[0],
        "report_open_cpu_s": opened[1],
    }


def live(browser: Any, place: Path) -> dict[str, float]:
    """Return the time to the first numbers, and from a microsleep's decision to the page."""
    drive = place / "nap.jsonl"
    save((_nap(at / FPS) for at in range(round(20 * FPS))), drive)
    with _Noted(str(drive), Chain(load(None, ["bridges=[]"]))) as feed, _served(feed) as url:
        opened = _opened(browser, url, LIVE)
        browser.execute_script(WATCH)
        while (seen_ms := browser.execute_script("return window.seen")) is None:
            time.sleep(0.05)
        browser.get("about:blank")  # lets go of the stream
        if feed.raised_s is None:
            raise SystemExit("the page shows an alert that was not raised")
    return {
        "live_first_event_s": opened[0],
        "live_first_event_cpu_s": opened[1],
        "live_alert_after_decision_s": round(seen_ms / 1000 - feed.raised_s, 3),
    }


class _Noted(ReplayFeed):
    """Notes when the first alert was told to the page's server."""

    raised_s: float | None = None

    def _tell(self, thing: dict[str, Any]) -> None:
        if thing.get("level") and self.raised_s is None:
            self.raised_s = time.time()
        super()._tell(thing)


@contextmanager
def _served(feed: ReplayFeed) -> Iterator[str]:
    uvicorn = importlib.import_module("uvicorn")
    with closing(listen("127.0.0.1", 0)) as ear:
        app = make_app(feed, None, ["127.0.0.1"])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [ear]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{ear.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


def _opened(browser: Any, url: str, ready: str) -> tuple[float, float]:
    """Open ``url`` twice and return the second time: until ``ready``, and the main thread's CPU."""
    for _ in range(2):
        browser.get("about:blank")
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        started = time.monotonic()
        browser.get(url)
        while not browser.execute_script(ready):
            time.sleep(0.01)
        took_s = time.monotonic() - started
        metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        cpu_s = next(one["value"] for one in metrics if one["name"] == "TaskDuration")
    return round(took_s, 2), round(cpu_s, 2)


def _frames(seconds: float) -> dict[str, Series]:
    """Return a made-up table of every column that a timeline draws: drift and noise of a camera."""
    t_s = np.arange(0.0, seconds, 1 / FPS)
    random = np.random.default_rng(1)
    frames = {"t_s": t_s, "level": ((t_s % 300 > 60) & (t_s % 300 < 65)) * 2.0}
    for line in (line for panel in PANELS for line in panel.lines):
        drift = np.tanh(np.cumsum(random.normal(0, 0.02, t_s.size)))
        frames[line.column] = 60 * line.step * drift + random.normal(0, 4 * line.step, t_s.size)
    frames["openness"] = frames["openness_right"]
    return frames


def _nap(t_s: float) -> Moment:
    """Eyes open for twelve seconds, then closed."""
    shut = t_s >= 12.0
    eye = EyeEvidence(
        ear=0.08 if shut else 0.3,
        open_probability=0.02 if shut else 0.98,
        visible_probability=0.99,
        contrast=0.5,
    )
    box, pose = Box(200, 100, 180, 180), HeadPose(0.0, 0.0, 0.0)
    return Moment(DriverObservation(t_s, box, 0.9, eye, eye, 0.03, pose, brightness=105.0))


if __name__ == "__main__":
    main()
