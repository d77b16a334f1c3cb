"""Light, reflections, spectacle rims and covers on whole batches of eye crops, for training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=rng) * (high - low) + low)[:, None, None, None]


def _sometimes(n: int, chance: float, rng: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=rng) < chance).float()[:, None, None, None]


def shine(
    crops: Tensor, rng: torch.Generator, chance: float, radius: tuple[float, float]
) -> Tensor:
    """One saturated spot at a random place in some crops; ``radius`` in shares of the side."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size
    x, y = _uniform(n, 0.1, 0.9, rng), _uniform(n, 0.15, 0.85, rng)
    r = _uniform(n, *radius, rng)
    aspect = torch.exp(_uniform(n, -0.5, 0.5, rng))
    far = ((axis[None, None, None] - x) * aspect / r) ** 2
    far = far + ((axis[None, None, :, None] - y) / aspect / r) ** 2
    light = torch.exp(-(far**1.5)) * _sometimes(n, chance, rng) * _uniform(n, 0.6, 1.0, rng)
    return crops * (1 - light) + light


def rims(crops: Tensor, rng: torch.Generator, chance: float) -> Tensor:
    """Draw a spectacle rim: an ellipse's outline around the eye, dark or light, in some crops."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size
    x, y = _uniform(n, 0.4, 0.6, rng), _uniform(n, 0.45, 0.65, rng)
    wide, high = _uniform(n, 0.38, 0.65, rng), _uniform(n, 0.25, 0.5, rng)
    power = _uniform(n, 2.0, 5.0, rng)
    far = ((axis[None, None, None] - x).abs() / wide) ** power
    far = (far + ((axis[None, None, :, None] - y).abs() / high) ** power) ** (1 / power)
    edge = torch.exp(-(((far - 1) / _uniform(n, 0.05, 0.14, rng)) ** 2))
    edge = edge * _sometimes(n, chance, rng)
    return crops * (1 - edge) + edge * _uniform(n, 0.0, 0.6, rng)


def light(crops: Tensor, rng: torch.Generator) -> Tensor:
    """Gradient, gamma, contrast, level, blur, coarseness and noise."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size - 0.5
    slope = axis[None, None, None] * _uniform(n, -1.0, 1.0, rng)
    slope = slope + axis[None, None, :, None] * _uniform(n, -0.6, 0.6, rng)
    out = crops * (1 + slope * _sometimes(n, 0.5, rng))
    out = out.clamp(1e-4, 1) ** torch.exp(_uniform(n, -0.6, 0.6, rng))
    mean = out.mean((2, 3), keepdim=True)
    level = (mean * torch.exp(_uniform(n, -0.6, 0.6, rng))).clamp(0.08, 0.75)
    out = (out - mean) * torch.exp(_uniform(n, -0.7, 0.9, rng)) + level
    if torch.rand(1, generator=rng) < 0.5:
        small = int(torch.randint(14, size, (1,), generator=rng))
        coarse = functional.interpolate(out, (small, small), mode="area")
        coarse = functional.interpolate(coarse, (size, size), mode="bilinear")
        some = _sometimes(n, 0.4, rng)
        out = out * (1 - some) + coarse * some
    spread = (out * out).mean((2, 3), keepdim=True) - out.mean((2, 3), keepdim=True) ** 2
    spread = spread.clamp(min=0).sqrt().clamp(max=0.1)
    sigma = spread * _uniform(n, 0.0, 0.35, rng) * _sometimes(n, 0.5, rng)
    out = out + torch.randn(out.shape, generator=rng) * sigma
    return (out.clamp(0, 1) * 255).round() / 255


