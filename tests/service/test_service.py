"""The service around a scripted camera and perception; systemd's own part is in tests/system."""

import threading
import time
from contextlib import nullcontext
from dataclasses import replace

import can
import cantools
import numpy as np
import pytest

from dms.bridge import BridgeSettings
from dms.bridge.bridge import Bridge
from dms.bridge.codec import Codec, contract, data_ids
from dms.bridge.e2e import Protector
from dms.camera.backends import open_camera
from dms.camera.live import LiveCamera
from dms.camera.settings import CameraSettings
from dms.camera.source import Picture, Source
from dms.chain import Chain
from dms.config import Settings
from dms.errors import CameraError, ConfigError, EngineError
from dms.monitor import MonitorSettings
from dms.service.lamp import LampSettings
from dms.service.service import Service, patient_bridges
from dms.service.status import StartSettings, Status
from dms.service.watchdog import Liveness, LivenessSettings
from dms.values import Command, DriverObservation, Fault, Part, PauseReason, Unseen
from dms.vehicle import VehicleSettings

STAGES = ("camera", "perception", "decision", "bridge", "record", "load")
DEADLINE_S = 300.0  # of every stage; a test moves the clock on, for a busy machine hangs nowhere


class Notes:
    watchdog_s = 0.0

    def __init__(self):
        self.sent = []

    def __getattr__(self, name):
        return lambda *args: self.sent.append((name, *args))

    def names(self):
        return [entry[0] for entry in self.sent]

    def allowing(self, extra_s):
        self.sent.append(("allowing", extra_s))
        return nullcontext()


class Cabin(Source):
    """A camera that can be pulled out and put back."""

    plugged = threading.Event()
    silent = threading.Event()  # it is there and gives no picture
    made = 0  # how often somebody wanted to look through it
    looking = 0  # how many look through it now

    def __init__(self):
        Cabin.made += 1
        self.opened = False

    def open(self):
        if not self.plugged.is_set():
            raise CameraError("No camera is connected")
        Cabin.looking += 1
        self.opened = True

    def grab(self):
        time.sleep(0.02)
        if not self.plugged.is_set():
            raise OSError(19, "No such device")
        if self.silent.is_set():
            return None
        return Picture(
            np.random.default_rng(time.monotonic_ns()).integers(0, 255, (64, 64), np.uint8)
        )

    def close(self):
        Cabin.looking -= self.opened
        self.opened = False


class Eyes:
    """Perception that sees no face, and can be made to hang."""

    faults = ()
    hang = threading.Event()
    hanging = threading.Event()

    def observe(self, frame):
        while self.hang.is_set():
            self.hanging.set()
            time.sleep(0.01)
        return DriverObservation(frame.t_s, unseen=Unseen.NO_FACE)

    def reset(self):
        pass


class Told:
    """Hears the faults of every step, as a sink."""

    faults = ()

    def take(self, step):
        self.faults = step.moment.faults


