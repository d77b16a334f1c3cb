"""Looks at the machine part by part and says what is there, what is missing and what to do."""

from __future__ import annotations

import contextlib
import grp
import importlib.util
import itertools
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from dms.bridge import open_bridge
from dms.bridge.bus_load import bus_load
from dms.bridge.diagnostics import code_text, fault_text
from dms.bridge.diagnostics import read as read_faults
from dms.bus.interfaces import bring_up, interfaces
from dms.camera.backends import open_camera, presences, source_kind
from dms.camera.devices import CaptureDevice, query_device
from dms.camera.settings import SourceKind
from dms.camera.stillness import flat_hint, flat_value
from dms.config import Settings
from dms.engine.absent import install_command
from dms.engine.manifest import load_manifest
from dms.engine.probe import probe
from dms.errors import DmsError
from dms.perception.landmarks import load_predictor
from dms.vehicle import check_vehicle

_BRLTTY = ("/usr/bin/brltty", "/sbin/brltty", "/usr/lib/udev/rules.d/85-brltty.rules")
_FIRST_PICTURES = 15  # of a recording, to see whether they show anything
_NO_INTERFACE = (
    "plug its adapter in (dmesg says which driver took it), on a Jetson's own controller sudo "
    "modprobe mttcan (docs/jetson.md), for a test ip link add dev vcan0 type vcan, or use slcan on "
    "a serial port"
)


class Verdict(str, Enum):
    """How one part stands."""

    GOOD = "good"
    NOTE = "note"  # absent, and only some users need it
    BAD = "bad"  # the chain cannot run like this


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    part: str
    verdict: Verdict
    text: str


def examine(settings: Settings) -> list[Finding]:
    """Return everything found, in the order of the chain."""
    return [
        *_software(),
        *_camera(settings),
        _lens(settings),
        _landmarks(settings),
        *_nets(settings),
        *_accelerator(settings),
        *_buses(),
        *_bridges(settings),
        *_vehicle(settings),
        *_fault_codes(settings),
    ]


def _software() -> Iterator[Finding]:
    version = sys.version_info[:2]
    good = (3, 10) <= version <= (3, 12)
    yield Finding(
        "python",
        Verdict.GOOD if good else Verdict.BAD,
        f"{platform.python_version()} on {platform.machine()}"
        + ("" if good else "; dms needs 3.10 to 3.12"),
    )
    for name in ("opencv-python", "dlib-bin", "onnxruntime", "python-can", "cantools", "pyserial"):
        yield _package(name)


def _package(name: str) -> Finding:
    # JetPack ships OpenCV and a self-built dlib under other names than the wheels.
    twins = {"opencv-python": ("opencv-python-headless", "opencv"), "dlib-bin": ("dlib",)}
    for known in (name, *twins.get(name, ())):
        try:
            return Finding(known, Verdict.GOOD, metadata.version(known))
        except metadata.PackageNotFoundError:
            continue
    module = {"opencv-python": "cv2", "dlib-bin": "dlib"}.get(name)
    if module and importlib.util.find_spec(module):
        return Finding(name, Verdict.GOOD, f"{module} from the system")
    return Finding(name, Verdict.BAD, f"missing: pip install {name}")


def _camera(settings: Settings) -> Iterator[Finding]:
    for backend in presences():
        verdict = Verdict.GOOD if backend.present else Verdict.NOTE
        yield Finding(f"camera {backend.name}", verdict, backend.detail)
    devices = sorted(str(path) for path in Path("/dev").glob("video*"))
    source = settings.camera.source
    kind = source_kind(settings.camera)
    try:
        open_camera(settings.camera)  # made, not opened: says what no backend here serves
    except DmsError as error:
        yield Finding("camera source", Verdict.BAD, str(error))
        return
    if kind is SourceKind.V4L2:
        yield from _video_devices(devices, source)
    elif kind in {SourceKind.FILE, SourceKind.FOLDER}:
        try:
            found = Path(source).exists()
        except OSError:  # whoever opens it says why it cannot be looked at
            found = True
        text = source if found else f"{source} does not exist; set camera.source"
        yield _recording(settings) if found else Finding("camera source", Verdict.BAD, text)


def _recording(settings: Settings) -> Finding:
    """Look at the first pictures of a film or folder."""
    source, values = settings.camera.source, set[int | None]()
    try:
        with open_camera(settings.camera) as camera:
            for frame in itertools.islice(camera, _FIRST_PICTURES):
                values.add(flat_value(frame.gray))
    except DmsError as error:
        return Finding("camera source", Verdict.BAD, str(error))
    value = values.pop() if len(values) == 1 else None
    if value is None:
        return Finding("camera source", Verdict.GOOD, source)
    text = f"{source} begins with pictures of one single value ({value}): {flat_hint(value)}"
    return Finding("camera source", Verdict.BAD, text)


