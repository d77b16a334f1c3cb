import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.bench.job import Recipe, frames_path, outcome_object, outcome_of, run_job
from dms.bench.resume import PartRun
from dms.bench.spread import run_dask, run_here, run_workers
from dms.bench.summary import SUMMARY, write_page, write_summary
from dms.errors import ConfigError
from dms.files.observations import load, save
from dms.scoring.corpus import Entry, find
from dms.scoring.quality import QualitySettings, measure
from dms.values import Kind
from tests.bridge.certificates import made
from tools.rendering import drive as make_demo_drive

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

QUIET = ("bridges=[]", "nets.expression=null", "nets.eye_state=null")


@pytest.fixture(scope="module")
def drives(tmp_path_factory):
    """Three drives without pixels; the second one is not readable."""
    folder = tmp_path_factory.mktemp("drives")
    make_demo_drive.make(folder, seed=1)
    for name in ("b", "c"):
        shutil.copy(folder / "drive.jsonl", folder / f"{name}.jsonl")
        shutil.copy(folder / "drive.labels.yaml", folder / f"{name}.labels.yaml")
    (folder / "b.jsonl").write_text('{"observation": 3}\n')
    return folder


def recipe(out, **more):
    return Recipe(str(out), overrides=QUIET, **more)


def files(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_a_recording_that_cannot_be_used_does_not_stop_the_others(tmp_path, drives):
    told = []
    outcomes = run_here(find([str(drives)]), recipe(tmp_path), told.append)
    assert [one.name for one in outcomes] == ["b", "c", "drive"]
    assert "b.jsonl:1" in outcomes[0].error
    assert outcomes[1].error is None
    assert outcomes[1].scored.tallies[Kind.ROAD_RAGE].found == 1
    assert told == outcomes


def test_what_was_done_is_not_done_again_unless_something_changed(tmp_path, drives):
    entry = Entry("c", str(drives / "c.jsonl"))
    first = run_job(entry, recipe(tmp_path))
    mark = (tmp_path / "c" / "events.jsonl").stat().st_mtime_ns
    again = run_job(entry, recipe(tmp_path))
    assert again.kept
    assert again == first
    assert (tmp_path / "c" / "events.jsonl").stat().st_mtime_ns == mark
    assert not run_job(entry, recipe(tmp_path, fresh=True)).kept
    other = Recipe(str(tmp_path), overrides=(*QUIET, "core.profile=eu_gsr"))
    assert not run_job(entry, other).kept
    assert not run_job(entry, other).error


def test_a_run_cut_short_leaves_no_result(tmp_path, drives):
    entry = Entry("c", str(drives / "c.jsonl"))
    run_job(entry, recipe(tmp_path))
    result = tmp_path / "c" / "result.json"
    result.write_text(result.read_text()[:50])
    assert not run_job(entry, recipe(tmp_path)).kept


def test_a_run_cut_short_takes_the_earlier_result_with_it(tmp_path, drives):
    """Its files are half written over: they must not pass for the earlier run's."""
    entry = Entry("c", str(drives / "c.jsonl"))
    first = run_job(entry, recipe(tmp_path))
    told = (tmp_path / "c" / "events.jsonl").read_bytes()

    def cut(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(entry, recipe(tmp_path, fresh=True), cut)
    again = run_job(entry, recipe(tmp_path))
    assert again == first
    assert not again.kept
    assert (tmp_path / "c" / "events.jsonl").read_bytes() == told


def test_what_a_run_that_was_cut_short_left_is_no_recording(tmp_path, drives):
    """Where --out lies within what is run."""
    shutil.copy(drives / "c.jsonl", tmp_path)
    folder = tmp_path / "out" / "c"
    folder.mkdir(parents=True)
    part = PartRun(folder, "key", fresh=True)
    shutil.copy(drives / "c.jsonl", part.seen)
    assert [entry.name for entry in find([str(tmp_path)])] == ["c"]
    PartRun(folder, "key", fresh=False)  # taken up, and cut short again
    assert [entry.name for entry in find([str(tmp_path)])] == ["c"]


def test_labels_beyond_the_end_of_a_recording_are_told(tmp_path, drives, caplog):
    (tmp_path / "c.labels.csv").write_text("kind,start_s,end_s\nblink,1,2\nblink,90000,91000\n")
    entry = Entry("c", str(drives / "c.jsonl"), labels=str(tmp_path / "c.labels.csv"))
    assert not run_job(entry, recipe(tmp_path)).error
    assert "1 of 2 labels begin after its end at" in caplog.text
    assert "the first at 90000.0 s; are they its own, and in seconds?" in caplog.text


def test_labels_of_a_recording_that_keeps_its_clock_are_told_by_that(tmp_path, drives, caplog):
    """Right ones were told as beyond its end; those from 0 on, all missed, were not told."""
    seen = [(moment, moment.observation) for moment in load(drives / "c.jsonl")]
    late = [replace(one, observation=replace(of, t_s=of.t_s + 5000)) for one, of in seen]
    save(late, tmp_path / "late.jsonl")
    labels = tmp_path / "late.labels.csv"
    labels.write_text("kind,start_s,end_s\nblink,5001,5002\n")
    entry = Entry("late", str(tmp_path / "late.jsonl"), labels=str(labels))
    assert not run_job(entry, recipe(tmp_path)).error
    assert "begin" not in caplog.text
    labels.write_text("kind,start_s,end_s\nblink,1,2\n")
    assert not run_job(entry, recipe(tmp_path, fresh=True)).error
    assert "1 of 1 labels begin before it does, at 5000.0 s" in caplog.text


@pytest.mark.parametrize("changed", ["car.dbc", "bus.log"])
def test_another_database_or_bus_log_makes_it_run_again(tmp_path, drives, changed):
    (tmp_path / "car.dbc").write_text(
        'BO_ 291 Motion: 8 Car\n SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" Car\n'
    )
    (tmp_path / "bus.log").write_text("(1.0) can0 123#0000000000000000\n")
    mapping = (
        f"vehicle.database={tmp_path}/car.dbc",
        f"vehicle.log={tmp_path}/bus.log",
        "vehicle.signals.speed={message: Motion, signal: Speed}",
    )
    named = Recipe(str(tmp_path), overrides=(*QUIET, *mapping))
    entry = Entry("c", str(drives / "c.jsonl"))
    assert not run_job(entry, named).error
    assert run_job(entry, named).kept
    with (tmp_path / changed).open("a") as file:
        file.write("\n")
    assert not run_job(entry, named).kept


def test_a_result_whose_files_are_gone_is_made_again(tmp_path, drives):
    entry = Entry("c", str(drives / "c.jsonl"))
    run_job(entry, recipe(tmp_path))
    (tmp_path / "c" / "events.jsonl").unlink()
    assert not run_job(entry, recipe(tmp_path)).kept
    (tmp_path / "c" / "result.json").write_text("[]")
    assert not run_job(entry, recipe(tmp_path)).kept
    text = (tmp_path / "c" / "result.json").read_text()
    for old, new in (
        ('"frames"', '"fremes"'),
        ('"alerts"', '"alarms"'),
        ('"tallies": {', '"x": {'),
    ):
        assert old in text
        (tmp_path / "c" / "result.json").write_text(text.replace(old, new))
        again = run_job(entry, recipe(tmp_path))
        assert (again.kept, again.error) == (False, None)


def test_a_defect_met_by_one_recording_does_not_cost_the_others(tmp_path, drives):
    def defect(_):
        if not (tmp_path / "drive").exists():
            raise ZeroDivisionError("division by zero")

    entries = [Entry("c", str(drives / "c.jsonl")), Entry("drive", str(drives / "drive.jsonl"))]
    first, second = run_here(entries, recipe(tmp_path), lambda _: None, defect)
    assert "ZeroDivisionError: division by zero; a defect of dms" in first.error
    assert second.error is None


def test_nets_trained_anew_are_run_anew(tmp_path, drives, monkeypatch):
    entry = Entry("c", str(drives / "c.jsonl"))
    run_job(entry, recipe(tmp_path))
    assert run_job(entry, recipe(tmp_path)).kept
    monkeypatch.setattr("dms.bench.job._nets", lambda: ["another"])
    assert not run_job(entry, recipe(tmp_path)).kept


def test_an_outcome_survives_json(tmp_path, drives):
    outcome = run_job(
        Entry("c", str(drives / "c.jsonl"), groups={"night": "yes"}), recipe(tmp_path)
    )
    assert outcome_of(json.loads(json.dumps(outcome_object(outcome)))) == outcome


@pytest.mark.slow
def test_two_workers_give_the_same_bytes_as_one(tmp_path, drives):
    entries = find([str(drives)])
    alone = run_here(entries, recipe(tmp_path / "one"), lambda _: None)
    pair = run_workers(entries, recipe(tmp_path / "two"), 2, lambda _: None)
    assert alone == pair
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert one == two


@pytest.mark.slow
def test_a_worker_that_dies_costs_only_a_retry(tmp_path, drives):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    from distributed import LocalCluster

    entries = [Entry(f"n{at}", str(drives / "c.jsonl")) for at in range(4)]
    killed = []

    def kill_one(_):
        if not killed:
            killed.append(next(iter(cluster.workers.values())))
            killed[0].process.process.kill()

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        outcomes = run_dask(entries, recipe(tmp_path / "dask"), cluster.scheduler_address, kill_one)
    assert killed
    assert [one.error for one in outcomes] == [None] * 4
    assert outcomes == run_here(entries, recipe(tmp_path / "here"), lambda _: None)
    assert files(tmp_path / "dask") == files(tmp_path / "here")


@pytest.mark.slow
def test_two_runs_at_once_on_a_cluster_get_their_own_outcomes(tmp_path, drives):
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    entries = [Entry(f"n{at}", str(drives / "c.jsonl")) for at in range(2)]
    stricter = replace(recipe(tmp_path / "b"), overrides=(*QUIET, "core.rage.excess=9"))
    inner = []

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address

        def other_run(_):
            if not inner:
                inner.extend(run_dask(entries, stricter, address, lambda _: None))

        outcomes = run_dask(entries, recipe(tmp_path / "a"), address, other_run)
    assert [one.scored.tallies[Kind.ROAD_RAGE].found for one in outcomes] == [1, 1]
    assert [one.scored.tallies[Kind.ROAD_RAGE].found for one in inner] == [0, 0]


def test_a_scheduler_behind_tls_is_reached_by_dasks_own_settings(tmp_path, drives, caplog):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    import dask
    from distributed import LocalCluster, Security

    certificate, key = made(tmp_path)
    files_of = {"cert": certificate, "key": key}
    tls = {"distributed.comm.tls.ca-file": certificate}
    for role in ("client", "scheduler", "worker"):
        tls |= {f"distributed.comm.tls.{role}.{key}": file for key, file in files_of.items()}
    entries = [Entry("c", str(drives / "c.jsonl"))]
    with (
        dask.config.set(tls),
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None,
            protocol="tls://", security=Security(require_encryption=True),
        ) as cluster,
    ):  # fmt: skip
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        (outcome,) = run_dask(entries, recipe(tmp_path / "dask"), address, lambda _: None)
        assert outcome.error is None
        assert not [one for one in caplog.records if "is trusted" in one.getMessage()]
    with pytest.raises(ConfigError, match=r"distributed\.comm\.tls"):
        run_dask(entries, recipe(tmp_path / "no"), "tls://127.0.0.1:1", lambda _: None)


def test_a_scheduler_in_clear_text_is_said_to_be_trusted_and_its_password_is_not_told(
    tmp_path, drives, caplog
):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    entries = [Entry("c", str(drives / "c.jsonl"))]
    with pytest.raises(ConfigError) as told:
        run_dask(entries, recipe(tmp_path), "tcp://a:s3cret@127.0.0.1:1", lambda _: None)
    said = [one.getMessage() for one in caplog.records if one.name == "dms.bench.spread"]
    assert "can run code" in said[0]
    assert "s3cret" not in str(told.value) + "".join(said)


def test_a_scheduler_that_is_lost_is_told(tmp_path, drives, monkeypatch):
    class Job:
        status = "cancelled"

        def __init__(self, key):
            self.key = key

    class Client:
        def __init__(self, address, timeout):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, call, entry, recipe, key, pure):
            return Job(key)

    dask = SimpleNamespace(Client=Client, as_completed=lambda jobs: jobs)
    monkeypatch.setattr("dms.bench.spread._distributed", lambda: dask)
    entries = [Entry("c", str(drives / "c.jsonl"))]
    (outcome,) = run_dask(entries, recipe(tmp_path), "tcp://there:8786", lambda _: None)
    assert "scheduler at tcp://there:8786 was lost" in outcome.error


