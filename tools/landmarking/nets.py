"""The two landmark nets, how they train, and how they become ONNX files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tools.landmarking.label import Array
from tools.nets.files import revision, write_manifest

HELD_SHARE = 0.04  # of the drawn pictures: only to watch the training
UPPER, LOWER = [1, 2, 3, 4, 5], [11, 10, 9, 8, 7]
EVEN_WEIGHT = 2.0  # of an error in how unlike the two eyes are, against that of a point's place


class Standardise(nn.Module):
    """Mean 0 and deviation 1 in each picture, so that light does not matter."""

    def forward(self, x: Tensor) -> Tensor:
        off = x - x.mean((2, 3), keepdim=True)
        return off / torch.sqrt((off * off).mean((2, 3), keepdim=True) + 1e-4)


class Layer(nn.Module):
    """Convolution, batch norm, and a rectifier unless ``last``."""

    def __init__(self, inner: int, outer: int, stride: int = 1, side: int = 3) -> None:
        super().__init__()
        self.convolution: nn.Module = nn.Conv2d(inner, outer, side, stride, side // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outer)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.convolution(x))

    def fold(self) -> None:
        """Fold the norm into the convolution."""
        self.convolution = fuse_conv_bn_eval(self.convolution, self.norm)
        self.norm = nn.Identity()


class PointNet(nn.Module):
    """Points and logits from one gray patch; ``widths`` of four levels, ``cells`` at the last."""

    def __init__(
        self, widths: tuple[int, ...], strides: tuple[int, ...], first: int, cells: int,
        hidden: int, points: int, logits: int,
    ) -> None:  # fmt: skip
        super().__init__()
        one, two, three, four = widths
        self.standardise = Standardise()
        self.levels = nn.ModuleList([
            Layer(1, one, strides[0], first), Layer(one, two, strides[1]),
            Layer(two, three, strides[2]), Layer(three, three), Layer(three, three),
            Layer(three, four, strides[3]),
        ])  # fmt: skip
        self.features = four * cells
        self.hidden = nn.Linear(self.features, hidden)
        self.points = nn.Linear(hidden, 2 * points)
        self.logits = nn.Linear(hidden, logits)

    def trunk(self, x: Tensor) -> Tensor:
        """Features (n, features) of patches (n, 1, h, w)."""
        x = self.standardise(x)
        for level in self.levels[:3]:
            x = functional.relu(level(x))
        x = functional.relu(x + self.levels[4](functional.relu(self.levels[3](x))))
        return functional.relu(self.levels[5](x)).flatten(1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = functional.relu(self.hidden(self.trunk(x)))
        return self.points(x), self.logits(x)


class EyePairNet(PointNet):
    """Both eyes at once, right and mirrored left as two channels: one trunk, joined features.

    Eyes open and close together, so each eye's lids rest on both pictures.
    """

    def __init__(
        self, widths: tuple[int, ...], strides: tuple[int, ...], first: int, cells: int,
        hidden: int, points: int, logits: int,
    ) -> None:  # fmt: skip
        super().__init__(widths, strides, first, cells, hidden, points, logits)
        self.hidden = nn.Linear(2 * widths[3] * cells, hidden)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        height, width = x.shape[2:]
        own = self.trunk(x.reshape(-1, 1, height, width)).reshape(-1, 2, self.features)
        joined = torch.cat([own, own.flip(1)], dim=2)
        x = functional.relu(self.hidden(joined))
        return self.points(x), self.logits(x)


def face_net() -> PointNet:
    return PointNet((16, 32, 64, 96), (2, 2, 2, 2), 5, 25, 160, 36, 1)


def eye_net() -> EyePairNet:
    return EyePairNet((12, 24, 32, 48), (2, 1, 2, 2), 3, 24, 64, 12, 2)


class Deployed(nn.Module):
    """The net as shipped: norms folded, probabilities instead of logits, a named output each."""

    def __init__(self, net: PointNet) -> None:
        super().__init__()
        self.net = net.eval()
        for level in net.levels:
            level.fold()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        points, logits = self.net(x)
        return points, *logits.sigmoid().split(1, dim=-1)


def export(net: PointNet, path: Path, size: tuple[int, int, int], outputs: list[str]) -> None:
    """Write ``net`` as ONNX with a free batch axis; ``size`` is (channels, height, width)."""
    axes = {name: {0: "n"} for name in ["input", *outputs]}
    torch.onnx.export(
        Deployed(net), (torch.zeros(2, *size),), str(path), input_names=["input"],
        output_names=outputs, dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip


def robust(gap: Tensor, weight: Tensor, knee: float = 0.01) -> Tensor:
    """Smooth absolute error: teacher's slips weigh no more than in proportion."""
    size = gap.abs()
    curved = torch.where(size < knee, size * size / (2 * knee), size - knee / 2)
    return (curved * weight).mean()