def _video_devices(devices: list[str], source: str) -> Iterator[Finding]:
    if not devices:
        text = "no /dev/video*: plug the camera in; a bench needs none"
        verdict = Verdict.NOTE if source == "auto" else Verdict.BAD
        yield Finding("camera source", verdict, text)
        return
    for path in devices:
        yield _video(query_device(Path(path)))
    if source.startswith("/dev/") and not Path(source).exists():
        text = f"{source} does not exist; there are {', '.join(devices)}"
        yield Finding("camera source", Verdict.BAD, text)


def _video(device: CaptureDevice) -> Finding:
    if device.problem is not None:
        return Finding(str(device.path), Verdict.BAD, device.problem)
    if not device.captures:
        return Finding(str(device.path), Verdict.NOTE, f"{device.card}: gives no pictures")
    offered = ", ".join(device.formats) or "names no format"
    if device.bayer:
        text = f"{device.card}: {offered}, a raw mosaic; on a Jetson set camera.source to csi:0"
        return Finding(str(device.path), Verdict.NOTE, text)
    verdict = Verdict.GOOD if device.usable or not device.formats else Verdict.NOTE
    return Finding(str(device.path), verdict, f"{device.card}: {offered}")


def _may_use(device: str, group: str) -> Finding:
    if os.access(device, os.R_OK | os.W_OK):
        return Finding(device, Verdict.GOOD, "may be opened")
    with contextlib.suppress(OSError, KeyError):
        group = grp.getgrgid(Path(device).stat().st_gid).gr_name
    return Finding(
        device, Verdict.BAD, f"no permission: sudo usermod -aG {group} $USER, log in again"
    )


def _lens(settings: Settings) -> Finding:
    if settings.perception.pose.intrinsics is not None:
        return Finding("camera lens", Verdict.GOOD, "calibrated")
    text = "not calibrated: head pose assumes 53 deg of view; dms calibrate intrinsics"
    return Finding("camera lens", Verdict.NOTE, text)


def _landmarks(settings: Settings) -> Finding:
    try:
        load_predictor(settings.landmarks)
    except DmsError as error:
        return Finding("landmarks", Verdict.BAD, str(error))
    return Finding("landmarks", Verdict.GOOD, settings.landmarks.model)


def _nets(settings: Settings) -> Iterator[Finding]:
    nets = settings.nets
    chosen = ((nets.expression, nets.precision), (nets.eye_state, nets.precision))
    for name, precision in (*chosen, (nets.mouth, "fp32")):
        if name is None:
            continue
        try:
            path = load_manifest(name).path(precision)
        except DmsError as error:
            yield Finding(f"net {name}", Verdict.BAD, str(error))
        else:
            yield Finding(f"net {name}", Verdict.GOOD, f"{path.name}, hash right")


def _accelerator(settings: Settings) -> Iterator[Finding]:
    """Load what the GPU needs, in a process of its own: it may crash."""
    needed = settings.nets.backend == "tensorrt"
    ways = {
        "tensorrt": "sudo apt install nvidia-jetpack, then the system's python3 or a venv of it "
        "with --system-site-packages",
        "pycuda": f"PATH=/usr/local/cuda/bin:$PATH {install_command()}",
        "gpu": "see docs/tensorrt.md",
    }
    for part, answer in probe().items():
        if answer.works:
            yield Finding(part, Verdict.GOOD, answer.text)
        elif answer.there:
            bad = needed or part != "gpu"
            yield Finding(part, Verdict.BAD if bad else Verdict.NOTE, answer.text)
        elif needed:
            yield Finding(part, Verdict.BAD, f"{answer.text}: {ways[part]}")
        else:
            yield Finding(part, Verdict.NOTE, "absent; only the Jetson's engine needs it")


def _buses() -> Iterator[Finding]:
    there = interfaces()
    for found in there:
        yield Finding("socketcan", Verdict.GOOD if found.up else Verdict.NOTE, str(found))
        if found.real and found.up and not found.restart_ms:
            text = f"{found.name} stays off after bus-off: set restart-ms 100 when you bring it up"
            yield Finding("socketcan", Verdict.NOTE, text)
    if not there:
        yield Finding("socketcan", Verdict.NOTE, f"no CAN interface; {_NO_INTERFACE}")
    yield from _brltty()
    ports = sorted(str(path) for path in Path("/dev/serial/by-id").glob("*"))
    if not ports:
        yield Finding("serial adapter", Verdict.NOTE, "none in /dev/serial/by-id")
    for port in ports:
        yield _may_use(port, "dialout")


def _brltty() -> Iterator[Finding]:
    """Ubuntu 22.04's brltty takes two common adapters for Braille displays and unbinds them."""
    if not any(Path(path).exists() for path in _BRLTTY):
        return
    plugged = {usb_id(path) for path in Path("/sys/bus/usb/devices").glob("*/idVendor")}
    taken = sorted(plugged & {"10c4:ea60", "1a86:7523"})
    if taken:
        text = f"takes the adapter {', '.join(taken)} away: sudo apt remove brltty, and replug it"
        yield Finding("brltty", Verdict.BAD, text)


