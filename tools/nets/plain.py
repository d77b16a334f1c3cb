"""The plain 3x3 net family: convolution, batch norm, ReLU, in a row; folds to what INT8 likes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """Mean and spread of the crop's middle brought to 0 and 1, then clamped: light drops out.

    With ``robust`` the crop is first clamped to twice its mean absolute deviation, so that a lamp's
    reflection on glasses does not set the scale.
    """

    def __init__(self, size: int, sigma: float, robust: bool, limit: float = 3.0) -> None:
        super().__init__()
        axis = (torch.arange(size) + 0.5) / size - 0.5
        weight = torch.exp(-(axis[None] ** 2 + axis[:, None] ** 2) / (2 * sigma**2))
        self.register_buffer("weight", (weight / weight.sum())[None, None])
        self.robust, self.limit = robust, limit

    def _mean(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum((2, 3), keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        centred = x - self._mean(x)
        if self.robust:
            for _ in range(2):
                bound = 2 * self._mean(centred.abs()) + 1e-3
                centred = torch.minimum(torch.maximum(centred, -bound), bound)
                centred = centred - self._mean(centred)
        variance = self._mean(centred * centred)
        return torch.clamp(centred / torch.sqrt(variance + 1e-5), -self.limit, self.limit)


STEM = 6  # px of a first convolution that steps by two: a 3x3 one behind a halved picture, or finer


class Trunk(NamedTuple):
    """Channels and steps of the convolutions in a row; ``stem``: px of the first one's kernel."""

    widths: tuple[int, ...]
    strides: tuple[int, ...]
    stem: int = 3


class PlainNet(nn.Module):
    """Trunk of 3x3 convolutions and one linear head a name; ``heads``: name -> outputs."""

    def __init__(
        self,
        size: int,
        trunk: Trunk,
        heads: dict[str, int],
        *,
        sigma: float = 0.3,
        robust: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.size = size
        self.standardise = Standardise(size, sigma, robust)
        layers: list[nn.Module] = []
        before = 1
        for width, stride in zip(trunk.widths, trunk.strides, strict=True):
            kernel = 3 if layers else trunk.stem
            layers += [
                nn.Conv2d(before, width, kernel, stride, (kernel - 1) // 2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            before = width
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(before, n) for name, n in heads.items()})

    def features(self, x: Tensor) -> Tensor:
        return self.trunk(self.standardise(x)).mean((2, 3))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        pooled = self.dropout(self.features(x))
        return {name: head(pooled) for name, head in self.heads.items()}


class Optimiser:
    """Muon for the convolutions (Jordan et al. 2024), AdamW-like SGD for the rest.

    Muon's update is the nearest orthogonal matrix to the momentum, so all directions learn at one
    rate; batch norm makes the filters' scale meaningless, so it is held fixed.
    """

    def __init__(self, net: nn.Module, rate: float, other_rate: float) -> None:
        convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
        self.filters = [m.weight for m in convolutions if m.in_channels > 1]
        taken = {id(weight) for weight in self.filters}
        others = [p for p in net.parameters() if id(p) not in taken]
        decay = [p for p in others if p.ndim > 1]
        plain = [p for p in others if p.ndim <= 1]
        self.sgd = torch.optim.SGD(
            [{"params": decay, "weight_decay": 1e-3}, {"params": plain, "weight_decay": 0.0}],
            lr=other_rate,
            momentum=0.9,
            nesterov=True,
        )
        self.rate, self.other_rate = rate, other_rate
        self.momenta = [torch.zeros_like(weight) for weight in self.filters]

    @torch.no_grad()
    def step(self, share: float) -> None:
        """One step at ``share`` of the full rates; clears the gradients."""
        for group in self.sgd.param_groups:
            group["lr"] = self.other_rate * share
        self.sgd.step()
        for weight, momentum in zip(self.filters, self.momenta, strict=True):
            gradient = weight.grad
            momentum.mul_(0.95).add_(gradient)
            update = gradient.add(momentum, alpha=0.95)
            flat = _orthogonal(update.reshape(len(update), -1))
            weight.mul_(math.sqrt(len(weight)) / weight.norm())
            weight.add_(flat.view_as(weight), alpha=-self.rate * share)
            weight.grad = None
        self.sgd.zero_grad(set_to_none=True)

    def state(self) -> dict[str, object]:
        return {"sgd": self.sgd.state_dict(), "momenta": self.momenta}

    def load(self, state: dict) -> None:
        self.sgd.load_state_dict(state["sgd"])
        for mine, stored in zip(self.momenta, state["momenta"], strict=True):
            mine.copy_(stored)


def _orthogonal(matrix: Tensor, steps: int = 4) -> Tensor:
    """Newton-Schulz iteration towards the nearest semi-orthogonal matrix."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def keep(
    folder: Path,
    line: dict[str, Any],
    net: nn.Module,
    optimiser: Optimiser,
    average: Average,
    **more: object,
) -> None:
    """Add ``line`` to log.jsonl and the screen, and write all that a training goes on from.

    checkpoint.pt is replaced as a whole, so that a run that is killed leaves a good one.
    """
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)
    stored = {
        "net": net.state_dict(),
        "optimiser": optimiser.state(),
        "average": average.state,
        "steps": average.steps,
        **more,
    }
    fresh = folder / "checkpoint.new"
    torch.save(stored, fresh)
    fresh.replace(folder / "checkpoint.pt")


def texts(values: Mapping[str, object]) -> dict[str, str]:
    """Return arguments as they may stand in a checkpoint."""
    return {name: str(value) for name, value in values.items()}


class Average:
    """Exponential moving average of a net's weights and buffers."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.state = {name: value.clone() for name, value in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)
