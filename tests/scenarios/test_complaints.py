"""Every complaint about such systems that DESIGN lists has a test of its own, here by its name."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FAQ = (TESTS.parent / "docs" / "faq.md").read_text(encoding="utf-8")
COMPLAINTS = {
    "looking at food or the phone read as sleep": (
        "scenarios/test_lids.py::test_a_look_down_at_food_is_told_as_away_or_closed",
        "scenarios/test_lids.py::test_a_look_down_of_the_eyes_alone_counts_as_away",
    ),
    "a nodding sleeper missed": (
        "scenarios/test_lids.py::test_a_nod_off_whose_lids_shut_first_is_a_microsleep_in_time",
        "scenarios/test_lids.py::test_a_nod_is_told_at_its_return",
        "test_observations.py::test_both_nod_offs_are_found_as_nods",
    ),
    "yawns told with a shut mouth": ("test_observations.py::test_no_yawn_with_a_shut_mouth",),
    "glasses or night infrared read as closed eyes": (
        "scenarios/test_eyes.py::test_glasses_at_night_are_not_closed_eyes",
        "tools/test_evaluate_fatigue.py::test_infrared_eyes_with_glasses_and_reflections_are_open",
    ),
    "sun glare, washed-out face": (
        "scenarios/test_hidden.py::test_washed_out_face_in_the_sun",
        "scenarios/test_eyes.py::test_squinting_into_the_sun_is_not_closing",
    ),
    "eyes closed with head forward and no alert": (
        "scenarios/test_eyes.py::test_eyes_closed_with_the_head_forward",
    ),
    "narrow eyes judged closed": (
        "scenarios/test_eyes.py::test_narrow_eyes_are_not_closed",
        "scenarios/test_eyes.py::test_narrow_eyes_that_do_close",
    ),
    "the passenger triggers alerts": (
        "perception/test_face.py::test_the_seat_region_decides_who_drives",
    ),
    "alerts at a red light": ("scenarios/test_traffic.py::test_red_light",),
    "not told that it is still learning": (
        "scenarios/test_eyes.py::test_not_told_that_it_is_still_learning",
    ),
    "sunglasses: an average eye is drawn and says open": (
        "scenarios/test_hidden.py::test_sunglasses_all_day",
    ),
    "a nodding sleeper leaves the frame and cancels his alarm": (
        "scenarios/test_hidden.py::test_sleepy_driver_drops_out_of_view",
    ),
    "camera read() true after unplug, or blocking for ever": (
        "camera/test_opencv_stream.py::"
        "test_a_read_that_goes_on_saying_true_after_the_unplug_is_a_lost_camera",
        "camera/test_live.py::test_a_read_that_blocks_for_ever_is_lost_and_left_behind",
        "scenarios/test_standing.py::test_camera_unplugged",
    ),
    "ttyUSB number changes": (
        "bridge/test_canbridge.py::test_fifty_times_unplugged_and_plugged_in_again",
    ),
    "bus-off never recovers": (
        "bus/test_link.py::test_bus_off_is_told_until_the_bus_is_heard_again",
    ),
    "notifier thread dies on the first exception": (
        "bus/test_link.py::test_an_unexpected_error_while_receiving_is_survived",
        "bus/test_link.py::test_a_listener_that_raises_costs_neither_the_bus_nor_the_next_frame",
    ),
    "systemd start limit leaves the service dead": ("test_systemd.py::test_the_unit_says",),
    "first engine build silent for minutes": (
        "commands/test_engine.py::test_progress_of_a_long_phase_off_a_terminal_is_heard_of",
    ),
    "engine of another TensorRT version crashes at load": (
        "engine/test_tensorrt.py::test_a_plan_of_another_version_is_refused_with_its_reason",
    ),
}


@cache
def names(file: str) -> frozenset[str]:
    """Return the test functions of a file."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_complaint_has_its_tests(complaint: str) -> None:
    for place in COMPLAINTS[complaint]:
        file, _, name = place.partition("::")
        assert name in names(file), f"{place} is gone: name its successor here"


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_the_page_of_questions_links_a_test_of_each_complaint(complaint: str) -> None:
    files = {place.partition("::")[0] for place in COMPLAINTS[complaint]}
    assert any(f"](../tests/{file})" in FAQ for file in files)