class Rig:
    def __init__(self, channel):
        Cabin.plugged.set()
        Cabin.silent.clear()
        Eyes.hang.clear()
        Eyes.hanging.clear()
        self.settings = replace(
            Settings(), bridges=(BridgeSettings(kind="virtual", channel=channel),)
        )
        self.ready_after(DEADLINE_S)
        self.load_error = None
        self.may_load = threading.Event()
        self.may_load.set()
        self.ahead_s = 0.0
        self.loads, self.protector = 0, None
        self.cameras = []  # made so far
        self.checked = lambda settings: settings  # before a reload uses them
        self.told = Told()
        self.notes = Notes()
        self.status = Status(self.notes)
        deadlines = LivenessSettings(**{f"{stage}_s": DEADLINE_S for stage in STAGES})
        self.liveness = Liveness(deadlines, self.notes, lambda: time.monotonic() + self.ahead_s)
        self.service = self.made()
        self.bus = can.Bus(interface="virtual", channel=channel)
        self.thread = threading.Thread(target=self._run)
        self.failure = None

    def made(self, *sinks, witness=None, make_chain=Chain):
        """Return a service with this rig's camera and perception, and ``sinks``."""
        return Service(
            self._read,
            self.notes,
            self.liveness,
            self.status,
            (self.told, *sinks),
            make_camera=self.camera,
            witness=witness,
            make_chain=lambda settings: make_chain(settings, self._perception),
        )

    def ready_after(self, seconds):
        start = StartSettings(ready_s=seconds, load_retry_s=0.05)
        self.settings = replace(self.settings, service=replace(Settings().service, start=start))
        self.fresh = self.settings

    def camera(self, settings):
        patient = replace(settings, silent_s=60, first_frame_s=120)
        self.cameras.append(LiveCamera(Cabin, patient, patient=True))
        return self.cameras[-1]

    def _perception(self, _):
        self.loads += 1
        self.may_load.wait()
        if self.load_error:
            raise self.load_error
        return Eyes()

    def _read(self):
        if isinstance(self.fresh, Exception):
            raise self.fresh
        return self.checked(self.fresh)

    def _run(self):
        try:
            self.service.run(self.settings)
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            self.failure = error

    def start(self):
        self.thread.start()

    @property
    def faults(self):
        return self.told.faults

    def reload(self):
        """Reload the settings and wait until the service runs with them."""
        ready = self.notes.names().count("ready")
        self.service.ask_reload()
        self.wait(lambda: self.notes.names().count("ready") > ready)
        assert self.status.refused is None

    def state(self, **wanted):
        """Wait for a DMS_State with these signals and return it."""
        end = time.monotonic() + 120
        message = contract().get_message_by_name("DMS_State")
        seen = None
        while time.monotonic() < end and self.failure is None:
            frame = self.bus.recv(0.5)
            if frame is None or frame.arbitration_id != message.frame_id:
                continue
            seen = {key: str(value) for key, value in message.decode(frame.data).items()}
            if all(seen[key] == value for key, value in wanted.items()):
                return seen
        raise AssertionError(f"{wanted} never came, last {seen}; failure {self.failure}")

    def fresh_state(self, **wanted):
        """Wait for such a DMS_State that was sent after this call."""
        while self.bus.recv(0) is not None:
            pass
        return self.state(**wanted)

    def states(self, until):
        """Return what every DMS_State says of the eyes until ``until()`` holds."""
        message = contract().get_message_by_name("DMS_State")
        while self.bus.recv(0) is not None:
            pass
        seen, end = [], time.monotonic() + 120
        while not (until() and seen) and time.monotonic() < end and self.failure is None:
            frame = self.bus.recv(0.5)
            if frame is not None and frame.arbitration_id == message.frame_id:
                seen.append(str(message.decode(frame.data)["EyesReason"]))
        return seen

    def other_nets(self):
        """Return settings that want other nets."""
        return replace(self.settings, nets=replace(self.settings.nets, precision="fp32"))

    def ask(self, pause, reason="NotGiven"):
        """Ask for a pause, or for its end, as a head unit does."""
        wish = {**dict.fromkeys(("WarningsRequest", "RageRequest"), "Leave"), "Acknowledge": "No",
                "PauseRequest": pause, "PauseReason": reason, "E2E_CRC_Command": 0,
                "E2E_Counter_Command": 0}  # fmt: skip
        command = contract().get_message_by_name("DMS_Command")
        self.protector = self.protector or Protector(data_ids(command))
        data = self.protector.protect(command.encode(wish))
        where = {"arbitration_id": Codec().ids["DMS_Command"], "is_extended_id": False}
        self.bus.send(can.Message(**where, data=data))

    def reload_refused(self):
        self.service.ask_reload()
        self.wait(lambda: self.status.refused)

    def wait(self, true):
        end = time.monotonic() + 120
        while not true():
            assert time.monotonic() < end, (self.notes.sent[-5:], self.failure)
            time.sleep(0.01)

    def end(self):
        self.may_load.set()
        self.service.stop()
        self.thread.join(120)
        assert not self.thread.is_alive()
        self.bus.shutdown()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def rig(request):
    made = Rig(request.node.name)
    yield made
    Cabin.plugged.set()
    Eyes.hang.clear()
    if made.thread.ident is not None:
        made.end()


def test_the_bus_hears_starting_then_the_driver_and_systemd_hears_ready_once(rig):
    rig.may_load.clear()
    rig.start()
    rig.state(EyesReason="Starting")
    assert "ready" not in rig.notes.names()
    rig.may_load.set()
    rig.state(EyesReason="NoFace")
    assert rig.notes.names().count("ready") == 1
    assert not rig.status.missing