def test_summary_and_page_tell_figures_groups_and_failures(tmp_path, drives):
    pytest.importorskip("plotly", reason="the extra 'bench' is not installed")
    from dms.chain import Chain
    from dms.config import load

    (drives / "m.csv").write_text("source,light\nb.jsonl,day\nc.jsonl,day\ndrive.jsonl,night\n")
    entries = find([str(drives / "m.csv")])
    chain = Chain(load(None, QUIET))
    outcomes = run_here(entries, recipe(tmp_path), lambda _: None)
    write_summary(tmp_path, outcomes, chain, ["light"])
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert summary["all"]["kinds"]["road_rage"]["recall"]["value"] == 1.0
    assert set(summary["groups"]["light"]) == {"day", "night"}
    assert summary["groups"]["light"]["day"]["recordings"] == 1
    page = write_page(tmp_path, entries, outcomes, chain, timelines=1).read_text()
    assert page.count('class="plot"') == 1
    assert "1 of 3 recordings could not be used" in page
    assert "Could not be used" in page
    assert "<h3>Affect</h3>" in page  # its columns are among those that are read
    assert (
        measure([one.scored for one in outcomes if one.scored], QualitySettings()).recordings == 2
    )


def test_a_table_in_another_format_does_not_outlive_the_run_that_made_it(tmp_path, drives):
    pytest.importorskip("pyarrow", reason="the extra 'bench' is not installed")
    [entry] = find([str(drives / "drive.jsonl")])
    for table in (".parquet", ".csv"):
        run_here([entry], replace(recipe(tmp_path), table=table), lambda _: None)
        assert frames_path(tmp_path / entry.name).suffix == table


