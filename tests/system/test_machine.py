"""The service in a booted machine: real kernel, systemd, V4L2 and CAN (tools/system-test).

Emulation is slow, so behaviour is asserted, not speed. The tests run in the order they stand in,
on one machine; those of the short form have "short" in their names.
"""

import itertools
import os
import re
from pathlib import Path

import pytest

from tests.system.machine import Machine

IMAGE = os.environ.get("DMS_SYSTEM_IMAGE")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(IMAGE is None, reason="needs a machine to boot: tools/system-test"),
]
FAULT = 3
ACTIVE = "systemctl is-active dms"
PID = "systemctl show dms -p MainPID --value"
SEES = 'view | grep -vq \'"unseen": "starting"\''  # loaded: the watchdog's time is the unit's
FAULTS = (
    "sqlite3 -readonly /var/lib/dms/events.db \"select count(*) from events where kind = 'fault'\""
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    made = Machine(Path(IMAGE), tmp_path_factory.mktemp("machine"))
    made.boot()
    yield made
    made.stop()


def state_frames(machine, count=12, seconds=60):
    """Return the bytes of DMS_State frames (0x401) as candump prints them, with their times."""
    out = machine.run(
        f"timeout {seconds} candump -t a -n {count} vcan0,401:7FF", seconds + 30
    ).output
    found = re.findall(r"\(([\d.]+)\)\s+vcan0\s+401\s+\[8\]\s+((?:[0-9A-F]{2} ?){8})", out)
    return [(float(t), bytes.fromhex(data.replace(" ", ""))) for t, data in found]


def health(machine):
    """0 off, 1 ok, 2 degraded, 3 fault."""
    return state_frames(machine, 1)[-1][1][7] >> 2 & 0x3


def reload(machine):
    """Have the settings read again and wait until they are."""
    count = "journalctl -u dms -o cat | grep -c 'settings were read again'"
    before = int(machine.run(count).output)
    machine.check("systemctl reload dms")
    machine.wait(f"[ $({count}) -gt {before} ]", 200)


def test_short_the_service_starts_and_is_notified(machine):
    machine.wait(ACTIVE, 900)
    shown = machine.check("systemctl show dms -p Type,ActiveState,SubState,StatusText,User")
    assert "Type=notify" in shown
    assert "SubState=running" in shown
    assert "User=dms" in shown
    machine.wait("journalctl -u dms -o cat | grep -q 'Ready. running'", 300)


def test_short_candump_sees_cyclic_state_with_running_counters(machine):
    frames = state_frames(machine)
    assert len(frames) == 12
    counters = [data[1] & 0xF for _, data in frames]
    assert all((b - a) % 16 == 1 for a, b in itertools.pairwise(counters)), counters
    assert len({data[0] for _, data in frames}) > 4  # the CRC follows
    assert health(machine) in (1, 2)


def test_the_crc_is_profile_2(machine):
    (_, data), *_ = state_frames(machine, 3)
    out = machine.check(
        "PYTHONPATH=/opt/dms/lib python3 -c '"
        "from dms.bridge.codec import Codec; c = Codec(); "
        f'print(c._checkers["DMS_State"].check(bytes.fromhex("{data.hex()}")))\''
    )
    assert re.search(r"OK|INITIAL|FIRST", out, re.IGNORECASE), out


def test_a_real_v4l2_device_delivers_gray_of_every_depth_with_driver_stamps(machine):
    machine.check("systemctl stop dms", 200)
    for extra, backend in (("", "OpenCvV4l2"), (":/opt/linuxpy", "V4l2Device")):
        out = machine.check(f"PYTHONPATH=/opt/dms/lib{extra} python3 /root/cameras.py", 600)
        lines = out.strip().splitlines()
        assert [line.split()[0] for line in lines] == ["GREY", "Y10", "Y16", "YUYV", "gain"]
        assert lines.pop() == "gain 0.5 None"
        for line in lines:
            found = re.fullmatch(rf"\w+ {backend} \(180, 320\) uint8 (\d+) True True", line)
            assert found, line
            assert 45 < int(found.group(1)) < 75  # vivid's bars, whatever the depth
    machine.check("systemctl start --no-block dms")
    machine.wait(ACTIVE, 900)


def test_the_picture_arrives_in_the_service_as_an_unprivileged_user(machine):
    machine.wait("view", 300)
    seen = machine.check("dms view --once --json", 300)
    assert '"fps"' in seen
    assert machine.check("ps -o user= -p $(" + PID + ")").strip() == "dms"
    status = machine.check("cat /proc/$(" + PID + ")/status")
    assert re.search(r"CapEff:\s+0{16}", status)
    assert re.search(r"NoNewPrivs:\s+1", status)
    assert re.search(r"Seccomp:\s+2", status)
    assert machine.check("stat -c '%a %U %G' /run/dms/view.sock").split() == ["660", "dms", "dms"]
    assert "dms_frames_per_second" in machine.check("cat /run/dms/metrics.prom")


def test_exposure_as_installed(machine):
    out = machine.check("systemd-analyze security dms.service --no-pager | tail -1")
    assert float(re.search(r"([\d.]+) \w+", out).group(1)) <= 1.5, out


def test_a_broken_file_at_reload_keeps_the_old_settings(machine):
    pid = machine.check(PID)
    machine.check("cp /etc/dms/dms.yaml /root/good.yaml")
    machine.check("echo 'camera: {fps: many}' > /etc/dms/dms.yaml; systemctl reload dms")
    machine.wait("journalctl -u dms -o cat | grep -q 'settings are refused.*dms.yaml:1'", 120)
    assert machine.check(PID) == pid
    assert state_frames(machine, 3)
    machine.check("cp /root/good.yaml /etc/dms/dms.yaml")
    reload(machine)
    assert machine.check(PID) == pid


def test_the_nets_load_inside_the_hardened_service(machine):
    pid = machine.check(PID)
    machine.check("sed -i '/^nets:/d' /etc/dms/dms.yaml")
    reload(machine)
    machine.wait("grep -q onnxruntime /proc/$(" + PID + ")/maps", 400)
    machine.wait('view | grep -q \'"status": "running\'', 400)
    assert machine.run("journalctl -u dms -o cat | grep -i 'engine'").code == 1
    machine.check("cp /root/good.yaml /etc/dms/dms.yaml")
    reload(machine)
    machine.wait('view | grep -q \'"status": "running\'', 400)
    assert machine.check(PID) == pid


def test_the_camera_goes_and_comes_back_without_a_restart(machine):
    pid = machine.check(PID)
    count = "journalctl -u dms -o cat | grep '^Fault: camera'"
    before = machine.run(count).output.splitlines()
    # The service holds the device open; unbinding is what pulling the plug is.
    machine.check("echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind")
    machine.wait("view | grep -q 'camera: '", 200)
    assert health(machine) == FAULT
    machine.check("echo vivid.0 > /sys/bus/platform/drivers/vivid/bind")
    machine.wait("view | grep -vq 'camera: '", 300)
    machine.wait("journalctl -u dms -o cat | grep -q 'Over: camera'", 300)
    assert machine.check(PID) == pid
    told = machine.run(count).output.splitlines()[len(before) :]
    assert len(told) == 1, told
    assert machine.check("journalctl -u dms DMS_KIND=fault DMS_LEVEL=2 -o cat").strip()
    machine.wait(f"[ $({FAULTS}) -gt 0 ]")


def show(machine, pattern, text):
    """Choose vivid's test pattern; ``text`` 0 runs the time over it, 2 leaves it still."""
    machine.check(f"v4l2-ctl -d /dev/video0 -c test_pattern={pattern},osd_text_mode={text}")


def test_a_frozen_picture_is_told_once_and_over_when_it_moves(machine):
    pid = machine.check(PID)
    count = "journalctl -u dms -o cat | grep -c '^Fault: camera.*frozen'"
    show(machine, 0, 2)
    machine.wait("view | grep -q 'picture is frozen'", 300)
    assert health(machine) == FAULT
    machine.run("sleep 30")  # it is opened again and again meanwhile, and no less frozen
    assert machine.run(count).output.strip() == "1"
    show(machine, 0, 0)
    machine.wait("view | grep -vq 'camera: '", 300)
    assert machine.check(PID) == pid


@pytest.mark.parametrize(("pattern", "words"), [(5, "dark"), (6, "overexposed")])
def test_a_covered_or_blinded_camera_is_told_and_no_lost_one(machine, pattern, words):
    pid = machine.check(PID)
    show(machine, pattern, 2)
    machine.wait(f'view | grep -q \'"unseen": "{words}"\'', 200)
    machine.wait('view | grep -q \'"kind": "degraded"\'', 200)
    assert "camera: " not in machine.check("view")
    show(machine, 0, 0)
    machine.wait(f'view | grep -vq \'"unseen": "{words}"\'', 300)
    assert machine.check(PID) == pid


def test_a_format_that_the_camera_lacks_is_told_once_until_it_is_mended(machine):
    pid = machine.check(PID)
    count = "journalctl -u dms -o cat | grep -c '^Fault: camera'"
    before = int(machine.run(count).output)
    machine.check("sed -i 's/pixel_format: GREY/pixel_format: MJPG/' /etc/dms/dms.yaml")
    reload(machine)
    machine.wait("view | grep -q 'offers none of MJPG'", 300)
    machine.wait(f"[ $({count}) -gt {before} ]", 300)  # a fault once ready_s has passed
    machine.run("sleep 10")
    assert int(machine.run(count).output) == before + 1
    machine.check("cp /root/good.yaml /etc/dms/dms.yaml")
    reload(machine)
    machine.wait("view | grep -vq 'camera: '", 300)
    assert machine.check(PID) == pid


def test_the_bus_goes_down_and_comes_back_without_a_restart(machine):
    pid = machine.check(PID)
    machine.check("ip link set vcan0 down")
    machine.wait("view | grep -q 'bridge: '", 120)
    machine.check("ip link set vcan0 up")
    machine.wait("view | grep -vq 'bridge: '", 120)
    assert len(state_frames(machine, 5)) == 5
    assert machine.check(PID) == pid


def test_our_serial_frames_become_can_frames_through_slcand(machine):
    machine.check("systemd-run -G -u cable python3 /root/pty_pair.py")
    machine.wait("test -L /run/slcan-host", 60)
    machine.check("systemd-run -G -u slcand slcand -F -o -s6 $(readlink /run/slcan-host) slcan0")
    machine.wait("ip link set slcan0 up", 60)
    machine.check(
        "systemd-run -G -u sender -E PYTHONPATH=/opt/dms/lib python3 /root/slcan_sender.py"
    )
    out = machine.run("timeout 200 candump -n 5 slcan0,401:7FF", 230).output
    assert out.count("401   [8]") == 5, out + machine.run("journalctl -u sender -n 20").output
    machine.run("systemctl stop sender slcand cable")


def plug_adapter(machine):
    """Start a cable with somebody who reads at its other end; return the pty's name on our end."""
    machine.check("rm -f /run/slcan-*; systemd-run -G -u cable python3 /root/pty_pair.py")
    machine.wait("test -L /run/slcan-host", 60)
    machine.check("systemd-run -G -u reader sh -c 'cat /run/slcan-host > /dev/shm/heard'")
    return machine.check("readlink /run/slcan-dms")


def test_a_serial_adapter_goes_and_comes_back_under_another_number(machine):
    pid = machine.check(PID)
    heard = "grep -aq t401 /dev/shm/heard"
    count = "journalctl -u dms -o cat | grep -c '^Fault: bridge'"
    first = plug_adapter(machine)
    adapter = "  - {kind: slcan, channel: /run/slcan-dms}"
    machine.check(f"sed -i 's|^service:|{adapter}\\nservice:|' /etc/dms/dms.yaml")
    reload(machine)
    machine.wait(heard, 300)
    before = int(machine.run(count).output)
    machine.check("systemctl stop cable reader; rm -f /dev/shm/heard")
    machine.wait("view | grep -q 'bridge: '", 200)
    hold = "import os, time; os.openpty(); time.sleep(600)"  # so that another number is free
    machine.check(f'systemd-run -G -u holder python3 -c "{hold}"; sleep 5')
    assert plug_adapter(machine) != first
    machine.wait(heard, 300)
    machine.wait("view | grep -vq 'bridge: '", 200)
    assert int(machine.run(count).output) == before + 1
    machine.check("cp /root/good.yaml /etc/dms/dms.yaml")
    reload(machine)
    machine.run("systemctl stop cable reader holder")
    assert machine.check(PID) == pid


def test_kill_is_followed_by_a_restart(machine):
    pid = machine.check(PID)
    stored = int(machine.check(FAULTS))
    machine.check(f"kill -9 {pid}")
    machine.wait(f"[ $({PID}) != {pid.strip()} ] && {ACTIVE}", 400)
    assert state_frames(machine, 3)
    assert int(machine.check(FAULTS)) >= stored > 0


def test_short_a_stopped_process_is_restarted_by_the_watchdog(machine):
    machine.wait(SEES, 400)
    pid = machine.check(PID)
    count = "journalctl -u dms -o cat | grep -c 'Watchdog timeout'"
    before = int(machine.run(count).output)
    machine.check(f"kill -STOP {pid}")
    machine.wait(f"[ $({count}) = {before + 1} ]", 400)
    machine.wait(f"[ $({PID}) != {pid.strip()} ] && {ACTIVE}", 400)


def test_stopping_sends_off_last(machine):
    machine.wait(SEES, 400)
    dump = "stdbuf -oL candump -L vcan0,401:7FF > /root/last.log"
    machine.check(f"systemd-run -u last sh -c '{dump}'; sleep 5")
    machine.check("systemctl stop dms", 100)
    assert "Result=success" in machine.check("systemctl show dms -p Result")  # not killed
    last = machine.check("sleep 2; systemctl stop last; tail -1 /root/last.log").strip()
    data = bytes.fromhex(last.split("#")[1])
    assert data[7] >> 2 & 0x3 == 0, last


def test_a_corrupt_store_is_set_aside_and_told_at_the_start(machine):
    machine.check("systemctl stop dms; echo nonsense > /var/lib/dms/events.db", 200)
    machine.check("systemctl start --no-block dms")
    machine.wait(ACTIVE, 900)
    machine.wait("journalctl -u dms -o cat | grep -q 'events.db is corrupt.*set aside as'", 200)
    assert machine.check("cat /var/lib/dms/events.db.corrupt-*").strip() == "nonsense"
    machine.wait(FAULTS)  # a new one has been begun
    machine.wait("journalctl -u dms -o cat | grep -q '^Fault: store: the file was damaged'", 200)


def test_a_full_disk_is_told_on_the_bus_and_alerts_go_on(machine):
    machine.check("systemctl stop dms; mount -t tmpfs -o size=2M tmpfs /var/lib/dms", 200)
    machine.check("systemctl start --no-block dms")
    machine.wait(ACTIVE, 900)
    machine.wait("sqlite3 -readonly /var/lib/dms/events.db 'select count(*) from drives'", 200)
    machine.run("dd if=/dev/zero of=/var/lib/dms/filler bs=4k")
    machine.wait("view | grep -q 'store: .*full'", 300)
    assert health(machine) in (1, 2)  # the driver is watched
    machine.wait("journalctl -u dms DMS_KIND=fault DMS_LEVEL=1 -o cat | grep -q 'store: '", 60)
    machine.check("rm /var/lib/dms/filler")
    machine.wait("view | grep -vq 'store: '", 300)
    machine.wait(f"[ $({FAULTS}) -gt 0 ]", 60)  # what waited is stored
    machine.check("systemctl stop dms; umount /var/lib/dms; systemctl start --no-block dms", 200)


def test_a_lamp_that_the_owner_names_burns_and_goes_dark_when_the_service_hangs(machine):
    led = machine.check("basename $(ls -d /sys/class/leds/*::capslock | head -1)").strip()
    burns = f"[ $(cat /sys/class/leds/{led}/brightness) -gt 0 ]"
    machine.check(
        "cat > /etc/udev/rules.d/60-dms-lamp.rules <<'EOF'\n"
        f'ACTION!="remove", SUBSYSTEM=="leds", KERNEL=="{led}", ENV{{DMS_LAMP}}="1"\n'
        "EOF\n"
        "udevadm control --reload; udevadm trigger --action=add --subsystem-match=leds\n"
        "printf '[Service]\\nReadWritePaths=-/sys/class/leds/%s\\n' "
        f"{led} > /etc/systemd/system/dms.service.d/lamp.conf; systemctl daemon-reload"
    )
    machine.wait(f"[ $(stat -c %G /sys/class/leds/{led}/pattern) = dms ]", 60)
    lamp = f"  lamp: {{led: '{led}', on_below: 255, off_above: 255, hold_s: 20, change_s: 0}}"
    machine.check("cp /etc/dms/dms.yaml /root/good.yaml")
    machine.check(f'echo "{lamp}" >> /etc/dms/dms.yaml; systemctl restart --no-block dms')
    machine.wait(burns, 900)
    assert "lamp: " not in machine.check("view")
    pid = machine.check(PID).strip()
    machine.check(f"kill -STOP {pid}")
    machine.wait(f"! {burns}", 80)
    assert machine.check(PID).strip() == pid  # dark by the kernel, before the watchdog comes
    machine.check(
        "cp /root/good.yaml /etc/dms/dms.yaml; rm /etc/systemd/system/dms.service.d/lamp.conf"
    )
    machine.check(f"systemctl daemon-reload; kill -9 {pid}; systemctl restart --no-block dms")


def test_short_a_power_cut_loses_nothing_acknowledged(machine):
    machine.wait("view", 900)
    machine.check(
        "cat > /root/drive.py <<'EOF'\n"
        "from pathlib import Path\n"
        "from dms.store.events import EventStore, StoreSettings\n"
        "from dms.values import Event, Kind, Level\n"
        "with EventStore(Path('/var/lib/dms/drive.db'), StoreSettings()) as store:\n"
        "    drive = store.begin_drive()\n"
        "    for number in range(10**6):\n"
        "        event = Event(float(number), Kind.FAULT, Level.WARNING, 'a drive')\n"
        "        done = store.add([event], drive)[0]\n"
        "        Path('/dev/shm/acknowledged').write_text(str(done))\n"
        "EOF\n"
        "systemd-run -u drive -E PYTHONPATH=/opt/dms/lib python3 /root/drive.py"
    )
    machine.wait("[ $(cat /dev/shm/acknowledged) -gt 30 ]", 200)
    acknowledged = int(machine.check("cat /dev/shm/acknowledged"))
    machine.cut_power()
    machine.boot()
    kept = machine.check("dms events export --store /var/lib/dms/drive.db | wc -l", 300)
    assert int(kept) >= acknowledged
    machine.wait(ACTIVE, 900)
    drives = machine.check("dms events drives --store /var/lib/dms/events.db", 300)
    assert "power cut" in drives


def opening(machine, node):
    """Return what opening a device file says to a process in the service's own control group."""
    inside = "echo $$ > /sys/fs/cgroup/system.slice/dms.service/cgroup.procs"
    return machine.run(f"sh -c '{inside} && exec dd if={node} of=/dev/null count=0' 2>&1").output


DENIED = "Operation not permitted"


def test_what_is_plugged_in_after_the_start_is_let_in(machine):
    """The modules of camera and adapters come after the service: systemd knew no names of them."""
    machine.check("systemctl stop dms; modprobe -r vivid; true")
    unload = (
        "for m in $(lsmod | grep -oE '^(video|v4l2|cec|mc)\\w*'); do rmmod $m 2> /dev/null; done"
    )
    gone = "! grep -qE 'video4linux|ttyUSB|ttyACM' /proc/devices"
    machine.wait(f"{unload}; {gone}", 120)  # one needs the other: a few rounds
    machine.check("systemctl start --no-block dms")
    machine.wait(ACTIVE, 900)
    pid = machine.check(PID)
    machine.check("mknod /dev/ttyUSB9 c 188 9; mknod /dev/ttyACM9 c 166 9; mknod /dev/fd9 b 2 0")
    assert DENIED not in opening(machine, "/dev/ttyUSB9")  # no such device, as there is none
    assert DENIED not in opening(machine, "/dev/ttyACM9")
    assert DENIED in opening(machine, "/dev/fd9")  # the list itself is in force
    machine.check("rm /dev/ttyUSB9 /dev/ttyACM9 /dev/fd9; modprobe vivid")
    machine.wait("journalctl -u dms -o cat -b | grep -q 'Over: camera'", 600)
    machine.wait("view | grep -vq 'camera: '", 300)
    assert machine.check(PID) == pid


def test_a_jetsons_gpu_may_come_late_and_its_camera_daemon_is_restarted(machine):
    """Fake device files and a fake daemon: what is proved is the units, not the drivers."""
    machine.check("/opt/dms/jetson/setup", 120)
    machine.check("systemctl restart --no-block dms")
    machine.wait(ACTIVE, 900)
    pid = machine.check(PID)
    node = "/dev/nvgpu/igpu0/ctrl"  # of a major that nothing else in the unit's list has
    machine.check("mkdir -p /dev/nvgpu/igpu0; mknod /dev/nvgpu/igpu0/other c 10 200")
    assert DENIED in opening(machine, "/dev/nvgpu/igpu0/other")
    machine.check(f"mv /dev/nvgpu/igpu0/other {node}")
    machine.wait("systemctl is-active dms-gpu.service", 120)
    assert DENIED not in opening(machine, node)
    assert machine.check(PID) == pid  # no restart
    machine.check(
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' "
        "> /etc/systemd/system/nvargus-daemon.service; systemctl daemon-reload; "
        "systemctl start nvargus-daemon"
    )
    before = machine.check("systemctl show nvargus-daemon -p InvocationID")
    ask = "setpriv --reuid=dms --clear-groups touch /run/dms/argus-restart"  # as the service does
    machine.check(ask)
    now = '"$(systemctl show nvargus-daemon -p InvocationID)"'
    machine.wait(f"[ {now} != '{before.strip()}' ]", 120)
    assert machine.run("ls /run/dms/argus-restart").code != 0
    after = machine.check("systemctl show nvargus-daemon -p InvocationID")
    machine.check(f"{ask}; sleep 10")
    assert machine.check("systemctl show nvargus-daemon -p InvocationID") == after  # once a minute
    machine.check("/opt/dms/jetson/setup --remove")
    assert machine.run("systemctl cat dms-gpu.path").code != 0


def test_the_package_leaves_settings_and_events_until_it_is_purged(machine):
    machine.check("dpkg -r dms", 600)
    assert machine.run(ACTIVE).code != 0
    assert machine.run("ls -d /opt/dms /usr/bin/dms").output.count("No such file") == 2
    machine.check("ls /etc/dms/dms.yaml /var/lib/dms/events.db")
    machine.check("dpkg -P dms", 600)
    assert machine.run("ls -d /etc/dms /var/lib/dms").output.count("No such file") == 2
