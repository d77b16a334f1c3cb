"""The lines that tell one Jetson from another, over files as they lie on one."""

from __future__ import annotations

import pytest

from dms.engine.board import board

ORIN = {
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, "
    "EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n",
    "proc/device-tree/model": "NVIDIA Jetson Orin NX Engineering Reference Developer Kit\0",
    "var/lib/nvpmodel/status": "pmode:0002",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "729600",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1984000",
    "sys/class/devfreq/17000000.gpu/cur_freq": "306000000",
    "sys/class/devfreq/17000000.gpu/max_freq": "918000000",
    "usr/local/cuda/version.json": '{"cuda" : {"name" : "CUDA SDK", "version" : "12.6.11"}}',
}


@pytest.fixture
def root(tmp_path):
    def laid(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return laid


def test_a_jetson_is_told_with_revision_module_mode_and_clocks(root):
    told = dict(board(root(ORIN)))
    assert told["system"].endswith("L4T R36.4.3")  # not R36 alone: JetPack 6.0 or 6.2
    assert told["module"] == "NVIDIA Jetson Orin NX Engineering Reference Developer Kit"
    assert told["power mode"] == "pmode:0002"
    assert told["clocks"] == "CPU 729 of 1984 MHz, GPU 306 of 918 MHz"
    assert told["CUDA"] == "12.6.11"


def test_what_a_board_does_not_say_is_unknown(root):
    told = dict(board(root({"etc/nv_tegra_release": "# R38 (release), REVISION: 2.0, GCID: 1"})))
    assert told["system"].endswith("L4T R38.2.0")
    assert told["power mode"] == "unknown: nvpmodel -q"
    assert told["clocks"] == told["CUDA"] == "unknown"


def test_a_machine_that_is_no_jetson_has_no_modes(tmp_path):
    assert [what for what, _ in board(tmp_path)] == ["system", "module"]


def test_a_clock_that_the_kernel_does_not_know_is_left_out(tmp_path):
    cpu = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    cpu.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3")
    (cpu / "scaling_cur_freq").write_text("<unknown>\n")
    (cpu / "scaling_max_freq").write_text("1728000\n")
    assert dict(board(tmp_path))["clocks"] == "unknown"
