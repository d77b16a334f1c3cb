"""Stories from the driver to the wire: the real decision core, our SLCAN bridge, an adapter."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from dms.bridge import BridgeSettings, open_bridge
from dms.bridge.codec import Codec, contract
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.store.events import EventStore, StoreSettings
from dms.store.writer import StoreWriter
from dms.values import DriverObservation, DriverState, Event, Kind, Level, Moment, Step
from tests.bridge.lawicel import Lawicel
from tests.scenarios.drive import Drive

IDS = {can_id: name for name, can_id in Codec().ids.items()}


@pytest.fixture
def adapter(tmp_path):
    twin = Lawicel(tmp_path / "usb-adapter")
    yield twin
    twin.unplug()


def until(true, seconds=120.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def decoded(adapter, name):
    return [
        contract().get_message_by_name(name).decode(data)
        for _, can_id, _, data in list(adapter.frames)
        if IDS.get(can_id) == name
    ]


def send(adapter, states):
    settings = BridgeSettings(kind="slcan", channel=str(adapter.link), lossless=True)
    with open_bridge(settings) as bridge:
        for state in states:
            bridge.publish(state)
    assert until(lambda: any(s["Health"] == "Off" for s in decoded(adapter, "DMS_State")[-1:]))


def test_a_sleeper_is_on_the_wire_in_steps_at_the_right_times(adapter):
    drive = Drive().blinks(seconds=20)
    start_s = drive.t_s
    drive.closes(8)
    send(adapter, drive.states)
    alerts = decoded(adapter, "DMS_Alert")
    raised = {str(a["AlertKind"]): a for a in alerts if a["AlertAction"] == "Raised"}
    for word, wanted_s in (
        ("Microsleep", RULES.microsleep_s),
        ("Sleep", RULES.sleep_s),
        ("Unresponsive", RULES.unresponsive_closed_s),
    ):
        assert raised[word]["AlertTime"] == pytest.approx(start_s + wanted_s, abs=0.3)
        assert raised[word]["AlertDuration"] == pytest.approx(wanted_s, abs=0.3)
    states = decoded(adapter, "DMS_State")[:-1]
    assert len(states) == pytest.approx(28 * 10, abs=1)
    levels = [s["ActiveLevel"] for s in states]
    assert levels[0] == "None"
    assert levels[-1] == "Critical"
    assert not adapter.unreadable


@pytest.mark.data
@pytest.mark.slow
def test_a_recording_is_on_the_wire(adapter, data):
    """Pixels in, frames out: the 4.5 s closure of a real clip."""
    from dms.bench.bench import bench
    from dms.chain import Chain
    from dms.config import Settings

    bridge = BridgeSettings(kind="slcan", channel=str(adapter.link))
    result = bench(
        str(data / "clips" / "microsleep_desk.mp4"), Chain(replace(Settings(), bridges=(bridge,)))
    )
    wanted = [
        (event.kind.value.replace("_", "").lower(), round(event.t_s, 1))
        for event in result.events
        if event.level > 0
    ]
    told = [
        (str(a["AlertKind"]).lower(), round(float(a["AlertTime"]), 1))
        for a in decoded(adapter, "DMS_Alert")
        if a["AlertAction"] == "Raised"
    ]
    assert told == wanted
    assert {"microsleep", "sleep"} <= {kind for kind, _ in told}


@pytest.mark.slow
def test_alerts_of_an_unplugged_adapter_are_in_the_store(adapter, tmp_path):
    """Fifty times unplugged: every alert is stored, whether or not the bus carried it."""
    store = EventStore(tmp_path / "events.sqlite", StoreSettings())
    writer = StoreWriter(store)
    writer.open()
    number = 0
    settings = BridgeSettings(kind="slcan", channel=str(adapter.link))
    with open_bridge(settings) as bridge:

        def raise_alert():
            nonlocal number
            number += 1
            event = Event(float(number), Kind.SLEEP, Level.CRITICAL, f"number {number}")
            state = DriverState(float(number), level=Level.CRITICAL, events=(event,))
            bridge.publish(state)
            writer.take(Step(Moment(DriverObservation(state.t_s)), state))
            time.sleep(0.003)

        for _ in range(50):
            raise_alert()
            adapter.unplug()
            while bridge.fault is None:
                raise_alert()
            raise_alert()
            adapter.plug()
            while bridge.fault is not None:
                raise_alert()
    writer.close(120.0)
    with store:
        stored = [one.event.reason for one in store.events()]
    assert len(stored) == number
    assert set(stored) == {f"number {i + 1}" for i in range(number)}
    assert writer.dropped == 0
