"""The files that systemd reads, as far as this machine can judge them without booting."""

import json
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dms.config import load

ROOT = Path(__file__).parents[1]
SYSTEMD = ROOT / "systemd"
UNIT = (SYSTEMD / "dms.service").read_text()


def analyze(*arguments):
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)


def test_the_settings_that_ship_are_good_and_wait_for_the_bus():
    settings = load(SYSTEMD / "dms.yaml")
    assert settings.bridges[0].kind == "socketcan"
    assert settings.bridges[0].fault_file.startswith("/var/lib/dms/")  # the unit's StateDirectory
    assert "StateDirectory=dms" in UNIT.splitlines()


def test_the_system_tests_settings_are_good():
    assert load(ROOT / "tests/system/guest/etc/dms/dms.yaml").camera.fps == 5


def test_exposure_is_at_most_one_and_a_half_and_each_gap_has_its_reason():
    told = analyze("security", "--offline=true", "--no-pager", str(SYSTEMD / "dms.service"))
    if "unrecognized option" in told.stderr or "--offline" in told.stderr:
        pytest.skip("this systemd-analyze has no --offline")
    gaps = set(re.findall(r"^\N{BALLOT X} (\w+)=", told.stdout, re.MULTILINE))
    reasons = set(re.findall(r"\w+", " ".join(re.findall(r"^# (.*?):", UNIT, re.MULTILINE))))
    assert "PrivateNetwork" in gaps
    assert gaps <= reasons
    (level,) = re.findall(r"Overall exposure level for dms.service: ([\d.]+)", told.stdout)
    assert float(level) <= 1.5


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify", "WatchdogSec=10", "Restart=always", "RestartSec=500ms", "User=dms",
        "StartLimitIntervalSec=0", "ExecReload=/bin/kill -HUP $MAINPID", "NoNewPrivileges=yes",
    ],
)  # fmt: skip
def test_the_unit_says(line):
    assert line in UNIT.splitlines()


# What `systemd --dump-configuration-items` of 247 (Debian 11) lists, and PrivateIPC of 248. A new
# directive is looked up there before it is added here.
OF_SYSTEMD_249 = set(
    re.findall(
        r"\w+",
        """
    After AmbientCapabilities CacheDirectory CacheDirectoryMode CapabilityBoundingSet Description
    ExecStart PathExists RemainAfterExit
    DeviceAllow DevicePolicy Documentation Environment ExecReload Group IPAddressAllow
    IPAddressDeny KeyringMode LockPersonality MemoryDenyWriteExecute Nice NoNewPrivileges
    NotifyAccess OOMPolicy OOMScoreAdjust PrivateIPC PrivateMounts PrivateTmp PrivateUsers
    ProcSubset ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs
    ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem ReadWritePaths RemoveIPC
    Restart RestartSec RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID
    RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve StartLimitIntervalSec
    StateDirectory StateDirectoryMode SupplementaryGroups SystemCallArchitectures
    SystemCallErrorNumber SystemCallFilter TimeoutStartSec TimeoutStopSec Type UMask User WantedBy
    LimitCORE WatchdogSec WatchdogSignal
    """,
    )
)


@pytest.mark.parametrize(
    "name",
    ["dms.service", "jetson.conf", "dms-gpu.path", "dms-gpu.service", "dms-argus.path",
     "dms-argus.service"],
)  # fmt: skip
def test_nothing_newer_than_ubuntu_22_04s_systemd_is_used(name):
    used = set(re.findall(r"^(\w+)=", (SYSTEMD / name).read_text(), re.MULTILINE))
    assert used
    assert used <= OF_SYSTEMD_249
    assert "notify-reload" not in re.sub("#.*", "", UNIT)


@pytest.mark.parametrize("unit", sorted(path.name for path in SYSTEMD.glob("*.service")))
def test_no_unit_leaves_a_core_with_pictures_behind(unit):
    """The watchdog ends by SIGABRT. 1, not 0: a limit of 0 does not bind a collector at a pipe."""
    lines = (SYSTEMD / unit).read_text().splitlines()
    assert lines.index("[Service]") < lines.index("LimitCORE=1")


def test_the_kernel_writes_no_core_below_the_limit_of_the_units(tmp_path):
    """What an abort leaves in its folder, with the limit that the units set and without."""
    pattern = Path("/proc/sys/kernel/core_pattern")
    if not pattern.is_file() or pattern.read_text().strip() not in ("core", "core.%p"):
        pytest.skip("this machine writes cores elsewhere than where a program runs")
    abort = "import os, resource; hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; {}os.abort()"
    set_to = "resource.setrlimit(resource.RLIMIT_CORE, ({0}, {0})); "
    for limit in ("hard", "1"):
        folder = tmp_path / limit
        folder.mkdir()
        code = abort.format(set_to.format(limit))
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=False)
    if not list((tmp_path / "hard").iterdir()):
        pytest.skip("this machine writes no cores")
    assert list((tmp_path / "1").iterdir()) == []


