import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")

from tools.nets.plain import Average, Optimiser, PlainNet, Standardise  # noqa: E402


def small():
    torch.manual_seed(0)
    return PlainNet(16, (4, 8), (2, 2), {"a": 3, "b": 1})


def test_light_and_contrast_drop_out():
    x = torch.rand(2, 1, 16, 16) * 0.5
    standardise = Standardise(16, 0.3, robust=False)
    assert torch.allclose(standardise(x), standardise(x * 1.7 + 0.1), atol=0.02)


def test_one_reflection_does_not_set_the_scale():
    x = torch.rand(1, 1, 16, 16) * 0.1
    lit = x.clone()
    lit[0, 0, 8, 8] = 1.0
    plain, robust = Standardise(16, 0.3, robust=False), Standardise(16, 0.3, robust=True)
    assert plain(lit).std() < 0.6 * plain(x).std()
    assert robust(lit).std() > 0.9 * robust(x).std()


def test_heads_come_by_name():
    out = small()(torch.rand(5, 1, 16, 16))
    assert {name: tuple(value.shape) for name, value in out.items()} == {"a": (5, 3), "b": (5, 1)}


def test_optimiser_learns_and_resumes():
    def steps(net, optimiser, n):
        for _ in range(n):
            loss = torch.nn.functional.cross_entropy(net(x)["a"], y)
            loss.backward()
            optimiser.step(1.0)
        return loss.item()

    x, y = torch.rand(12, 1, 16, 16), torch.arange(12) % 3
    net = small()
    optimiser = Optimiser(net, 0.05, 0.05)
    first = steps(net, optimiser, 1)
    assert steps(net, optimiser, 60) < 0.5 * first
    twin = small()
    twin.load_state_dict(net.state_dict())
    resumed = Optimiser(twin, 0.05, 0.05)
    resumed.load(copy.deepcopy(optimiser.state()))
    assert steps(net, optimiser, 2) == pytest.approx(steps(twin, resumed, 2), rel=1e-4)


def test_average_follows_the_weights():
    net = small()
    average = Average(net, 0.9)
    name = next(iter(net.state_dict()))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    for _ in range(100):
        average.update(net)
    assert np.allclose(average.state[name], net.state_dict()[name], atol=1e-2)