def test_a_recording_that_is_not_there_ends_it_and_is_named(rig):
    missing = CameraSettings(source="nope.mp4")
    rig.settings = replace(rig.settings, camera=missing)
    rig.ready_after(0.1)
    rig.camera = lambda settings: open_camera(settings, patient=True)
    rig.service = rig.made()
    rig.start()
    rig.wait(lambda: rig.failure is not None)
    failure, rig.failure = rig.failure, None
    with pytest.raises(CameraError, match=r"There is no recording nope\.mp4"):
        raise failure


def test_stopping_says_off_last_and_tells_systemd(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.service.stop()
    rig.state(Health="Off")
    rig.wait(lambda: not rig.thread.is_alive())
    assert rig.bus.recv(0.3) is None
    assert "stopping" in rig.notes.names()


def test_a_slow_end_is_no_hanging_stage_of_the_loop(rig, monkeypatch):
    rig.start()
    rig.state(EyesReason="NoFace")
    stages, camera = [], rig.cameras[0]
    close = camera.close

    def slowly():
        stages.append(rig.liveness.stage)
        close()

    monkeypatch.setattr(camera, "close", slowly)
    rig.service.stop()
    rig.wait(lambda: not rig.thread.is_alive())
    assert stages == ["load"]


def test_without_a_camera_it_is_ready_degraded_and_finds_the_camera_later(rig):
    Cabin.plugged.clear()
    rig.ready_after(0.5)
    rig.start()
    rig.wait(lambda: "ready" in rig.notes.names())
    assert "No camera is connected" in next(t[1] for t in rig.notes.sent if t[0] == "status")
    rig.state(EyesReason="Camera", Health="Fault")
    rig.wait(lambda: rig.faults)
    assert rig.faults == (Fault(Part.CAMERA, "No camera is connected"),)
    assert rig.status.line(rig.faults).count("camera: ") == 1
    Cabin.plugged.set()
    rig.state(EyesReason="NoFace")


def test_a_reload_while_the_camera_is_lost_tells_it_neither_over_nor_again(rig, caplog):
    rig.start()
    rig.state(EyesReason="NoFace")
    Cabin.plugged.clear()
    rig.wait(lambda: rig.faults)
    caplog.clear()
    rig.fresh = replace(rig.settings, monitor=MonitorSettings(wake_s=6.0))
    rig.service.ask_reload()
    assert set(rig.states(lambda: rig.notes.names().count("ready") == 2)) == {"Camera"}
    assert set(rig.states(lambda: True)) == {"Camera"}
    Cabin.plugged.set()
    rig.wait(lambda: not rig.faults)
    words = [r.message.split(": ")[0] for r in caplog.records if "camera" in r.message]
    assert (words.count("Fault"), words.count("Over")) == (0, 1)


def progress(rig, reason):
    """Check that the bus is served and the watchdog fed while the camera gives no picture."""
    for _ in range(3):
        rig.ahead_s += DEADLINE_S + 1
        rig.fresh_state(EyesReason=reason)
        rig.wait(rig.liveness.look)


def test_a_reload_while_the_camera_is_silent_leaves_neither_bus_nor_watchdog_silent(rig, caplog):
    rig.start()
    rig.state(EyesReason="NoFace")
    Cabin.silent.set()
    Cabin.plugged.clear()
    rig.wait(lambda: rig.faults)
    Cabin.plugged.set()  # it opens, and no picture comes
    rig.wait(lambda: rig.cameras[0].opening)
    caplog.clear()
    rig.reload()
    progress(rig, "Camera")
    assert rig.faults
    Cabin.silent.clear()
    rig.wait(lambda: not rig.faults)
    words = [r.message.split(": ")[0] for r in caplog.records if "camera" in r.message]
    assert (words.count("Fault"), words.count("Over")) == (0, 1)


@pytest.mark.parametrize("at_start", [True, False])
def test_a_reload_that_ends_the_pause_tells_of_the_slow_camera_at_once(rig, at_start):
    paused = replace(rig.settings, monitor=MonitorSettings(paused=True, wake_s=1e6))
    awake = replace(rig.settings, monitor=MonitorSettings(wake_s=1e6))
    rig.settings = rig.fresh = paused if at_start else awake
    rig.start()
    if not at_start:
        rig.state(EyesReason="NoFace")
        rig.fresh = paused
        rig.service.ask_reload()
    rig.state(Pause="Privacy", CameraOn="Off")
    Cabin.silent.set()
    rig.fresh = awake
    rig.service.ask_reload()
    reason = "Starting" if at_start else "Camera"
    rig.state(EyesReason=reason, Pause="NotPaused")
    progress(rig, reason)
    assert rig.faults == ()
    Cabin.silent.clear()
    rig.state(EyesReason="NoFace", CameraOn="On")


def test_a_reload_during_the_start_with_a_slow_camera_goes_on_telling_starting(rig):
    Cabin.silent.set()
    rig.start()
    rig.state(EyesReason="Starting")
    rig.reload()
    progress(rig, "Starting")
    Cabin.silent.clear()
    rig.state(EyesReason="NoFace")


def test_a_camera_silent_since_the_start_is_told_and_the_watchdog_is_fed(rig):
    Cabin.silent.set()
    rig.ready_after(0.5)
    rig.start()
    rig.state(EyesReason="Camera", Health="Fault")
    progress(rig, "Camera")
    assert "No picture has come" in rig.faults[0].words


def test_unplugged_and_plugged_in_again_without_a_restart(rig, caplog):
    rig.start()
    rig.state(EyesReason="NoFace")
    caplog.clear()
    for _ in range(2):
        Cabin.plugged.clear()
        rig.state(EyesReason="Camera")
        Cabin.plugged.set()
        rig.state(EyesReason="NoFace")
    assert len(rig.cameras) == 1
    assert len([r for r in caplog.records if r.message.startswith("Fault: camera")]) == 2


def test_nets_that_do_not_load_are_told_and_tried_again(rig):
    rig.load_error = EngineError("engines/eye_state.yaml is missing")
    rig.start()
    rig.state(Health="Fault", EyesReason="Starting")
    assert "eye_state.yaml" in rig.status.missing["engine"]
    rig.load_error = None
    rig.state(EyesReason="NoFace")
    assert "engine" not in rig.status.missing


def test_ready_after_a_slow_load_says_that_the_nets_are_still_loading(rig):
    rig.ready_after(0.2)
    rig.may_load.clear()
    rig.start()
    rig.wait(lambda: "ready" in rig.notes.names())
    before = rig.notes.sent[: rig.notes.names().index("ready")]
    assert "nets: still loading" in [note[1] for note in before if note[0] == "status"][-1]
    assert rig.status.health(())["nets"] == "still loading"
    assert rig.state(EyesReason="Starting")["Health"] != "Fault"  # slow is not broken
    rig.may_load.set()
    rig.state(EyesReason="NoFace")
    assert "nets" not in rig.status.missing
    assert "still loading" not in [note[1] for note in rig.notes.sent if note[0] == "status"][-1]


def test_a_load_that_hangs_is_named_and_stopped_though_the_bus_is_served(rig):
    rig.may_load.clear()
    rig.start()
    rig.state(EyesReason="Starting")
    rig.fresh_state(EyesReason="Starting")
    assert rig.liveness.look()
    rig.ahead_s += DEADLINE_S + 1
    for _ in range(3):
        rig.fresh_state(EyesReason="Starting")  # the loop goes on, and that is no progress
    assert not rig.liveness.look()
    assert rig.notes.names()[-1] == "hung"
    assert "stage load hangs" in rig.notes.sent[-2][1]


def test_nets_that_fail_again_and_again_are_no_hanging_load(rig, caplog):
    rig.load_error = EngineError("engines/eye_state.yaml is missing")
    rig.start()
    rig.state(Health="Fault")
    for _ in range(3):
        rig.ahead_s += DEADLINE_S + 1
        rig.wait(rig.liveness.look)
    assert len([r for r in caplog.records if r.message == str(rig.load_error)]) == 1


def test_a_defect_in_loading_ends_the_process_with_its_traceback(rig):
    rig.load_error = ZeroDivisionError("a defect")
    rig.start()
    rig.wait(lambda: not rig.thread.is_alive())
    assert rig.failure is rig.load_error
    assert "ready" not in rig.notes.names()
    rig.failure = None


def test_a_reload_whose_nets_hang_is_refused_and_the_old_ones_watch_on(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    liveness = replace(rig.settings.service.liveness, load_s=0.3)
    service = replace(rig.settings.service, liveness=liveness)
    rig.fresh = replace(rig.other_nets(), service=service)
    rig.may_load.clear()
    rig.reload_refused()
    assert "not loaded within 0.3 s" in rig.status.refused
    rig.fresh_state(EyesReason="NoFace")
    rig.fresh = rig.settings
    rig.service.ask_reload()
    rig.wait(lambda: rig.status.refused is None)
    rig.wait(lambda: rig.notes.names().count("ready") == 3)


def test_bad_settings_are_refused_and_the_old_ones_stay(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.fresh = ConfigError("dms.yaml:3: camera.fps: expected a number")
    rig.reload_refused()
    assert "dms.yaml:3" in rig.status.line(())
    rig.wait(lambda: rig.notes.names().count("ready") == 2)
    rig.fresh_state(EyesReason="NoFace")
    assert rig.notes.names().count("reloading") == 1


def test_a_defect_in_reading_settings_is_refused_too_and_the_next_reload_works(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.fresh = ZeroDivisionError("a defect")
    rig.reload_refused()
    assert "unexpected ZeroDivisionError" in rig.status.refused
    rig.fresh = rig.settings
    rig.service.ask_reload()
    rig.wait(lambda: rig.status.refused is None)
    rig.wait(lambda: rig.notes.names().count("ready") == 3)


def test_good_settings_change_only_what_they_name(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    core = rig.service.chain.core
    rig.fresh = replace(rig.settings, camera=CameraSettings(source="0"))
    rig.service.ask_reload()
    rig.wait(lambda: rig.notes.names().count("ready") == 2)
    rig.fresh_state(EyesReason="NoFace")
    assert rig.service.chain.core is core
    assert len(rig.cameras) == 2
    rig.fresh = replace(rig.fresh, core=replace(rig.fresh.core, profile="eu_gsr"))
    rig.service.ask_reload()
    rig.wait(lambda: rig.service.chain.core is not core)
    rig.fresh_state(EyesReason="NoFace")
    assert len(rig.cameras) == 2


def test_a_hanging_stage_is_named_and_the_watchdog_starves(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    assert rig.liveness.look()
    Eyes.hang.set()
    rig.wait(Eyes.hanging.is_set)
    assert rig.liveness.look()
    rig.ahead_s += DEADLINE_S + 1
    assert not rig.liveness.look()
    assert rig.notes.names()[-1] == "hung"
    assert "stage perception hangs" in rig.notes.sent[-2][1]


def test_parts_made_anew_at_a_reload_have_the_deadline_of_loading(rig, monkeypatch):
    stages, make = [], rig.camera

    def watched(settings):
        stages.append(rig.liveness.stage)
        return make(settings)

    monkeypatch.setattr(rig, "camera", watched)
    rig.service = rig.made()
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.fresh = replace(rig.settings, camera=CameraSettings(source="0"))
    rig.reload()
    assert stages == ["load", "load"]


def test_a_stage_that_dies_is_named_and_ends_the_process(rig, monkeypatch):
    rig.start()
    rig.state(EyesReason="NoFace")
    monkeypatch.setattr(Eyes, "observe", lambda *_: 1 / 0)
    rig.wait(lambda: not rig.thread.is_alive())
    assert isinstance(rig.failure, ZeroDivisionError)
    told = [note[1] for note in rig.notes.sent if note[0] == "status"]
    assert told[-1] == "The stage perception has died of a defect; the service starts anew."
    rig.failure = None


def test_a_missing_camera_is_no_hanging_stage(rig):
    Cabin.plugged.clear()
    rig.ready_after(0.5)
    rig.start()
    rig.state(EyesReason="Camera")
    for _ in range(3):
        rig.ahead_s += DEADLINE_S + 1
        rig.wait(rig.liveness.look)  # each try to open it is progress


def test_every_bridge_waits_for_its_bus():
    assert all(one.wait for one in patient_bridges(Settings()).bridges)


def test_the_state_message_knows_starting():
    state = contract().get_message_by_name("DMS_State")
    signal = state.get_signal_by_name("EyesReason")
    assert isinstance(signal, cantools.database.can.Signal)
    assert "Starting" in {str(word) for word in signal.choices.values()}


def test_a_driver_that_swallows_reads_ends_the_process(rig, monkeypatch):
    rig.start()
    rig.state(EyesReason="NoFace")
    monkeypatch.setattr(LiveCamera, "given_up", True)
    rig.wait(lambda: not rig.thread.is_alive())
    assert isinstance(rig.failure, CameraError)
    assert rig.notes.names()[-1] == "stopping"
    rig.failure = None


def test_a_reload_that_changes_nothing_goes_on_as_before(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    for _ in range(3):
        rig.reload()
        rig.fresh_state(EyesReason="NoFace")
        assert rig.thread.is_alive()
    assert len(rig.cameras) == 1


def test_parts_that_only_a_restart_switches_are_told_as_they_run(rig):
    class Lit:
        part, fault = Part.LAMP, None

        def take(self, step):
            pass

    rig.service = rig.made(Lit())
    rig.start()
    rig.state(EyesReason="NoFace")
    assert {"lamp", "store"} & set(rig.status.parts) == {"lamp"}
    kept = replace(rig.settings.service.store, enabled=True)
    service = replace(rig.settings.service, store=kept, lamp=LampSettings(led=None))
    rig.fresh = replace(rig.settings, service=service)
    rig.service.ask_reload()
    rig.wait(lambda: rig.notes.names().count("ready") == 2)
    assert {"lamp", "store"} & set(rig.status.parts) == {"lamp"}


def test_one_setting_pauses_it_and_the_bus_tells_that_the_camera_is_off(rig):
    rig.start()
    rig.state(EyesReason="NoFace", Pause="NotPaused", CameraOn="On")
    assert Cabin.looking == 1
    rig.fresh = replace(rig.settings, monitor=MonitorSettings(paused=True))
    rig.service.ask_reload()
    rig.state(Pause="Privacy", CameraOn="Off", Health="Ok")
    assert Cabin.looking == 0
    rig.fresh = rig.settings
    rig.service.ask_reload()
    rig.state(EyesReason="NoFace", Pause="NotPaused", CameraOn="On")


def test_while_a_reload_loads_nets_the_old_ones_watch_and_the_swap_blinds_nobody(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    before = rig.service.chain
    rig.fresh = rig.other_nets()
    rig.may_load.clear()
    rig.service.ask_reload()
    rig.wait(lambda: rig.loads == 2)
    assert set(rig.states(lambda: True)) == {"NoFace"}
    assert rig.service.chain is before
    threading.Timer(0.2, rig.may_load.set).start()
    assert set(rig.states(lambda: rig.notes.names().count("ready") == 2)) == {"NoFace"}
    assert set(rig.states(lambda: True)) == {"NoFace"}
    assert rig.service.chain.settings.nets.precision == "fp32"
    assert rig.service.chain.core is before.core


def test_nets_that_a_reload_cannot_load_are_refused(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.fresh = rig.other_nets()
    rig.load_error = EngineError("engines/eye_state.yaml is missing")
    rig.reload_refused()
    assert "eye_state.yaml" in rig.status.refused
    rig.fresh_state(EyesReason="NoFace")
    assert rig.service.chain.settings is rig.settings


def test_settings_with_nets_that_load_replace_those_whose_nets_do_not(rig):
    rig.load_error = EngineError("engines/eye_state.yaml is missing")
    rig.start()
    rig.state(Health="Fault", EyesReason="Starting")
    rig.load_error = None
    rig.fresh = rig.other_nets()
    rig.service.ask_reload()
    rig.state(EyesReason="NoFace")
    rig.wait(lambda: rig.service.chain.settings is rig.fresh)
    rig.fresh_state(EyesReason="NoFace", Health="Ok")


def test_a_pause_for_privacy_outlives_a_reload_of_the_decision(rig):
    rig.start()
    rig.state(EyesReason="NoFace")
    core = rig.service.chain.core
    core.command(Command(pause=True, pause_reason=PauseReason.PRIVACY))
    rig.state(Pause="Privacy", CameraOn="Off")
    rig.fresh = replace(rig.settings, core=replace(rig.settings.core, profile="eu_gsr"))
    rig.service.ask_reload()
    rig.wait(lambda: rig.service.chain.core is not core)
    rig.fresh_state(Pause="Privacy", CameraOn="Off")
    assert Cabin.looking == 0


def test_a_reload_during_a_commanded_pause_does_not_open_the_camera_even_for_a_moment(rig, caplog):
    rig.start()
    rig.state(EyesReason="NoFace")
    core = rig.service.chain.core
    core.command(Command(pause=True, pause_reason=PauseReason.PRIVACY))
    rig.state(Pause="Privacy", CameraOn="Off")
    made, camera = Cabin.made, CameraSettings(source="0")
    for chosen in (
        replace(rig.settings, core=replace(rig.settings.core, profile="eu_gsr")),
        replace(rig.other_nets(), camera=camera),
    ):
        rig.fresh = chosen
        rig.service.ask_reload()
        rig.wait(lambda: rig.service.chain.settings is rig.fresh)
        told = rig.fresh_state()
        assert (told["Pause"], told["CameraOn"], told["Health"]) == ("Privacy", "Off", "Ok")
        assert Cabin.made == made
    assert not [r for r in caplog.records if r.message.startswith(("Fault", "camera lost"))]
    rig.service.chain.core.command(Command(pause=False))
    rig.state(EyesReason="NoFace", Pause="NotPaused", CameraOn="On")


def test_of_two_reloads_within_one_swap_of_nets_the_second_wins_and_nobody_is_blinded(rig):
    swapping, may_swap = threading.Event(), threading.Event()

    class Slow(Chain):
        def adopt_core(self, old):
            swapping.set()
            may_swap.wait(120)
            super().adopt_core(old)

    rig.service = rig.made(make_chain=Slow)
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.fresh = rig.other_nets()
    rig.service.ask_reload()
    rig.wait(swapping.is_set)
    rig.fresh = rig.settings  # back to the nets that are being replaced
    rig.may_load.clear()
    rig.service.ask_reload()
    threading.Timer(0.3, may_swap.set).start()
    rig.wait(lambda: rig.loads == 3)
    assert set(rig.states(lambda: True)) == {"NoFace"}
    rig.may_load.set()
    assert set(rig.states(lambda: rig.notes.names().count("ready") == 3)) == {"NoFace"}
    assert rig.service.chain.settings is rig.settings


def test_the_vehicle_is_heard_on_through_a_reload(rig):
    heard = []

    class Hearing(Chain):
        def vehicle(self, *bridges):
            heard.append(super().vehicle(*bridges))
            return heard[-1]

    rig.service = rig.made(make_chain=Hearing)
    vehicle = VehicleSettings(database="j1939")
    rig.settings = rig.fresh = replace(rig.settings, vehicle=vehicle)
    rig.start()
    rig.state(EyesReason="NoFace")
    rig.fresh = replace(rig.settings, monitor=MonitorSettings(wake_s=6.0))
    rig.reload()
    assert len(heard) == 1
    rig.fresh = replace(rig.fresh, vehicle=replace(vehicle, log_offset_s=1.0))
    rig.reload()
    assert len(heard) == 2


class Failing(Bridge):
    """A bridge of the user's own with a defect."""

    name = "mine"
    fault = None

    def open(self):
        pass

    def publish(self, state):
        raise ZeroDivisionError("of the user's own")

    def commands(self):
        return ()

    def close(self):
        pass


def test_a_pause_for_privacy_closes_the_camera_also_while_the_nets_do_not_load(rig):
    rig.load_error = EngineError("engines/eye_state.yaml is missing")
    rig.start()
    rig.state(EyesReason="Starting")
    rig.wait(lambda: Cabin.looking)
    rig.ask("Pause", "Privacy")
    rig.state(Pause="Privacy", CameraOn="Off")
    rig.wait(lambda: not Cabin.looking)
    rig.ask("Resume")
    rig.state(Pause="NotPaused", EyesReason="Starting")
    rig.wait(lambda: Cabin.looking)


def test_a_defect_in_a_bridge_of_the_users_own_does_not_end_the_service_while_it_starts(rig):
    own = BridgeSettings(kind=f"{__name__}:Failing")
    rig.settings = replace(rig.settings, bridges=(*rig.settings.bridges, own))
    rig.may_load.clear()
    rig.start()
    rig.state(EyesReason="Starting", Health="Fault")
    assert rig.failure is None
    rig.may_load.set()
    rig.state(EyesReason="NoFace", Health="Fault")
