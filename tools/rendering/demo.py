"""The demonstration behind ``tools/demo``: render, run the whole chain, show it beside the labels.

Everything goes the way it goes in the vehicle; only the film and the drive are synthetic. Exits
with 1 where a labelled event is missed, an alert has no label or comes late.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import wave
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import can
import numpy as np
from tqdm import tqdm

from dms import __version__
from dms.bench.bench import Outputs, Result, bench
from dms.bridge.codec import contract
from dms.chain import Chain
from dms.config import load
from dms.errors import DmsError
from dms.files.frames import load_frames
from dms.report.report import SHOWN_COLUMNS, Recording, Report, write_report
from dms.scoring.labels import Labels, labels_beside, load_labels
from dms.scoring.match import OBSERVED, Match, ScoringSettings, Verdict, due_times, match
from dms.values import Event, Level
from tools.rendering import clip as make_demo_clip
from tools.rendering import drive as make_demo_drive

CHANNEL = "dms-demo"
SOUND = "alerts.wav"  # what the driver hears
SOON_S = 0.15  # the first sample after an alert
LATEST_S = 0.3  # an alert may come this much after its rule's time
BAR = "{l_bar}{bar}| {n:.0f} of {total} s, {remaining} left"
ROOM = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Told:
    """One recording's way through the chain: its result, its labels, and what went over the bus."""

    recording: Recording
    frames: list[can.Message]
    sound: Path | None = None


def main() -> int:
    arguments = _arguments()
    out: Path = arguments.out
    started = time.monotonic()
    film = _film(out, arguments.seconds)
    drive = make_demo_drive.make(out, seed=1)
    sounding = out / "sounding.wav"
    bridges = f"{{kind: virtual, channel: {CHANNEL}}}, {{kind: sound, sound: {{file: {sounding}}}}}"
    overrides = [f"bridges=[{bridges}]", *arguments.set]
    chain = Chain(load(None, overrides))
    parts = []
    for source, sound, title in (
        (film, out / SOUND, "a rendered cabin film through the whole chain"),
        (drive, out / f"{drive.stem}.{SOUND}",
         "a drive without pixels (recorded observations): anger, horn, hard braking"),
    ):  # fmt: skip
        print(f"\n== {title}, SYNTHETIC: {source}")
        told = _run(source, chain, out)
        _show_alerts(told.recording)
        _show_frames(told.frames)
        if sounding.is_file():  # --set may have taken the bridge away
            told = replace(told, sound=sounding.rename(sound))
            _show_sound(told)
        parts.append(told)
    report = out / "report.html"
    facts = (
        f"dms {__version__}",
        f"profile {chain.settings.core.profile}",
        "all recordings here are synthetic",
    )
    write_report(Report("dms demonstration", [part.recording for part in parts], facts), report)
    print(f"\n== report: {report}")
    faults = [fault for part in parts for fault in faults_of(part.recording.matches)]
    faults += [fault for part in parts for fault in unheard(part)]
    faults += [fault for part in parts for fault in _soundless(part)]
    for fault in faults:
        print(f"not as labelled: {fault}")
    print(f"{'NOT ' if faults else ''}as labelled, in {time.monotonic() - started:.0f} s")
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder for everything that is written")
    parser.add_argument("--seconds", type=float, default=make_demo_clip.SECONDS, help="of film")
    parser.add_argument(
        "-s",
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as dms bench takes it",
    )
    return parser.parse_args()


def _film(out: Path, seconds: float) -> Path:
    """Render the film, or take the one that the same tools rendered before."""
    sources = b"".join((ROOM / name).read_bytes() for name in ("clip.py", "portrait.py"))
    stamp = hashlib.sha256(sources + str(seconds).encode()).hexdigest()
    film, mark = out / "demo.avi", out / "demo.stamp"
    if film.is_file() and mark.is_file() and mark.read_text() == stamp:
        print(f"== film rendered before: {film}")
        return film
    print(f"== render {seconds:.0f} s of film: {film}")
    mark.unlink(missing_ok=True)
    make_demo_clip.render(out, seconds, seed=1)
    mark.write_text(stamp)
    return film


def _run(source: Path, chain: Chain, out: Path) -> Told:
    """Run one recording; a second node on the virtual bus hears what is sent, as a head unit."""
    outputs = Outputs(out / f"{source.stem}.events.jsonl", out / f"{source.stem}.frames.csv")
    labels_at = labels_beside(source)
    labels = load_labels(labels_at) if labels_at else None
    length = int(labels.duration_s or 0) if labels else None
    started = time.process_time()
    with (
        can.Bus(interface="virtual", channel=CHANNEL, preserve_timestamps=True) as head_unit,
        tqdm(total=length, desc=source.name, bar_format=BAR, disable=None, file=sys.stderr) as bar,
    ):
        result = bench(str(source), chain, outputs, lambda t_s: _advance(bar, t_s))
        heard = list(iter(lambda: head_unit.recv(0.05), None))
    used = time.process_time() - started
    print(
        f"{result.frames} frames, {result.duration_s:.0f} s of recording in {used:.1f} s of CPU: "
        f"{1000 * used / max(result.frames, 1):.1f} ms a frame"
    )
    return Told(recording_of(source, result, labels, outputs, chain), heard)


def _advance(bar: tqdm, t_s: float) -> None:
    if t_s - bar.n >= 1:
        bar.update(int(t_s - bar.n))