def hide(crops: Tensor, rng: torch.Generator) -> Tensor:
    """Make eyes that cannot be seen: by a dark lens, a sheet of glare, a cover or fingers."""
    n, size = len(crops), crops.shape[-1]
    kind = torch.randint(0, 6, (n,), generator=rng)[:, None, None, None]
    axis = (torch.arange(size) + 0.5) / size - 0.5
    slope = axis[None, None, None] * _uniform(n, -1, 1, rng)
    slope = slope + axis[None, None, :, None] * _uniform(n, -1, 1, rng)
    # A dark lens fills the crop up to its rim, or wholly; next to nothing shines through it.
    x, y = _uniform(n, -0.12, 0.12, rng), _uniform(n, -0.15, 0.15, rng)
    whole = 1 + _sometimes(n, 0.3, rng)
    wide, high = whole * _uniform(n, 0.4, 0.75, rng), whole * _uniform(n, 0.32, 0.6, rng)
    far = ((axis[None, None, None] - x).abs() / wide) ** 3
    far = (far + ((axis[None, None, :, None] - y).abs() / high) ** 3) ** (1 / 3)
    inside = torch.sigmoid((1 - far) * 25)
    uneven = _sometimes(n, 0.6, rng)  # the others are flat: what is left of them is grain
    dark = _uniform(n, 0.0, 0.3, rng) + uneven * slope * 0.15
    dark = dark + crops * uneven * _uniform(n, 0.0, 0.05, rng)
    lens = crops * (1 - inside) + dark * inside
    lens = shine(lens, rng, 0.4, (0.03, 0.25))
    # Glare: white over the middle, with soft edges.
    spread = (axis[None, None, None] - x / 2) ** 2 + (axis[None, None, :, None] - y / 2) ** 2
    spread = spread.sqrt()
    white = torch.sigmoid((_uniform(n, 0.3, 0.6, rng) - spread) * _uniform(n, 12, 40, rng))
    glare = crops * (1 - white) + white * _uniform(n, 0.85, 1.0, rng)
    # A hand or hat: one tone with a soft edge over most of the crop.
    tone = _uniform(n, 0.1, 0.9, rng) + slope * 0.3
    edge = torch.sigmoid((slope + _uniform(n, 0.25, 0.6, rng)) * 20)
    cover = crops * (1 - edge) + tone * edge
    out = torch.where(kind <= 1, lens, torch.where(kind == 2, glare, cover))
    out = torch.where(kind >= 4, fingers(crops, rng), out)
    grain = torch.randn(out.shape, generator=rng) * _uniform(n, 0.0, 0.02, rng)
    return (out + grain).clamp(0, 1)


def fingers(crops: Tensor, rng: torch.Generator) -> Tensor:
    """Lay fingers over the crops: rounded bars of the skin's tone with dark lines between them."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size - 0.5
    turn = _uniform(n, -1.6, 1.6, rng) * _uniform(n, 0.0, 1.0, rng)
    across = axis[None, None, :, None] * turn.cos() + axis[None, None, None] * turn.sin()
    width = _uniform(n, 0.3, 1.0, rng)
    phase = (across / width + _uniform(n, 0.0, 1.0, rng)) % 1.0 - 0.5  # 0 in a finger's middle
    skin = crops.mean((2, 3), keepdim=True) * _uniform(n, 0.6, 1.3, rng)
    shade = 1 - _uniform(n, 0.0, 0.5, rng) * (2 * phase) ** 2
    line = torch.sigmoid((phase.abs() - _uniform(n, 0.42, 0.49, rng)) * _uniform(n, 40, 150, rng))
    shade = shade * (1 - line * _uniform(n, 0.1, 0.7, rng))
    coarse = torch.randn((n, 1, 6, 6), generator=rng) * _uniform(n, 0.0, 0.08, rng)
    texture = functional.interpolate(coarse, (size, size), mode="bicubic")
    along = axis[None, None, None] * turn.cos() - axis[None, None, :, None] * turn.sin()
    tip = torch.sigmoid((_uniform(n, 0.3, 1.5, rng) - along) * 30)  # some end within the crop
    return crops * (1 - tip) + (skin * shade + texture) * tip
