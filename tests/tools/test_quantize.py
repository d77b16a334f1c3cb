import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tools import quantize

SIZE = 12


@pytest.fixture
def net(tmp_path):
    """Two convolutions and a head with random weights, as small as can be."""
    rng = np.random.default_rng(3)

    def tensor(name, *shape):
        return numpy_helper.from_array(rng.normal(0, 0.4, shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["input", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["g"], transB=1),
        helper.make_node("Softmax", ["g"], ["out"]),
    ]
    weights = [tensor("w1", 4, 1, 3, 3), tensor("b1", 4), tensor("w2", 8, 4, 3, 3)]
    weights += [tensor("b2", 8), tensor("w3", 3, 8), tensor("b3", 3)]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 3])],
        weights,
    )
    path = tmp_path / "small.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.mark.whole
@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_both_files_lose_little(net, tmp_path, method):
    crops = np.random.default_rng(4).random((96, 1, SIZE, SIZE), np.float32)
    made = quantize.make(net, crops[:48], crops[48:], method, tmp_path)
    assert made.int8["mean"] < 0.02
    assert made.int8_qdq["mean"] < 0.02
    assert made.int8["max"] > 0  # it is another net, after all


def test_cpu_file_is_u8s8_with_seven_bit_weights_and_tensorrt_file_symmetric_s8(net, tmp_path):
    crops = np.random.default_rng(5).random((64, 1, SIZE, SIZE), np.float32)
    quantize.make(net, crops[:32], crops[32:], "minmax", tmp_path)
    cpu, gpu = (
        {
            one.name: numpy_helper.to_array(one)
            for one in onnx.load(tmp_path / f"{kind}.onnx").graph.initializer
        }
        for kind in ("int8", "int8-qdq")
    )
    weights = [value for value in cpu.values() if value.dtype == np.int8 and value.ndim == 4]
    assert len(weights) == 2
    assert max(int(np.abs(value).max()) for value in weights) <= 64
    assert any(value.dtype == np.uint8 for value in cpu.values())
    points = [value for name, value in gpu.items() if "zero_point" in name]
    assert points
    assert all(value.dtype == np.int8 and not value.any() for value in points)
    assert not any(value.dtype == np.int32 for value in gpu.values())


def test_loss_is_the_mean_and_largest_difference():
    one = {"a": np.array([[0.5, 0.5]]), "b": np.array([[1.0]])}
    other = {"a": np.array([[0.4, 0.6]]), "b": np.array([[0.9]])}
    assert quantize.loss(one, other) == {"mean": 0.1, "max": 0.1}