def usb_id(vendor: Path) -> str:
    """Return vendor and product of a USB device as lsusb writes them, "" where it is gone."""
    try:
        product = vendor.with_name("idProduct").read_text(encoding="ascii")
        return f"{vendor.read_text(encoding='ascii').strip()}:{product.strip()}"
    except OSError:
        return ""


def _bridges(settings: Settings) -> Iterator[Finding]:
    if not settings.bridges:
        yield Finding("bridge", Verdict.NOTE, "none is set: alerts leave by no bus; set bridges")
    for bridge in settings.bridges:
        part = f"bridge {bridge.kind}"
        try:
            notes = open_bridge(bridge).check()  # the very files that the service opens, no bus
        except DmsError as error:
            yield Finding(part, Verdict.BAD, str(error))
            continue
        for note in notes:
            yield Finding(part, Verdict.NOTE, note)
        if bridge.kind == "socketcan":
            yield _socketcan(part, bridge.channel, bridge.bitrate)
        elif bridge.kind == "slcan":
            yield _serial(part, bridge.channel)
        elif bridge.kind == "virtual":
            text = "only inside this process, for the bench; choose a real bus for a vehicle"
            yield Finding(part, Verdict.NOTE, text)
        else:
            where = {
                "mqtt": f"{bridge.mqtt.host}:{bridge.mqtt.port}, topics {bridge.mqtt.prefix}/...",
                "sound": bridge.sound.file or f"ALSA device {bridge.sound.device}",
                "gpio": bridge.gpio.chip,
            }
            yield Finding(part, Verdict.GOOD, where.get(bridge.kind, bridge.channel))
        if bridge.kind in {"socketcan", "slcan"}:
            text = f"our messages take {bus_load(bridge):.2%} of {bridge.bitrate // 1000} kbit/s"
            yield Finding(f"load {bridge.kind}", Verdict.GOOD, text + " at most")


def _socketcan(part: str, channel: str, bitrate: int, key: str = "bridges[]") -> Finding:
    """Judge the interface that the settings name: there, up, at their bit rate."""
    found = next((one for one in interfaces() if one.name == channel), None)
    if found is None:
        return Finding(part, Verdict.BAD, f"no interface {channel}: {_NO_INTERFACE}")
    if not found.up:
        way = f"sudo ip link set {channel} up" if not found.real else bring_up(channel, bitrate)
        return Finding(part, Verdict.BAD, f"{channel} is down: {way}")
    if found.bitrate not in {None, bitrate}:
        text = (
            f"{channel} runs at {found.bitrate} bit/s, {key}.bitrate says {bitrate}: correct one "
            f"(sudo ip link set {channel} down; {bring_up(channel, bitrate)})"
        )
        return Finding(part, Verdict.BAD, text)
    return Finding(part, Verdict.GOOD, str(found))


def _vehicle(settings: Settings) -> Iterator[Finding]:
    vehicle = settings.vehicle
    if not vehicle.database:
        text = "no signals of the vehicle: every gate is open; set vehicle.database"
        yield Finding("vehicle", Verdict.NOTE, text)
        return
    try:
        mapped = check_vehicle(vehicle)
    except DmsError as error:
        yield Finding("vehicle", Verdict.BAD, str(error))
        return
    words = f"{', '.join(mapped.quantities)} by {vehicle.database}"
    yield Finding("vehicle", Verdict.GOOD, words)
    for hint in mapped.hints:
        yield Finding("vehicle", Verdict.NOTE, hint)
    bus = None if vehicle.log else vehicle.bus
    if bus is not None and bus.kind == "socketcan":
        yield _socketcan("vehicle bus", bus.channel, bus.bitrate, "vehicle.bus")
    elif bus is not None and bus.kind == "slcan":
        yield _serial("vehicle bus", bus.channel)
    if vehicle.log and not Path(vehicle.log).is_file():
        yield Finding("vehicle log", Verdict.BAD, f"no file {vehicle.log}; set vehicle.log")


def _fault_codes(settings: Settings) -> Iterator[Finding]:
    for bridge in settings.bridges:
        if not bridge.fault_file:
            continue
        try:
            Path(bridge.fault_file).open("rb").close()
        except FileNotFoundError:
            pass  # none yet
        except OSError as error:
            text = f"{bridge.fault_file}: {error.strerror}; sudo dms doctor"
            yield Finding("fault codes", Verdict.NOTE, text)
            continue
        faults = read_faults(Path(bridge.fault_file))
        for fault in faults:
            yield Finding(f"fault {code_text(fault.code)}", Verdict.NOTE, fault_text(fault))
        if not faults:
            yield Finding("fault codes", Verdict.GOOD, f"none in {bridge.fault_file}")


def _serial(part: str, channel: str) -> Finding:
    if not Path(channel).exists():
        advice = f"no port {channel}: plug the adapter in; use its name in /dev/serial/by-id"
        return Finding(part, Verdict.BAD, advice)
    return _may_use(channel, "dialout")
