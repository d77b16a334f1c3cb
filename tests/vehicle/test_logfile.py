from __future__ import annotations

import gzip

import pytest

from dms.bus.python_can import can, load_mf4
from dms.errors import ConfigError
from dms.vehicle import VehicleSettings, open_vehicle
from dms.vehicle.frames import frames
from dms.vehicle.logfile import LogVehicle

START_S = 1_700_000_000.25


def ccvs(kmh, t_s, can_id=0x18FEF100):
    data = bytes([0xFF, *int(kmh * 256).to_bytes(2, "little"), 0xCF, 0xFF, 0xFF, 0xFF, 0xFF])
    return can.Message(
        timestamp=START_S + t_s,
        arbitration_id=can_id,
        is_extended_id=True,
        data=data,
        channel="can0",
    )


def write(path, messages):
    if path.suffix == ".mf4":
        load_mf4()
    with can.Logger(path) as logger:
        for message in messages:
            logger.on_message_received(message)


@pytest.fixture
def drive():
    """Ten seconds of CCVS1 each 100 ms, 10 km/h more a second, a gap at 5 s; other traffic."""
    messages = []
    for i in range(100):
        t_s = i / 10
        messages.append(can.Message(timestamp=START_S + t_s, arbitration_id=0x123, data=b"\1",
                                    is_extended_id=False, channel="can0"))  # fmt: skip
        if not 5.0 <= t_s < 7.0:
            messages.append(ccvs(10 * t_s, t_s))
    return messages


def j1939(path, **more):
    return VehicleSettings(database="j1939", log=str(path), **more)


@pytest.mark.parametrize("ending", ["log", "asc", "blf", "trc", "csv", "mf4"])
def test_every_format_reproduces_the_drive(tmp_path, drive, ending):
    if ending == "mf4":
        pytest.importorskip("asammdf", reason="asammdf (extra mf4) is missing")
    path = tmp_path / f"drive.{ending}"
    write(path, drive)
    with LogVehicle(j1939(path)) as vehicle:
        for t_s in (0.0, 0.55, 1.05, 3.33, 4.95):
            assert vehicle.at(t_s).speed_kmh == pytest.approx(10 * int(t_s * 10) / 10, abs=0.01)
        assert vehicle.at(5.85).speed_kmh == pytest.approx(49, abs=0.01)  # younger than ten cycles
        assert vehicle.at(5.95).speed_kmh is None
        assert vehicle.at(7.05).speed_kmh == pytest.approx(70, abs=0.01)
        assert vehicle.at(20.0).speed_kmh is None


def test_a_step_back_replays_from_the_start(tmp_path, drive):
    path = tmp_path / "drive.log"
    write(path, drive)
    with LogVehicle(j1939(path)) as vehicle:
        first = [vehicle.at(i / 3).speed_kmh for i in range(30)]
        again = [vehicle.at(i / 3).speed_kmh for i in range(30)]
    assert first == again


def test_the_offset_moves_the_log(tmp_path, drive):
    path = tmp_path / "drive.log"
    write(path, drive)
    with LogVehicle(j1939(path, log_offset_s=2.0)) as vehicle:
        assert vehicle.at(1.0).speed_kmh == pytest.approx(30, abs=0.01)


def test_an_offset_beyond_the_end_of_the_log_is_told(tmp_path, drive, caplog):
    path = tmp_path / "drive.log"
    write(path, drive)
    with LogVehicle(j1939(path, log_offset_s=9.0)) as vehicle:
        assert vehicle.at(30.0).speed_kmh is None  # after its end is another matter
    assert not caplog.records
    with LogVehicle(j1939(path, log_offset_s=60.0)) as vehicle:
        assert [vehicle.at(t_s).speed_kmh for t_s in (1.0, 0.0)] == [None, None]
    assert caplog.text.count("ends at 9.900 s, before the recording begins at 60.000 s") == 1


def test_a_live_source_starts_the_log_with_its_first_question(tmp_path, drive):
    path = tmp_path / "drive.log"
    write(path, drive)
    with open_vehicle(j1939(path), live=True) as vehicle:
        assert vehicle.at(5000.0).speed_kmh == pytest.approx(0, abs=0.01)
        assert vehicle.at(5003.0).speed_kmh == pytest.approx(30, abs=0.01)


