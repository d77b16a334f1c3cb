import numpy as np
import pytest

from tools.evaluation.figures import (
    accuracy,
    auroc,
    balanced_accuracy,
    calibration_error,
    interval,
    rounded,
)


def test_balanced_accuracy_does_not_reward_the_common_class():
    truth = np.array([0] * 90 + [1] * 10)
    assert accuracy(np.zeros(100), truth) == 0.9
    assert balanced_accuracy(np.zeros(100), truth) == 0.5
    assert np.isnan(balanced_accuracy(np.zeros(3), np.zeros(3)))


def test_auroc_counts_pairs_and_half_of_ties():
    score = np.array([0.9, 0.5, 0.5, 0.1])
    assert auroc(score, np.array([True, False, True, False])) == pytest.approx(0.875)
    assert auroc(-score, np.array([True, True, False, False])) == pytest.approx(0.125)
    assert np.isnan(auroc(score, np.zeros(4, bool)))


def test_calibration_error_is_the_gap_between_said_and_true():
    confidence = np.full(1000, 0.8)
    right = np.arange(1000) < 600
    assert calibration_error(confidence, right) == pytest.approx(0.2)
    assert calibration_error(np.ones(4), np.ones(4, bool)) == 0


def test_interval_holds_the_figure_and_shrinks_with_more_data():
    values = np.random.default_rng(1).random(400) < 0.7
    low, high = interval(lambda i: values[i].mean(), len(values))
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.21 / 400), rel=0.15)


def test_interval_over_people_is_wider_when_people_differ():
    people = np.repeat(np.arange(8), 50)
    values = np.repeat([0, 0, 0, 0, 1, 1, 1, 1], 50)
    alone = np.subtract(*interval(lambda i: values[i].mean(), 400)[::-1])
    by_people = np.subtract(*interval(lambda i: values[i].mean(), 400, people)[::-1])
    assert by_people > 3 * alone


def test_of_nothing_there_is_no_interval_and_no_calibration():
    assert interval(lambda i: 1.0, 0) is None
    assert interval(lambda i: float("nan"), 3) is None
    assert np.isnan(calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_nothing_measured_is_none():
    assert rounded(float("nan")) is None
    assert rounded(0.123456) == 0.1235
