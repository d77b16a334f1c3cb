"""The eye net as it trains: lids, whether an eye is seen, where iris and corners are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.nets.plain import Optimiser

WIDTHS, STRIDES = (16, 32, 48, 64, 64, 48), (2, 2, 2, 1, 2, 1)
HIDDEN = 96
POOL = 4  # light is measured on blocks of so many pixels: quicker, and no worse
# Columns of the one linear layer that answers.
LIDS, OPEN, VISIBLE = slice(0, 3), slice(3, 4), slice(4, 5)
POINTS, SPREAD = slice(5, 11), slice(11, 12)
COLUMNS, CLOSED = 12, 2
LEAST_WIDTH = 0.2  # of the crop's side between the corners; less is no eye
LEAST_SPREAD, MOST_SPREAD = -5.0, 0.0  # of ln b, b in eye widths
_TINY = 1e-4


class Said(NamedTuple):
    """Logits of lids (n, 3), open (n, 1), visible (n, 1); places, and how sure they are.

    Points (n, 3, 2): iris, left and right corner, in crop sides from the middle; spread (n, 1): ln
    of Laplace's b of the iris's offset in eye widths.
    """

    lids: Tensor
    open: Tensor
    visible: Tensor
    points: Tensor
    spread: Tensor


class Even(nn.Module):
    """Mean and spread of the crop's middle brought to 0 and 1, then clamped: light drops out.

    What is brighter or darker than twice the mean deviation is clamped before, so that a lamp's
    spot on glasses does not set the scale. All this is measured on blocks of pixels.
    """

    def __init__(self, size: int, sigma: float = 0.35, limit: float = 3.0) -> None:
        super().__init__()
        cells = size // POOL
        axis = (torch.arange(cells) + 0.5) / cells - 0.5
        weight = torch.exp(-(axis[None] ** 2 + axis[:, None] ** 2) / (2 * sigma**2))
        self.register_buffer("weight", (weight / weight.sum())[None, None])
        self.limit = limit

    def _mean(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum((2, 3), keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        blocks = functional.avg_pool2d(x, POOL)
        mean = self._mean(blocks)
        centred = blocks - mean
        bound = 2 * self._mean(centred.abs()) + 1e-3
        centred = torch.minimum(torch.maximum(centred, -bound), bound)
        shift = self._mean(centred)
        centred = centred - shift
        scale = torch.rsqrt(self._mean(centred * centred) + 1e-5)
        return torch.clamp((x - (mean + shift)) * scale, -self.limit, self.limit)


class EyeNet(nn.Module):
    """Plain 3x3 convolutions, one hidden layer that still knows places, one linear layer."""

    def __init__(
        self,
        size: int,
        widths: Sequence[int] = WIDTHS,
        strides: Sequence[int] = STRIDES,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.size = size
        self.standardise = Even(size)
        layers: list[nn.Module] = []
        before, side = 1, size
        for width, stride in zip(widths, strides, strict=True):
            layers += [
                nn.Conv2d(before, width, 3, stride, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            before, side = width, side // stride
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(before * side * side, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(HIDDEN, COLUMNS)

    def columns(self, x: Tensor) -> Tensor:
        features = self.trunk(self.standardise(x)).flatten(1)
        return self.answer(self.dropout(functional.relu(self.hidden(features))))

    def forward(self, x: Tensor) -> Said:
        return said(self.columns(x).float())


def said(columns: Tensor) -> Said:
    points = columns[:, POINTS].view(-1, 3, 2)
    spread = columns[:, SPREAD].clamp(LEAST_SPREAD, MOST_SPREAD)
    return Said(columns[:, LIDS], columns[:, OPEN], columns[:, VISIBLE], points, spread)


def offsets(points: Tensor) -> Tensor:
    """Iris's offset (n, 2) from the middle between the corners, in eye widths, corners level."""
    iris, left, right = points.unbind(1)
    across = right - left
    width2 = across.square().sum(1, keepdim=True).clamp(min=LEAST_WIDTH**2)
    off = iris - (left + right) / 2
    x = (off * across).sum(1, keepdim=True)
    y = (off[:, 1] * across[:, 0] - off[:, 0] * across[:, 1])[:, None]
    return torch.cat([x, y], 1) / width2


class Truth(NamedTuple):
    """What is known of a batch; weights are 0 where nothing is."""

    lids: Tensor  # (n, 3); of MRL open and lowered together in the first column, see below
    merged: Tensor  # (n,) 1 where "open" may also be lowered
    lids_weight: Tensor
    open: Tensor  # (n,)
    open_weight: Tensor
    visible: Tensor
    points: Tensor  # (n, 3, 2)
    iris_weight: Tensor
    corner_weight: Tensor


def loss_of(out: Said, truth: Truth) -> Tensor:
    """Cross-entropies of the lids, openness and visibility; errors of places and their spread."""
    share = out.lids.softmax(1) + _TINY
    both = (share[:, 0] + share[:, 1]).log()
    plain = -(truth.lids * share.log()).sum(1)
    joined = -(truth.lids[:, 0] + truth.lids[:, 1]) * both - truth.lids[:, 2] * share[:, 2].log()
    lids = torch.where(truth.merged > 0, joined, plain)
    loss = (lids * truth.lids_weight).sum() / truth.lids_weight.sum().clamp(min=1)
    bce = functional.binary_cross_entropy_with_logits
    opened = bce(out.open[:, 0], truth.open * 0.96 + 0.02, reduction="none")
    loss = loss + (opened * truth.open_weight).sum() / truth.open_weight.sum().clamp(min=1)
    loss = loss + bce(out.visible[:, 0], truth.visible * 0.96 + 0.02)
    gap = (out.points - truth.points).abs().sum(2)
    weight = torch.stack([truth.iris_weight, truth.corner_weight, truth.corner_weight], 1)
    loss = loss + 24 * (gap * weight).sum() / weight.sum().clamp(min=1)
    off = (offsets(out.points) - offsets(truth.points)).abs().sum(1)
    both_known = (truth.corner_weight > 0) * (truth.iris_weight > 0)
    nll = off.clamp(max=1.0) * torch.exp(-out.spread[:, 0]) + 2 * out.spread[:, 0]
    return loss + 0.4 * (nll * both_known).sum() / both_known.sum().clamp(min=1)


class EyeOptimiser(Optimiser):
    """Muon for the convolutions, AdamW for the rest: places want other steps in each column."""

    def __init__(self, net: nn.Module, rate: float, other_rate: float) -> None:
        super().__init__(net, rate, other_rate)
        groups = [
            {"params": group["params"], "weight_decay": 10 * group["weight_decay"]}
            for group in self.sgd.param_groups
        ]
        self.sgd = torch.optim.AdamW(groups, lr=other_rate, betas=(0.9, 0.98))