def test_candump_under_another_name(tmp_path, drive):
    write(tmp_path / "drive.log", drive)
    renamed = (tmp_path / "drive.log").rename(tmp_path / "drive.txt")
    assert len(list(frames(renamed))) == len(drive)


def test_candump_as_printed_on_a_screen(tmp_path):
    path = tmp_path / "drive.log"
    path.write_text(
        " (1436509052.249713)  can0  18FEF100   [8]  FF 00 50 CF FF FF FF FF\n"
        " (1436509052.349713)  can0  123   [2]  01 02   '..'\n"
        " (1436509052.449713)  can0  123   [0]  remote request\n"
        " (1436509052.549713)  can0  18FEF100  [12]  FF 00 51 CF FF FF FF FF 00 00 00 00\n"
    )
    got = list(frames(path))
    assert [(round(t, 3), m.arbitration_id, m.is_extended_id) for t, m in got] == [
        (0.0, 0x18FEF100, True), (0.1, 0x123, False), (0.3, 0x18FEF100, True),
    ]  # fmt: skip
    with LogVehicle(j1939(path)) as vehicle:
        assert vehicle.at(0.05).speed_kmh == 80
        assert vehicle.at(0.3).speed_kmh == 81


VECTOR = """date Mon Oct 30 10:12:30.123 am 2023
base hex  timestamps absolute
internal events logged
Begin TriggerBlock Mon Oct 30 10:12:30.123 am 2023
   0.000000 Start of measurement
   0.010000 CAN 1 Status:chip status error active
   0.015991 1  18FEF100x       Rx   d 8 FF 00 50 CF FF FF FF FF  Length = 1 BitCount = 140
   0.020000 1  ErrorFrame
   0.025000 1  123             Tx   d 2 01 02
   0.026000 1  124             Rx   r
   0.120000 CANFD   1 Rx  18FEF100x  CCVS1  1 0 8  8 FF 00 52 CF FF FF FF FF 1 1 3000 e 4 4 2 2
   0.130000 SV: 2 0 1 ::System::Foo = 1
End TriggerBlock
"""


def test_asc_as_vectors_tools_write_it(tmp_path):
    path = tmp_path / "vector.asc"
    path.write_text(VECTOR)
    assert [m.arbitration_id for _, m in frames(path)] == [0x18FEF100, 0x123, 0x18FEF100]
    with LogVehicle(j1939(path)) as vehicle:
        assert vehicle.at(0.05).speed_kmh == 80
        assert vehicle.at(0.2).speed_kmh == 82


RELATIVE = """date Mon Oct 30 10:12:30.123 am 2023
base hex  timestamps relative
internal events logged
// a comment in Windows-1252: \xe4
Begin TriggerBlock Mon Oct 30 10:12:30.123 am 2023
   0.000000 Start of measurement
   0.010000 CAN 1 Status:chip status error active
   0.020000 1  18FEF100x       Rx   d 8 FF 00 50 CF FF FF FF FF
   0.030000 SV: 2 0 1 ::System::Foo = 1
   0.040000 1  18FEF100x       Rx   d 8 FF 00 51 CF FF FF FF FF
   0.500000 2  18FEF100x       Rx   d 8 FF 00 52 CF FF FF FF FF
End TriggerBlock
"""


def test_asc_with_times_from_event_to_event(tmp_path):
    """Also events that are no frames move the time on."""
    path = tmp_path / "relative.asc"
    path.write_bytes(RELATIVE.encode("cp1252"))
    assert [round(t_s, 6) for t_s, _ in frames(path)] == [0.0, 0.07, 0.57]
    with LogVehicle(j1939(path)) as vehicle:
        assert vehicle.at(0.06).speed_kmh == 80
        assert vehicle.at(0.08).speed_kmh == 81
        assert vehicle.at(0.6).speed_kmh == 82


