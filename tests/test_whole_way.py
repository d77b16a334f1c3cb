"""The whole way, nothing replaced: film, perception with the nets, decision, SLCAN on a pty."""

import pytest
import yaml

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from dms.bench.bench import Outputs, bench
from dms.bridge import BridgeSettings
from dms.bridge.codec import contract
from dms.chain import Chain
from dms.config import Settings
from dms.decision.profiles import find_rules
from dms.decision.settings import CoreSettings
from tests.bridge.lawicel import Lawicel
from tools.rendering import clip as make_demo_clip

SECONDS = 13.0


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_demo_clip.render(tmp_path_factory.mktemp("film"), seconds=SECONDS, seed=1)


@pytest.fixture(scope="module")
def truth(film):
    labels = yaml.safe_load((film.parent / "demo.labels.yaml").read_text())
    return {label["kind"]: label for label in labels["events"]}


@pytest.fixture
def adapter(tmp_path):
    twin = Lawicel(tmp_path / "usb-adapter")
    yield twin
    twin.unplug()


@pytest.mark.slow
def test_a_filmed_microsleep_is_told_on_the_serial_adapter_at_its_time(film, truth, adapter):
    serial = BridgeSettings(kind="slcan", channel=str(adapter.link))
    bench(str(film), Chain(Settings(bridges=(serial,))))
    database = contract()
    heard = [
        (database.get_message_by_frame_id(can_id).name, database.decode_message(can_id, data))
        for _, can_id, _, data in adapter.frames
    ]
    alerts = [words for name, words in heard if name == "DMS_Alert"]
    raised = [words for words in alerts if words["AlertAction"] == "Raised"]
    assert [(words["AlertKind"], words["AlertLevel"]) for words in raised] == [
        ("Microsleep", "Warning")
    ]
    due_s = truth["microsleep"]["start_s"] + find_rules(CoreSettings().profile, {}).microsleep_s
    assert raised[0]["AlertTime"] == pytest.approx(due_s, abs=0.15)
    states = [words for name, words in heard if name == "DMS_State"]
    assert len(states) == pytest.approx(10 * SECONDS, abs=2)
    assert states[-1]["Health"] == "Off"
    assert not adapter.unreadable


@pytest.mark.slow
def test_the_same_film_twice_gives_the_same_bytes(film, tmp_path):
    files = []
    for name in ("a", "b"):
        outputs = Outputs(tmp_path / f"{name}.jsonl", tmp_path / f"{name}.csv")
        bench(str(film), Chain(Settings()), outputs)
        files.append((outputs.events.read_bytes(), outputs.frames.read_bytes()))
    assert files[0] == files[1]
    assert b"microsleep" in files[0][0]