def recording_of(
    source: Path, result: Result, labels: Labels | None, outputs: Outputs, chain: Chain
) -> Recording:
    matches: list[Match] = []
    if labels is not None:
        due_s = due_times(chain.settings.core)
        matches = match(result.events, labels, due_s, ScoringSettings())
    return Recording(
        name=source.name,
        events=result.events,
        frames=partial(load_frames, outputs.frames, SHOWN_COLUMNS) if outputs.frames else None,
        labels=labels,
        matches=matches,
        duration_s=result.duration_s,
        availability=result.availability,
        synthetic=labels.synthetic if labels else False,
    )


def _show_alerts(recording: Recording) -> None:
    """Print each alert with its time and reason beside its label, and each label without one."""
    judged = {id(one.event): one for one in recording.matches if one.event is not None}
    print(f"\n{'at s':>7}  {'alert':13} {'level':5} {'label, s':>15}  {'delay':>8}  why")
    for event in recording.events:
        if event.level > Level.NONE:
            print(_alert_line(event, judged.get(id(event))))
    for one in recording.matches:
        if one.verdict is Verdict.MISSED and one.label is not None:
            print(f"{'':7}  {one.kind.value:13} MISSED, labelled {one.label.start_s:.2f} s")
    for kind in sorted(OBSERVED):
        mine = [one for one in recording.matches if one.kind is kind]
        if mine:
            counts = Counter(one.verdict.value for one in mine)
            words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
            print(f"observed {kind.value}s beside their labels: {words}")


def _alert_line(event: Event, one: Match | None) -> str:
    label = one.label if one else None
    span = f"{label.start_s:.2f} - {label.end_s:.2f}" if label else "none"
    delay = one.verdict.value if one else ""
    if one is not None and one.delay_s is not None:
        delay = f"{one.delay_s:+.2f} s"
    what = f"{event.t_s:7.2f}  {event.kind.value:13} {event.level:<5} "
    return f"{what}{span:>15}  {delay:>8}  {event.reason}"


def _show_frames(messages: Iterable[can.Message]) -> None:
    """Decode what the head unit heard with cantools, by the DBC alone."""
    database = contract()
    counts: Counter[str] = Counter()
    print("\nheard on the CAN bus (virtual), decoded with cantools by dms.dbc:")
    for message in messages:
        known = database.get_message_by_frame_id(message.arbitration_id)
        counts[known.name] += 1
        if known.name != "DMS_Alert":
            continue
        words = known.decode(bytes(message.data))
        if str(words["AlertAction"]) == "Raised":
            sent = bytes(message.data).hex(" ")
            told = f"{words['AlertKind']} level {words['AlertLevel']} at {words['AlertTime']:.1f} s"
            print(f"  {message.arbitration_id:03X}  {sent}  DMS_Alert: {told}")
    print("  " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def faults_of(matches: Iterable[Match]) -> list[str]:
    """Return in words what is not as it should be."""
    faults = []
    for one in matches:
        at_s = one.event.t_s if one.event else one.label.start_s if one.label else 0.0
        if one.verdict in {Verdict.MISSED, Verdict.FALSE}:
            faults.append(f"{one.kind.value} at {at_s:.2f} s is {one.verdict.value}")
        late = one.delay_s is not None and one.kind.value != "road_rage"
        if late and one.delay_s > LATEST_S:
            faults.append(f"{one.kind.value} at {at_s:.2f} s comes {one.delay_s:.2f} s late")
    return faults


def unheard(told: Told) -> list[str]:
    """Return in words which kinds of alert were reported but not heard on the bus."""
    alert = contract().get_message_by_name("DMS_Alert")
    heard = {
        str(alert.decode(bytes(message.data))["AlertKind"]).lower()
        for message in told.frames
        if message.arbitration_id == alert.frame_id
    }
    raised = {one.kind.value for one in told.recording.events if one.level > Level.NONE}
    silent = sorted(kind for kind in raised if kind.replace("_", "") not in heard)
    return [f"{kind} is not heard on the CAN bus" for kind in silent]


def _show_sound(told: Told) -> None:
    samples, rate = _samples(told)
    share = np.abs(samples).reshape(-1, rate // 10).max(axis=1) > 0 if len(samples) else samples
    print(f"heard by the driver: {np.count_nonzero(share) / 10:.0f} s of sound in {told.sound}")


def _soundless(told: Told) -> list[str]:
    """Return in words which alerts were reported without a sound within 0.15 s."""
    samples, rate = _samples(told)
    faults = []
    for event in told.recording.events:
        first = round(event.t_s * rate)
        silent = not np.abs(samples[first : first + round(SOON_S * rate)]).any()
        if event.level > Level.NONE and silent and told.sound is not None:
            faults.append(f"{event.kind.value} at {event.t_s:.2f} s is not heard in {told.sound}")
    return faults


def _samples(told: Told) -> tuple[np.ndarray, int]:
    """Return what was heard in whole tenths of a second, and samples a second."""
    if told.sound is None:
        return np.zeros(0, np.int16), 1
    with wave.open(str(told.sound)) as wav:
        rate = wav.getframerate()
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    tenth = rate // 10
    return samples[: len(samples) // tenth * tenth].astype(np.int32), rate


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DmsError as error:
        sys.exit(f"demo: {error}")