def test_channels_are_called_as_the_log_calls_them(tmp_path):
    path = tmp_path / "relative.asc"
    path.write_text(RELATIVE)
    assert len(list(frames(path, "1"))) == 2
    assert len(list(frames(path, "2"))) == 1
    with pytest.raises(ConfigError, match=r"log_channel: .* no channel '3'; it has 1, 2"):
        list(frames(path, "3"))


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        ([" (2023-01-01 12:59:59.900000)  can0  18FEF100   [8]  FF 00 50 CF FF FF FF FF",
          " (2023-01-01 13:00:00.100000)  can0  18FEF100   [8]  FF 00 51 CF FF FF FF FF"],
         [0.0, 0.2]),  # -t A
        ([" (000.000000)  can0  18FEF100   [8]  FF 00 50 CF FF FF FF FF",
          " (000.100000)  can0  123   [2]  01 02", " (000.000100)  can0  124   [0]",
          " (000.100000)  can0  123   [2]  01 02", " (000.000100)  can0  124   [0]"],
         [0.0, 0.1, 0.1001, 0.2001, 0.2002]),  # -t d
        (["(000.100000) can0 123#01", "(000.000100) can1 123#01"] * 3,
         [0.0, 0.0001, 0.1001, 0.1002, 0.2002, 0.2003]),  # -t d of two buses
        ([" (000.000000)  can0  RX - -  18FEF100   [8]  FF 00 50 CF FF FF FF FF",
          " (000.100000)  can0  TX B E  123  [12]  00 00 00 00 00 00 00 00 00 00 00 00"],
         [0.0, 0.1]),  # -x
        (["(1436509052.100000) can0 123#0102 R", "can0 what is that", "",
          "(1436509052.200000) can0 123##1000102030405060708090A0B T",
          "(1436509052.250000) can0 123#R8", "(1436509052.260000) can0 20000088#0000000000000000",
          "(1436509052.300000) can0 123#01020304050607"],
         [0.0, 0.1, 0.2]),  # remote and error frames are no data; one line is damaged
    ],
)  # fmt: skip
def test_what_candump_prints(tmp_path, lines, times):
    path = tmp_path / "drive.log"
    path.write_text("\n".join(lines) + "\n")
    assert [t_s for t_s, _ in frames(path)] == pytest.approx(times, abs=1e-6)


def test_candump_without_times_says_how_to_record(tmp_path):
    path = tmp_path / "drive.log"
    path.write_text("  can0  123   [2]  01 02\n")
    with pytest.raises(ConfigError, match="no times; record it with candump -l"):
        list(frames(path))


def test_a_compressed_log(tmp_path, drive):
    path = tmp_path / "drive.log"
    write(path, drive)
    packed = tmp_path / "drive.log.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(list(frames(packed))) == len(drive)


def candump(folder, messages):
    """Write them with their times as they are; python-can's writer lets none fall."""
    path = folder / "drive.log"
    with path.open("w") as file:
        for each in messages:
            digits = 8 if each.is_extended_id else 3
            name = f"{each.arbitration_id:0{digits}X}"
            file.write(f"({each.timestamp:.6f}) can0 {name}#{each.data.hex()}\n")
    return path


@pytest.mark.parametrize("later_s", [-3600.0, -START_S, 1e9])
def test_a_clock_that_was_set_loses_nothing(tmp_path, drive, caplog, later_s):
    for message in drive[60:]:
        message.timestamp += later_s
    path = candump(tmp_path, drive)
    times = [t_s for t_s, _ in frames(path)]
    assert len(times) == len(drive)
    assert times == sorted(times)
    assert times[-1] == pytest.approx(9.8, abs=0.01)  # the step itself took no time
    assert caplog.text.count("was set by") == 1


def two_clocks(path, *, begin_s=(100.0, 50.05), channel="{}"):
    """Two buses of a message each 100 ms, in turn, each with a clock of its own."""
    rows = [(begin_s[c] + i / 10, channel.format(c + 1)) for i in range(50) for c in (0, 1)]
    if path.suffix == ".asc":
        lines = [f"   {t_s:.6f} {name}  123             Rx   d 1 01" for t_s, name in rows]
        lines = [*VECTOR.splitlines()[:3], *lines]
    else:
        lines = [f"({t_s:.6f}) {name} 123#01" for t_s, name in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("name", "channel"), [("two.asc", "{}"), ("two.log", "can{}")])
@pytest.mark.parametrize("begin_s", [(100.0, 50.05), (1.7e9, 50.05), (50.05, 1.7e9)])
def test_two_buses_with_a_clock_each(tmp_path, caplog, name, channel, begin_s):
    path = two_clocks(tmp_path / name, begin_s=begin_s, channel=channel)
    for number in (1, 2):
        times = [t_s for t_s, _ in frames(path, channel.format(number))]
        assert times == pytest.approx([i / 10 for i in range(50)], abs=1e-3)
    times = [t_s for t_s, _ in frames(path)]
    assert len(times) == 100
    assert times == pytest.approx(sorted(times), abs=1e-3)
    assert "has another clock" in caplog.text


