import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from dms.engine.onnx import OnnxEngine
from dms.errors import EngineError
from tests.tiny_nets import write_net


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.onnx"
    write_net(path, 8, {"a": 3, "b": 1}, "Sigmoid")
    return path


def test_outputs_come_by_name_for_every_row(net):
    batch = np.random.default_rng(0).random((5, 1, 8, 8), np.float32)
    with OnnxEngine(net) as engine:
        assert engine.input_shape == (1, 8, 8)
        out = engine.infer(batch)
        one = engine.infer(batch[2:3])
    assert {name: value.shape for name, value in out.items()} == {"a": (5, 3), "b": (5, 1)}
    assert np.allclose(out["a"][2], one["a"][0], atol=1e-6)


def test_outputs_equal_the_graph_worked_out_by_hand(net):
    batch = np.random.default_rng(1).random((2, 1, 8, 8), np.float32)
    weight = {w.name: numpy_helper.to_array(w) for w in onnx.load(net).graph.initializer}
    expected = 1 / (1 + np.exp(-batch.reshape(2, -1) @ weight["a_weight"]))
    with OnnxEngine(net, optimise=False) as engine:
        assert np.allclose(engine.infer(batch)["a"], expected, atol=1e-5)


@pytest.mark.parametrize(
    "batch",
    [np.zeros((1, 1, 8, 8)), np.zeros((1, 1, 9, 8), np.float32), np.zeros((8, 8), np.float32)],
)
def test_wrong_batches_are_refused(net, batch):
    with OnnxEngine(net) as engine, pytest.raises(EngineError, match="the net takes"):
        engine.infer(batch)


def test_output_that_is_not_finite_is_refused(net):
    with OnnxEngine(net) as engine, pytest.raises(EngineError, match="not finite"):
        engine.infer(np.full((1, 1, 8, 8), np.nan, np.float32))


def test_garbage_is_no_net(tmp_path):
    path = tmp_path / "garbage.onnx"
    path.write_bytes(b"not a net")
    with pytest.raises(EngineError, match="cannot load"):
        OnnxEngine(path)
    with pytest.raises(EngineError, match="cannot load"):
        OnnxEngine(tmp_path / "absent.onnx")


def test_closed_engine_says_so(net):
    engine = OnnxEngine(net)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.infer(np.zeros((1, 1, 8, 8), np.float32))