def test_every_gap_on_the_jetson_is_a_listed_device_or_has_its_reason():
    lines = (SYSTEMD / "jetson.conf").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.endswith("=no") or line.endswith("=all"):
            assert lines[number - 1].startswith("#"), line
        if line.startswith("DeviceAllow="):
            assert re.fullmatch(r"DeviceAllow=(/dev/\S+|char-\w+) rw?", line), line


def test_a_build_that_is_killed_for_memory_does_not_stop_the_service():
    """systemd's default, "stop", would: restart, build, killed again, without end."""
    assert re.findall(r"^OOMPolicy=(\w+)$", UNIT, re.MULTILINE) == ["continue"]


def test_what_cuda_opens_on_a_jetson_is_let_in():
    """Traced on an Orin under JetPack 6; snapd's interface for Tegra lets in the same."""
    lines = (SYSTEMD / "jetson.conf").read_text().splitlines()
    for device in (
        "/dev/nvmap", "/dev/nvgpu/igpu0/ctrl", "/dev/host1x-fence", "char-drm",
        "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",  # Thor: devices.csv of L4T 39.2
    ):  # fmt: skip
        assert f"DeviceAllow={device} rw" in lines


def test_adapters_are_let_in_before_their_modules_are_loaded():
    """systemd looks names up in /proc/devices at the start; numbers it takes as they are."""
    allowed = re.findall(r"^DeviceAllow=char-(\S+) rw$", UNIT, re.MULTILINE)
    assert {"81", "188", "166"} <= set(allowed)
    names = {name for name in allowed if not name.isdigit()}
    assert names == {"media", "pts"}
    assert (SYSTEMD / "dms.modules.conf").read_text().splitlines()[1:] == ["mc", "videodev"]


def test_the_jetsons_drop_in_waits_for_what_brings_the_gpu():
    order = re.findall(r"^After=(.*)$", (SYSTEMD / "jetson.conf").read_text(), re.MULTILINE)
    assert {"nv-load-display-modules.service", "nv-load-gpu-libs.service"} <= set(order[0].split())


def jetson_setup(tmp_path, *arguments):
    """Run systemd/jetson over a folder that stands for /etc/systemd/system."""
    here, units = tmp_path / "opt", tmp_path / "system"
    here.mkdir(exist_ok=True)
    for name in ("jetson.conf", "dms-gpu.path", "dms-gpu.service", "dms-argus.path",
                 "dms-argus.service"):  # fmt: skip
        (here / name).write_bytes((SYSTEMD / name).read_bytes())
    script = (SYSTEMD / "jetson").read_text().replace("/etc/systemd/system", str(units))
    script = script.replace("/run/systemd/system", str(tmp_path / "no-systemd"))
    (here / "setup").write_text(script)
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "systemctl").write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {tmp_path}/asked\n')
    (tools / "systemctl").chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    subprocess.run(["sh", here / "setup", *arguments], check=True, env={"PATH": path})
    asked = tmp_path / "asked"
    told = asked.read_text() if asked.exists() else ""
    asked.unlink(missing_ok=True)
    return units, told


def test_a_jetson_gets_its_drop_in_and_helpers_and_loses_them_again(tmp_path):
    units, asked = jetson_setup(tmp_path)
    assert asked == "enable|dms-gpu.path|dms-argus.path|"
    files = sorted(str(file.relative_to(units)) for file in units.rglob("*") if file.is_file())
    assert files == ["dms-argus.path", "dms-argus.service", "dms-gpu.path", "dms-gpu.service",
                     "dms.service.d/jetson.conf"]  # fmt: skip
    jetson_setup(tmp_path, "--remove")
    assert not list(units.rglob("*"))


def test_the_late_gpus_device_files_are_added_to_the_running_service(tmp_path):
    units, _ = jetson_setup(tmp_path)
    conf = units / "dms.service.d/jetson.conf"
    conf.write_text("[Service]\nDeviceAllow=/dev/null rw\nDeviceAllow=/dev/none-such rw\n")
    (tmp_path / "opt/jetson.conf").write_text(conf.read_text())
    _, asked = jetson_setup(tmp_path, "--let-gpu-in")
    assert asked == "--runtime|set-property|dms.service|DeviceAllow=/dev/null rw|"


def test_the_rules_start_the_service_and_keep_modem_probes_away():
    rules = (SYSTEMD / "70-dms.rules").read_text()
    assert rules.count('ENV{SYSTEMD_WANTS}+="dms.service"') == 2
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rules
    assert all(rules.count(f'LABEL="{goto}"') == 1 for goto in re.findall(r'GOTO="(\w+)"', rules))


