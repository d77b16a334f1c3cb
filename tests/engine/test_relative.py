import hashlib
from dataclasses import replace

import numpy as np
import pytest

from dms.decision.emotion.relative import RelativeHead
from dms.engine.manifest import NetFile, load_manifest
from dms.engine.relative import relative_weights
from dms.errors import EngineError
from tests.scenarios.faces import SIZE, head

WEIGHTS = {name: np.asarray(getattr(head(), name), np.float32) for name in RelativeHead.__slots__}


def manifest(folder, **changes):
    path = folder / "made-relative.npz"
    np.savez(path, **{**WEIGHTS, **changes})
    entry = NetFile(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    outputs = {"ferplus": 8, "fer2013": 7, "embedding": SIZE}
    return replace(load_manifest("expression"), folder=folder, outputs=outputs, relative=entry)


def test_the_weights_come_with_the_net(tmp_path):
    weights = relative_weights(manifest(tmp_path))
    assert weights is not None
    made = RelativeHead.of(weights)
    assert np.allclose(made.rage_change, head().rage_change)
    assert made.size == SIZE
    assert made.rage_bias == -2.0


def test_a_net_without_an_embedding_has_none():
    assert relative_weights(load_manifest("eye_state")) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rage_change": np.zeros(SIZE + 1)}, r"rage_change must be \(8,\) finite numbers"),
        ({"population": np.full(SIZE, np.nan)}, "population must be"),
        ({"classes_bias": np.zeros((7, 1))}, r"got \(7, 1\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, changes, said):
    with pytest.raises(EngineError, match=said):
        relative_weights(manifest(tmp_path, **changes))


def test_an_altered_file_is_refused(tmp_path):
    made = manifest(tmp_path)
    (tmp_path / "made-relative.npz").write_bytes(b"no")
    with pytest.raises(EngineError, match="not the file that belongs there"):
        relative_weights(made)