def photometric(x: Tensor, dice: torch.Generator) -> Tensor:
    """Another gain, offset and noise for each picture."""

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(len(x), 1, 1, 1).uniform_(low, high, generator=dice)

    x = (x - 0.5) * draw(0.7, 1.3) + 0.5 + draw(-0.15, 0.15)
    return (x + torch.randn(x.shape, generator=dice) * draw(0, 0.03)).clamp(0, 1)


def moved(
    x: Tensor, points: Tensor, most: int, unit: float, dice: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Shift a batch by whole pixels, its points along; ``unit`` is pixels a unit of points."""
    height, width = x.shape[2:]
    dx, dy = torch.randint(-most, most + 1, (2,), generator=dice).tolist()
    x = functional.pad(x, (most,) * 4, mode="replicate")
    x = x[:, :, most + dy : most + dy + height, most + dx : most + dx + width]
    return x, points - torch.tensor([dx, dy]) / unit


def _outputs(net: PointNet, x: Tensor) -> tuple[Tensor, Tensor]:
    """Run the net in bfloat16, which newer processors multiply twice as fast."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        points, logits = net(x)
    return points.float(), logits.float()


def ratios(lids: Tensor) -> Tensor:
    """EAR (n, 2) of both eyes' contours (n, 2, 12, 2)."""
    gaps = (lids[:, :, UPPER] - lids[:, :, LOWER]).norm(dim=3).mean(2)
    return gaps / (lids[:, :, 6] - lids[:, :, 0]).norm(dim=2).clamp(min=0.2)


Losses = Callable[[PointNet], Iterator[Tensor]]


def face_losses(drawn: dict[str, Array], batch: int, dice: torch.Generator) -> tuple[Losses, int]:
    """Batches of faces, and a fifth as many patches without one."""
    faces, others = torch.from_numpy(drawn["faces"]), torch.from_numpy(drawn["others"])
    truth = torch.from_numpy(drawn["face_points"])
    count = int(len(faces) * (1 - HELD_SHARE))
    weight = torch.ones(36, 1)
    weight[:4], weight[31:] = 2.0, 0.5  # eye corners lead the eye net; jaws are vague
    some = batch // 5
    target = torch.cat([torch.full((batch, 1), 0.98), torch.full((some, 1), 0.02)])

    def losses(net: PointNet) -> Iterator[Tensor]:
        order = torch.randperm(count, generator=dice)
        for start in range(0, count - batch + 1, batch):
            pick = order[start : start + batch]
            side = float(faces.shape[-1])
            x, points = moved(faces[pick][:, None] / 255, truth[pick], 4, side, dice)
            other = others[torch.randint(len(others), (some,), generator=dice)][:, None] / 255
            found, fit = _outputs(net, photometric(torch.cat([x, other]), dice))
            loss = 20 * robust(found[:batch].view(batch, -1, 2) - points, weight)
            yield loss + 0.15 * functional.binary_cross_entropy_with_logits(fit, target)

    return losses, count // batch


def eye_losses(drawn: dict[str, Array], batch: int, dice: torch.Generator) -> tuple[Losses, int]:
    """Batches of eye pairs; hidden ones teach visibility and, weakly, where lids would be."""
    eyes = torch.from_numpy(drawn["eyes"]).reshape(-1, 2, *drawn["eyes"].shape[1:])
    truth = torch.from_numpy(drawn["lids"]).reshape(-1, 2, 12, 2)
    hidden = torch.from_numpy(drawn["hidden"]).float().reshape(-1, 2)
    aspects = torch.from_numpy(drawn["aspects"]).float().reshape(-1, 2)
    count = int(len(eyes) * (1 - HELD_SHARE))
    entropy = functional.binary_cross_entropy_with_logits

    def losses(net: PointNet) -> Iterator[Tensor]:
        order = torch.randperm(count, generator=dice)
        for start in range(0, count - batch + 1, batch):
            pick = order[start : start + batch]
            x, points = moved(eyes[pick] / 255, truth[pick], 1, 30.0, dice)
            found, logits = _outputs(net, photometric(x, dice))
            found = found.view(batch, 2, 12, 2)
            known, doubt = hidden[pick], torch.nan_to_num(hidden[pick], nan=0.5)
            weight = torch.where(doubt > 0.7, 0.1, torch.where(doubt > 0.3, 0.5, 1.0))
            weight = weight[..., None, None]
            gaps = found[:, :, UPPER] - found[:, :, LOWER]
            gaps = gaps - (points[:, :, UPPER] - points[:, :, LOWER])
            loss = 20 * (robust(found - points, weight) + robust(gaps, weight))
            # What is wrong in both eyes alike harms less than one eye read more open: see to that.
            uneven = ratios(found).diff(dim=1) - ratios(points).diff(dim=1)
            both = weight.amin((1, 2, 3))[:, None]
            loss = loss + 20 * EVEN_WEIGHT * robust(uneven, both)
            seen = entropy(logits[..., 0], 1 - doubt, reduction="none") * (~known.isnan())
            wide = ((aspects[pick] - 0.07) / 0.11).clamp(0.02, 0.98)
            opened = entropy(logits[..., 1], wide, reduction="none") * (doubt < 0.3)
            yield loss + 0.6 * seen.mean() + 0.2 * opened.mean()

    return losses, count // batch


def train(
    net: PointNet, losses: Losses, steps: int, epochs: int, rate: float, checkpoint: Path
) -> None:
    """One cycle of AdamW; a checkpoint and a line of the log after each epoch."""
    net.to(memory_format=torch.channels_last)
    adam = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        adam, rate, total_steps=epochs * steps, pct_start=0.1
    )
    began = time.monotonic()
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for loss in losses(net):
            adam.zero_grad()
            loss.backward()
            adam.step()
            cycle.step()
            total += loss.item()
        print(
            f"epoch {epoch}: loss {total / steps:.4f}, {time.monotonic() - began:.0f} s", flush=True
        )
        torch.save(net.state_dict(), checkpoint)


def ship(
    net: PointNet, part: str, size: tuple[int, int, int], framing: dict[str, float], folder: Path,
    epochs: int,
) -> None:  # fmt: skip
    """Write the ONNX file and the manifest of one trained net into ``folder``."""
    heads = ["fit"] if part == "face" else ["visible", "open"]
    path = folder / f"landmarks_{part}.onnx"
    count = net.points.out_features
    export(net, path, size, ["points", *heads])
    write_manifest(
        folder / f"landmarks_{part}.yaml", name=f"landmarks_{part}", files={"fp32": path},
        shape=size, alignment=framing, outputs={"points": count} | dict.fromkeys(heads, 1),
        classes={}, decision={}, revision=revision(), epochs=epochs,
    )  # fmt: skip
