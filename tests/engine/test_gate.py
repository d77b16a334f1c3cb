import numpy as np
import pytest

from dms.engine.backends import open_engine
from dms.engine.gate import GateSettings, check
from dms.engine.manifest import FOLDER, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import to_batch
from dms.errors import EngineError
from tests.tiny_nets import write_expression


def made(folder, *, shift=0.0, fp32=None):
    """A random net, its manifest, and a gate whose stored outputs are off by ``shift``."""
    write_expression(folder)
    manifest = load_manifest("expression", folder)
    engine = open_engine(manifest)
    crops = np.random.default_rng(4).integers(0, 256, (40, 48, 48), np.uint8)
    out = engine.infer(to_batch(crops))
    np.savez(
        folder / "gate.npz",
        **{"expression.crops": crops, "expression.fp32": np.array(fp32 or "any")},
        **{f"expression.{name}": value + np.float32(shift) for name, value in out.items()},
    )
    return engine, manifest


def test_the_same_net_passes_with_no_loss(tmp_path):
    result = check(*made(tmp_path))
    assert result.crops == 40
    assert result.mean_loss < 1e-6
    assert result.agreement == 1


def test_loss_beyond_the_limit_is_refused(tmp_path):
    limits = GateSettings()
    engine, manifest = made(tmp_path, shift=limits.mean_loss * 0.9)
    assert check(engine, manifest).mean_loss == pytest.approx(limits.mean_loss * 0.9, rel=1e-3)
    engine, manifest = made(tmp_path, shift=limits.mean_loss * 1.1)
    with pytest.raises(EngineError, match="differs from its FP32 net"):
        check(engine, manifest)


def test_other_decisions_are_refused_even_if_the_loss_is_small(tmp_path):
    engine, manifest = made(tmp_path)
    path = tmp_path / "gate.npz"
    stored = dict(np.load(path))
    stored["expression.ferplus"] = stored["expression.ferplus"][:, ::-1].copy()
    np.savez(path, **stored)
    with pytest.raises(EngineError, match="same decision"):
        check(engine, manifest, limits=GateSettings(mean_loss=1.0))


def test_an_embedding_is_judged_by_its_spread_and_not_as_a_probability(tmp_path):
    from tests.tiny_nets import write_net

    outputs = {"ferplus": 8, "fer2013": 7, "embedding": 12}
    write_expression(tmp_path, outputs=outputs)
    write_net(tmp_path / "expression.onnx", 48, outputs)
    engine = OnnxEngine(tmp_path / "expression.onnx")
    manifest = load_manifest("expression", tmp_path)
    crops = np.random.default_rng(4).integers(0, 256, (40, 48, 48), np.uint8)
    out = engine.infer(to_batch(crops))
    stored = {"expression.crops": crops, "expression.fp32": np.array("any")}
    spread = out["embedding"].std(0)
    for off, sound in ((0.5, True), (1.5, False)):
        moved = out["embedding"] + np.float32(off * GateSettings().spread_loss) * spread
        kept = {f"expression.{name}": value for name, value in {**out, "embedding": moved}.items()}
        np.savez(tmp_path / "gate.npz", **stored, **kept)
        if sound:
            assert check(engine, manifest).mean_loss < 1e-6
        else:
            with pytest.raises(EngineError, match="what it measures by"):
                check(engine, manifest)


@pytest.mark.parametrize("content", [None, b"not an archive"])
def test_gate_that_cannot_be_read_is_refused(tmp_path, content):
    engine, manifest = made(tmp_path)
    (tmp_path / "gate.npz").unlink()
    if content:
        (tmp_path / "gate.npz").write_bytes(content)
    with pytest.raises(EngineError, match="cannot be read"):
        check(engine, manifest)


@pytest.mark.parametrize("name", ["expression", "eye_state"])
@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_shipped_nets_pass_the_shipped_gate(name, precision):
    manifest = load_manifest(name, FOLDER)
    with open_engine(manifest, precision=precision) as engine:
        result = check(engine, manifest)
    assert result.crops >= 200
    assert result.mean_loss < (0.02 if precision == "int8" else 1e-4)