def test_a_second_clock_that_is_ahead_is_told(tmp_path, caplog):
    """It may as well be a bus that was quiet at first."""
    path = two_clocks(tmp_path / "two.asc", begin_s=(50.05, 100.0))
    for number, first_s in ((1, 0.0), (2, 49.95)):
        times = [t_s for t_s, _ in frames(path, str(number))]
        assert times == pytest.approx([first_s + i / 10 for i in range(50)])
    assert "off by -49.850 s" in caplog.text
    assert "log_offset_s" in caplog.text


def test_a_clock_that_was_set_is_set_for_every_channel(tmp_path, caplog):
    """Also for one that had been quiet for longer than the step."""
    can0 = [(i, "can0") for i in range(100)]
    rows = sorted([*can0, (5.5, "can1"), (95.5, "can1")])
    lines = [f"({1000 + t_s - 30 * (t_s > 70):.6f}) {name} 123#01" for t_s, name in rows]
    path = tmp_path / "drive.log"
    path.write_text("\n".join(lines) + "\n")
    assert [t_s for t_s, _ in frames(path, "can1")] == pytest.approx([5.5, 94.5])
    assert caplog.text.count("was set") == 1


def test_frames_a_little_late_stay_as_they_are(tmp_path, drive, caplog):
    path = candump(tmp_path, [drive[2], drive[0], *drive[4:]])
    assert next(frames(path))[0] == 0.0
    assert [t_s for t_s, _ in frames(path)][1] == pytest.approx(-0.1)
    assert not caplog.records


def test_two_buses_with_the_same_messages_are_told(tmp_path, drive, caplog):
    for message in drive[::3]:
        message.channel = "can1"
    path = tmp_path / "drive.log"
    write(path, drive)
    assert len(list(frames(path))) == len(drive)
    assert "several of can0, can1; vehicle.log_channel picks one" in caplog.text
    caplog.clear()
    list(frames(path, "can1"))
    for message in drive:
        message.channel = f"can{message.is_extended_id:d}"
    write(path, drive)
    list(frames(path))
    assert not caplog.records


def test_a_mark_that_an_editor_put_first_costs_no_frame(tmp_path, drive):
    path = tmp_path / "drive.log"
    write(path, drive)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(list(frames(path))) == len(drive)


def test_one_channel_of_several(tmp_path, drive):
    drive[0].channel = "can1"
    path = tmp_path / "drive.log"
    write(path, drive)
    assert len(list(frames(path, "can0"))) == len(drive) - 1
    assert len(list(frames(path, "can1"))) == 1


def test_a_log_that_breaks_off_is_used_up_to_there(tmp_path, drive):
    path = tmp_path / "drive.log"
    write(path, drive)
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    got = list(frames(path))
    assert 0.4 * len(drive) < len(got) < 0.6 * len(drive)


def test_a_blf_that_is_cut_off_is_told(tmp_path, drive, caplog):
    path = tmp_path / "drive.blf"
    with can.BLFWriter(path, max_container_size=1000) as writer:
        for message in drive:
            writer.on_message_received(message)
    data = path.read_bytes()
    assert len(list(frames(path))) == len(drive)
    assert not caplog.records
    path.write_bytes(data[: data.index(b"LOBJ", len(data) // 2)])  # between two containers
    assert 0.2 * len(drive) < len(list(frames(path))) < 0.8 * len(drive)
    assert "drive.blf is cut off" in caplog.text


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.log", b"hello\n"), ("a.log", b""), ("a.blf", b"LOGG"), ("a.blf", b"x" * 500),
     ("a.asc", b"garbage\n"), ("a.xyz", b"1"), ("a.mf4", b"nothing")],
)  # fmt: skip
def test_not_a_log(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        list(frames(path))


def test_missing_log():
    with pytest.raises(ConfigError, match="there is no CAN log"), LogVehicle(j1939("none.blf")):
        pass


def test_a_recording_without_a_log_has_no_vehicle():
    assert open_vehicle(VehicleSettings(database="j1939"), live=False) is None
    assert open_vehicle(VehicleSettings(), live=True) is None