def test_a_bus_log_beside_the_recording_is_found_and_counts_as_its_input(tmp_path, monkeypatch):
    from dms.vehicle import log_beside

    (tmp_path / "day" / "pictures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "day" / "pictures")
    recording = tmp_path / "drive.mp4"
    assert log_beside(str(recording)) is None
    assert log_beside(".") is None
    assert log_beside("..") is None
    (tmp_path / "upper.ASC").write_text("")
    assert log_beside(str(tmp_path / "upper.mp4")) == tmp_path / "upper.ASC"
    (tmp_path / "drive.asc").write_text("")
    assert log_beside(str(recording)) == tmp_path / "drive.asc"


@pytest.mark.data
def test_acted_yawns_that_play_at_twice_the_speed(tmp_path, data):
    clip = data / "clips" / "acted_yawns_2x.gif"
    manifest = tmp_path / "corpus.csv"
    manifest.write_text(f"source,time_scale\n{clip},2\n")
    (entry,) = find([str(manifest)])
    quick = Recipe(str(tmp_path / "out"), overrides=("bridges=[]", "nets.expression=null"))
    outcome = run_job(entry, quick)
    assert outcome.error is None
    assert outcome.scored.duration_s == pytest.approx(9.0, abs=0.1)
    events = (tmp_path / "out" / entry.name / "events.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in events]
    assert kinds.count("yawn") == 3
    assert not {"drowsy", "microsleep", "sleep"} & set(kinds)