@pytest.mark.parametrize(
    "name",
    ["systemd/install", "systemd/stage", "systemd/dms", "systemd/jetson", "systemd/debian.postinst",
     "systemd/debian.prerm", "systemd/debian.postrm", "tools/build_deb", "tools/system-test"],
)  # fmt: skip
def test_scripts_are_executable_and_parse(name):
    path = ROOT / name
    assert path.stat().st_mode & stat.S_IXUSR
    shell = path.read_text().split("\n", 1)[0].removeprefix("#!").strip()
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["systemd/install", "systemd/stage", "tools/build_deb"])
def test_help_is_given_and_an_unknown_option_refused(name):
    path = str(ROOT / name)
    given = subprocess.run([path, "--help"], capture_output=True, text=True, check=False)
    assert given.returncode == 0
    assert "usage:" in given.stdout
    assert subprocess.run([path, "--nonsense"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("options", [["--can"], ["--can", "can0"], ["--can", "500000"]])
def test_an_interface_without_a_bit_rate_is_refused(options):
    done = subprocess.run(
        [str(SYSTEMD / "install"), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "can0:500000" in done.stderr


def test_networkd_for_can_does_not_hold_the_boot_up():
    """Enabled along with networkd, it waits two minutes where NetworkManager has the network."""
    text = (SYSTEMD / "install").read_text()
    after = text.split("systemctl enable systemd-networkd.service", 1)[1]
    assert "systemctl disable systemd-networkd-wait-online.service" in after


def test_the_can_interface_comes_back_by_itself_after_bus_off():
    """The keys are those of systemd.network(5); RestartSec is the kernel's restart-ms."""
    text = (SYSTEMD / "can.network").read_text()
    assert re.findall(r"^(\[?\w+\]?)", text, re.MULTILINE) == [
        "[Match]", "Name", "[Link]", "RequiredForOnline", "[CAN]", "BitRate", "RestartSec",
    ]  # fmt: skip
    assert "RestartSec=100ms" in text


def test_our_own_wheel_is_built_by_pinned_tools_alone():
    stage = (SYSTEMD / "stage").read_text()
    building = stage.index('--requirement "$here/systemd/build.lock"')
    assert building < stage.index("wheel --no-deps --no-build-isolation")
    lock = (SYSTEMD / "build.lock").read_text()
    assert re.findall(r"^setuptools==[\d.]+ \\\n +--hash=sha256:[0-9a-f]{64}$", lock, re.MULTILINE)
    assert len(re.findall(r"^\w", lock, re.MULTILINE)) == lock.count("--hash") == 1


def test_the_bill_of_materials_names_all_that_is_installed_with_its_hashes(tmp_path):
    wheel = tmp_path / "dms_jetson-1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    pinned = tmp_path / "requirements.txt"
    pinned.write_text("numpy==1.26.4 \\\n    --hash=sha256:" + "a" * 64 + "\n"
                      "Some_Thing==2.0 \\\n    --hash=sha256:" + "b" * 64 + " \\\n"
                      "    --hash=sha256:" + "c" * 64 + "\n")  # fmt: skip
    words = [sys.executable, str(SYSTEMD / "bill"), str(pinned), str(wheel)]
    bill = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert bill["metadata"]["component"]["name"] == "dms_jetson"
    assert [one["purl"] for one in bill["components"]] == [
        "pkg:pypi/numpy@1.26.4", "pkg:pypi/some-thing@2.0",
    ]  # fmt: skip
    assert len(bill["components"][1]["hashes"]) == 2
    pinned.write_text("numpy==1.26.4\n")
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0
    assert "/opt/dms/sbom.json" in (SYSTEMD / "stage").read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="only tells something without root")
def test_installing_without_root_is_refused():
    done = subprocess.run([SYSTEMD / "install"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sudo" in done.stderr


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12"])
def test_the_service_takes_pinned_versions_with_hashes_for_every_need(
    tmp_path, monkeypatch, version, machine
):
    import setuptools

    said = {}
    monkeypatch.setattr(setuptools, "setup", lambda **words: said.update(words))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    lines = [f"Requires-Dist: {need}" for need in said["install_requires"]]
    lines += [
        f'Requires-Dist: {need}; extra == "clips"' for need in said["extras_require"]["clips"]
    ]
    lines.append('Requires-Dist: plotly; extra == "bench"')
    wheel = tmp_path / "dms.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("dms.dist-info/METADATA", "\n".join(lines) + "\n\n")
    words = [sys.executable, "systemd/requirements", wheel, "--python-version", version]
    words += ["--machine", machine]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    entries = re.split(r"\n(?=\S)", text.strip())
    names = [entry.split("==")[0] for entry in entries]
    assert len(names) == len(set(names))
    assert {"numpy", "onnxruntime", "opencv-python-headless", "pyrage", "msgpack"} <= set(names)
    assert "plotly" not in names
    assert all("--hash=sha256:" in entry for entry in entries)
    without = subprocess.run(
        [*words, "--system-opencv"], check=True, capture_output=True, text=True
    )
    assert "opencv" not in without.stdout
    assert re.findall(r"^numpy==(.*) \\$", without.stdout, re.MULTILINE) == ["1.26.4"]
    assert re.findall(r"^numpy==2\.", text, re.MULTILINE)
    assert without.stdout.count("==") == len(entries) - 1
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("dms.dist-info/METADATA", "Requires-Dist: numpy>=9\n\n")
    refused = subprocess.run(words, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "make it again" in refused.stderr
