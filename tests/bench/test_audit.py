import cv2
import numpy as np
import pytest

pytest.importorskip("fairlearn", reason="the extra 'audit' is not installed")

from dms.bench.audit import AuditSettings, as_table, compare, groupings, measure, read_manifest
from dms.chain import Chain
from dms.cli import main
from dms.config import load
from dms.errors import ConfigError

HOW = AuditSettings(draws=200)


def people(count=200, **columns):
    return [
        {"file": f"{i}.png", **{name: make(i) for name, make in columns.items()}}
        for i in range(count)
    ]


def shares(rows, rate, seed=1):
    chance = np.random.default_rng(seed)
    return np.array([float(chance.random() < rate(row)) for row in rows])


def test_a_planted_gap_is_found_with_its_size_and_intervals():
    rows = people(glasses=lambda i: "yes" if i % 2 else "no")
    values = {"failed": shares(rows, lambda row: 0.4 if row["glasses"] == "yes" else 0.05)}
    (finding,) = compare(rows, values, HOW)
    assert (finding.by, finding.metric, finding.beyond_chance) == ("glasses", "failed", True)
    assert finding.gap == pytest.approx(0.35, abs=0.1)
    groups = {group.name: group for group in finding.groups}
    assert groups["yes"].count == 100
    assert groups["yes"].low < groups["yes"].share < groups["yes"].high
    assert groups["no"].high < groups["yes"].low
    assert "**" in as_table([finding], "glasses")


def test_no_gap_is_made_of_noise():
    rows = people(group=lambda i: "abcd"[i % 4])
    found = [compare(rows, {"failed": shares(rows, lambda _: 0.2, s)}, HOW)[0] for s in range(8)]
    assert sum(one.beyond_chance for one in found) <= 1


def test_a_person_counts_once_however_many_pictures_there_are():
    rows = people(120, group=lambda i: "a" if i < 100 else "b", subject=lambda i: str(i // 10))
    values = {"failed": np.array([float(i < 10) for i in range(120)])}
    finding = compare(rows, values, AuditSettings(draws=200, least=2))[0]
    groups = {group.name: group for group in finding.groups}
    assert (groups["a"].count, groups["b"].count) == (10, 2)
    assert groups["a"].share == pytest.approx(0.1)
    assert not finding.beyond_chance


def test_ages_are_grouped_and_columns_crossed_and_small_groups_left_out():
    rows = people(40, age=lambda i: str(20 + i), gender=lambda i: "fm"[i % 2],
                  night=lambda i: "yes" if i < 3 else "no")  # fmt: skip
    found = groupings(rows, HOW)
    assert set(found) == {"gender", "night", "gender x night", "age"}
    assert sorted(set(found["age"])) == ["30 to 44", "45 to 59", "below 30"]
    values = {"failed": np.zeros(40)}
    assert {one.by for one in compare(rows, values, HOW)} == {"gender", "gender x night", "age"}


def test_unknown_values_are_left_out_not_counted_as_good():
    rows = people(40, group=lambda i: "ab"[i % 2])
    column = np.array([np.nan if i % 4 == 0 else 1.0 for i in range(40)])
    (finding,) = compare(rows, {"failed": column}, HOW)
    assert {group.name: group.count for group in finding.groups} == {"a": 10, "b": 20}
    assert all(group.share == 1.0 for group in finding.groups)


def test_pictures_go_through_the_chain(tmp_path, portrait):
    blank = np.full((240, 320), 90, np.uint8)
    for name, picture in (("face", portrait), ("none", blank)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    table = tmp_path / "faces.csv"
    table.write_bytes(b"\xef\xbb\xbffile,group\r\nface.png,a\r\nnone.png,b\r\n")
    rows = read_manifest(table)
    found = measure(rows, Chain(load()))
    assert list(found["face not found"]) == [0.0, 1.0]
    for what in ("closed", "lowered"):
        assert found[f"open eyes called {what}, own normal"][0] == 0.0
    assert np.isnan(found["anger on a resting face"][1])


def test_bad_manifests_are_refused(tmp_path, capsys):
    table = tmp_path / "faces.csv"
    table.write_text("picture,group\nx.png,a\n")
    with pytest.raises(ConfigError, match="no column 'file'"):
        read_manifest(table)
    table.write_text("group,file\na\n")
    assert main(["audit", str(table)]) == 2
    assert "no picture" in capsys.readouterr().err
    table.write_text("file,group\nx.png,a\n")
    assert main(["audit", str(table)]) == 2
    assert "no picture" in capsys.readouterr().err
    before = table.read_bytes()
    assert main(["audit", str(table), "--json", str(table)]) == 2
    assert "written over" in capsys.readouterr().err
    assert table.read_bytes() == before
    assert main(["audit", str(table), "--draws", "3"]) == 2


def test_groups_that_are_too_small_are_told_with_what_would_do(tmp_path, capsys):
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((64, 64), np.uint8))
    table = tmp_path / "faces.csv"
    table.write_text("file,group\na.png,x\nb.png,y\n")
    assert main(["audit", str(table)]) == 2
    assert "no column with two groups of 5 pictures" in capsys.readouterr().err
