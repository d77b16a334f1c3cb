import numpy as np
import pytest

from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import FaceCropSettings
from dms.errors import EngineError
from dms.perception.expression import FER2013, ExpressionNet, ExpressionSettings
from dms.values import EXPRESSIONS
from tests.tiny_nets import write_expression


def make(folder, how=None, **changes):
    write_expression(folder, **changes)
    manifest = load_manifest("expression", folder)
    return ExpressionNet(open_engine(manifest), manifest, how)


def test_reads_a_face_into_eight_probabilities(tmp_path):
    gray = np.random.default_rng(2).integers(0, 256, (120, 160), np.uint8)
    scores = make(tmp_path).read(gray, FaceCropSettings().template + 30)
    assert len(scores.probabilities) == len(EXPRESSIONS)
    assert sum(scores.probabilities) == pytest.approx(1, abs=1e-4)
    assert scores.confidence == max(scores.probabilities)
    assert -1 <= scores.valence <= 1


def test_heads_are_mixed_by_name_not_by_place(tmp_path):
    net = make(tmp_path, ExpressionSettings(prior_power=0.0, ferplus_weight=0.5))
    ferplus = np.eye(8)[EXPRESSIONS.index("anger")]
    scores = net.scores(ferplus, np.eye(7)[FER2013.index("anger")])
    assert scores.probabilities[EXPRESSIONS.index("anger")] == 1
    assert scores.sure
    assert scores.valence < -0.3


def test_contempt_comes_from_the_only_head_that_knows_it(tmp_path):
    net = make(tmp_path, ExpressionSettings(prior_power=0.0, ferplus_weight=0.0))
    ferplus = np.full(8, 0.1)
    ferplus[EXPRESSIONS.index("contempt")] = 0.3
    scores = net.scores(ferplus, np.full(7, 1 / 7))
    assert scores.probabilities[EXPRESSIONS.index("contempt")] == pytest.approx(0.3, abs=1e-5)
    assert sum(scores.probabilities) == pytest.approx(1, abs=1e-5)


def test_dividing_out_the_prior_raises_what_was_rare_in_training(tmp_path):
    prior = [0.4, 0.3, 0.1, 0.1, 0.05, 0.02, 0.02, 0.01]
    decision = {"ferplus_prior": prior, "fer2013_prior": [1 / 7] * 7}
    how = ExpressionSettings(prior_power=1.0, ferplus_weight=1.0)
    net = make(tmp_path, how, decision=decision)
    scores = net.scores(np.array(prior), np.full(7, 1 / 7))
    assert scores.probabilities == pytest.approx([1 / 8] * 8, abs=1e-5)
    assert not scores.sure


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": {}}, "ferplus_prior"),
        ({"decision": {"ferplus_prior": [0.0] * 8, "fer2013_prior": [0.1] * 7}}, "positive"),
        ({"classes": {"ferplus": ["a"], "fer2013": ["b"]}}, "classes of ferplus"),
    ],
)
def test_manifest_of_another_net_is_refused(tmp_path, change, message):
    with pytest.raises(EngineError, match=message):
        make(tmp_path, **change)
