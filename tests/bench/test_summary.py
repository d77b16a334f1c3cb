"""What the report shows of a recording is what was scored."""

from pathlib import Path

from dms.bench import job, summary
from dms.bench.job import Outcome
from dms.chain import Chain
from dms.config import Settings
from dms.scoring.corpus import Entry


def test_labels_in_frames_are_shown_at_the_time_at_which_they_were_scored(tmp_path):
    table = tmp_path / "blinks.csv"
    table.write_text("clip,start_frame0,end_frame0\nclosing,60,65\n")
    (tmp_path / "closing").mkdir()
    (tmp_path / "closing" / "events.jsonl").write_text("")
    entry = Entry("closing", str(tmp_path / "closing.avi"), str(table), time_scale=2.0)
    shown = summary._recording(tmp_path, entry, Outcome("closing", ""), Chain(Settings()), False)
    assert shown.labels.events[0].start_s == 4.0


def test_nobody_reads_labels_past_their_entry():
    for path in Path(job.__file__).parents[1].rglob("*.py"):
        if path.name != "corpus.py":
            assert "labels_of(" not in path.read_text(encoding="utf-8"), path
