"""Training batches of the eye net: drawn eyes, MRL Eye, photographs and labelled tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tools.drawing.eyes import SPAN, draw_eyes
from tools.drawing.people import CROP_SPAN, FOLDS, LOWERED, OPEN, TILE_SPAN, draw_people
from tools.drawing.photographs import cut_photographs, pose
from tools.nets.eye_net import Truth
from tools.nets.eyes import hide, light, rims, shine
from tools.nets.tiles import TEST_SUBJECTS, Rows, integers, read_rows, read_tiles
from tools.train.film_eyes import ROOM, film_eyes

CORNERS = np.array([[-0.5, 0.0], [0.5, 0.0]], np.float32)
# Eyes squeezed in laughter are not shut; how far they are off it is anybody's guess.
TARGETS = {"open": (1, 0, 0), "lowered": (0, 1, 0), "closed": (0, 0, 1), "squint": (0.7, 0.1, 0.2)}
MRL_PX = 64
# Shares of a batch; what is left are places that are no eye.
BASE = {"drawn": 0.40, "mrl": 0.27, "photographs": 0.14, "films": 0.05, "hidden": 0.08}
FINISH = {
    "drawn": 0.34, "mrl": 0.25, "photographs": 0.12, "tiles": 0.14, "films": 0.03, "hidden": 0.08,
}  # fmt: skip


GLINT = 0.35  # share of MRL's crops with lamps of another's
GLINT_FROM, GLINT_MOST = 0.65, 0.04  # lamps are brighter than this, on at most such a share


class Eyes(NamedTuple):
    """Pictures (n, s, s) with what is known of them, as :class:`Truth` has it; points in sides."""

    pictures: NDArray[np.uint8]
    lids: NDArray[np.float32]
    merged: NDArray[np.float32]
    lids_weight: NDArray[np.float32]
    open: NDArray[np.float32]
    open_weight: NDArray[np.float32]
    points: NDArray[np.float32]
    iris_weight: NDArray[np.float32]
    corner_weight: NDArray[np.float32]
    chance: NDArray[np.float64]  # of being drawn


def drawn(n: int, seed: int, cache: Path) -> Eyes:
    """Eyes of the drawing program; kept in ``cache``."""
    rng = np.random.default_rng(seed)
    people = draw_people(n, rng)
    file = cache / f"drawn-{n}-{seed}.npy"
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, draw_eyes(people, rng))
    iris = np.stack([people.iris_x, people.iris_y], 1)
    ones = np.ones(n, np.float32)
    # Below the lids the iris is a guess: it teaches how sure one may be, and little else.
    weight = np.where(
        np.isin(people.what, (OPEN, LOWERED)), 1.0, np.where(people.gap > 0.06, 0.6, 0.05)
    )
    return Eyes(
        np.load(file), people.lids, 0 * ones, ones, people.openness, ones,
        _points(iris, SPAN), weight.astype(np.float32), ones, np.full(n, 1 / n),
    )  # fmt: skip


def photographed(data: Path, cache: Path, seed: int) -> tuple[Eyes, NDArray[np.uint8]]:
    """Warped photographs, and places that are no eye."""
    cut = cut_photographs(data / "face_photos", cache / "photographs.npz")
    file = cache / f"posed-{seed}.npz"
    if not file.is_file():
        np.savez(file, **pose(cut, seed)._asdict())
    posed = np.load(file)
    n = len(posed["eyes"])
    ones = np.ones(n, np.float32)
    weight = np.where(posed["seen"] > 0.3, 1.0, np.where(posed["seen"] > 0.1, 0.5, 0.05))
    eyes = Eyes(
        posed["eyes"], posed["lids"], 0 * ones, ones, posed["openness"], ones,
        _points(posed["iris"], SPAN), weight.astype(np.float32), ones, np.full(n, 1 / n),
    )  # fmt: skip
    return eyes, cut.others


def mrl(data: Path, left_out: tuple[int, ...], *, of_them: bool = False) -> Eyes:
    """Infrared eyes of the people that are not left out (or ``of_them``), some with a pupil."""
    images, rows = read_tiles(data / "mrl_eyes_64", MRL_PX, "subject", "open", "pupil_x")
    subject, opened = integers(rows, "subject"), integers(rows, "open")
    use = np.flatnonzero(np.isin(subject, left_out) == of_them)
    n = len(use)
    axes = ("pupil_x", "pupil_y")
    pupil = np.array([[float(rows[i][axis] or "nan") - 0.5 for axis in axes] for i in use])
    known = ~np.isnan(pupil[:, 0])
    points = np.zeros((n, 3, 2), np.float32)
    points[:, 0] = np.nan_to_num(pupil)
    state = opened[use].astype(np.float32)
    ones = np.ones(n, np.float32)
    lids = np.stack([state, 0 * state, 1 - state], 1)
    chance = cells(subject[use], opened[use])
    chance = 0.6 * chance + 0.4 * cells(subject[use], known.astype(int))
    return Eyes(
        images[use], lids, ones, ones, state, ones, points, known.astype(np.float32), 0 * ones,
        chance / chance.sum(),
    )  # fmt: skip


def films(data: Path, cache: Path) -> Eyes:
    """Open and shut eyes of ZJU's people that the landmark nets have learned from too."""
    cut = film_eyes(data / "zju_blink", cache / "films.npz")
    n = len(cut.open)
    ones, zeros = np.ones(n, np.float32), np.zeros(n, np.float32)
    lids = np.stack([cut.open, zeros, 1 - cut.open], 1)
    return Eyes(
        cut.eyes, lids, zeros, ones, cut.open, ones, np.zeros((n, 3, 2), np.float32), zeros, zeros,
        cells(cut.person, cut.open.astype(int)),
    )  # fmt: skip


def _told(data: Path, fold: int | None) -> Rows:
    """Rows of the tiles that teach: not those told by what the person does, no blinks."""
    rows = read_rows(data / "lowered" / "eyes", "file", "lids", "by", "person", "eye")
    return [
        row for row in rows
        if row["lids"] in TARGETS and row["by"] not in ("context", "wink")
        and (fold is None or int(row["person"][1:]) % FOLDS != fold)
    ]  # fmt: skip


def tile_people(data: Path, fold: int | None) -> list[int]:
    """Numbers of the people whose tiles teach where ``fold`` is left out."""
    return sorted({int(row["person"][1:]) for row in _told(data, fold)})


def tiles(data: Path, fold: int | None) -> Eyes | None:
    """Labelled tiles of real clips, without the people of ``fold`` (number modulo four)."""
    folder, chosen = data / "lowered" / "eyes", _told(data, fold)
    pictures = []
    for row in chosen:
        tile = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
        pictures.append(tile[:, ::-1] if row["eye"] == "left" else tile)
    n = len(chosen)
    lids = np.array([TARGETS[row["lids"]] for row in chosen], np.float32)
    kind, person = (np.array([row[k] for row in chosen]) for k in ("lids", "person"))
    chance = np.zeros(n)
    for one, share in (("open", 0.3), ("lowered", 0.3), ("closed", 0.35), ("squint", 0.05)):
        inside = kind == one
        for who in np.unique(person[inside]):
            mine = inside & (person == who)
            chance[mine] = share / mine.sum() / len(np.unique(person[inside]))
    ones, zeros = np.ones(n, np.float32), np.zeros(n, np.float32)
    told = np.isin(kind, ("open", "closed")).astype(np.float32)
    return Eyes(
        np.stack(pictures), lids, zeros, ones, lids[:, 0], told, np.zeros((n, 3, 2), np.float32),
        zeros, zeros, chance / chance.sum(),
    )  # fmt: skip


def cells(group: NDArray, state: NDArray) -> NDArray[np.float64]:
    """Chance of each picture: within a person, both states as often as can be.

    Most people of MRL Eye were recorded mainly in one state; drawn as they are, a net would learn
    who has their eyes closed.
    """
    weight = np.zeros(len(group))
    for one in np.unique(group):
        parts = [np.flatnonzero((group == one) & (state == value)) for value in (0, 1)]
        both = min(300, *map(len, parts)) + 30
        for part in parts:
            weight[part] = min(both, 3 * len(part)) / max(len(part), 1)
    for value in (0, 1):
        if (state == value).any():
            weight[state == value] /= weight[state == value].sum()
    return weight / weight.sum()


def _points(iris: NDArray, span: float) -> NDArray[np.float32]:
    corners = np.broadcast_to(CORNERS, (len(iris), 2, 2))
    return (np.concatenate([iris[:, None], corners], 1) / span).astype(np.float32)


class Placing(NamedTuple):
    """How a picture's part becomes a crop; ``share`` of its side that the crop covers."""

    share: float
    down: float  # where the corners' middle lies below the crop's, in half sides
    turn: float = 0.14
    zoom: float = 0.13
    shift: float = 0.13
    stretch: float = 0.07


PLACES = {
    "drawn": Placing(CROP_SPAN / SPAN, 0.1, zoom=0.15, stretch=0.12),
    "photographs": Placing(CROP_SPAN / SPAN, 0.1, zoom=0.15),
    "tiles": Placing(CROP_SPAN / TILE_SPAN, 0.06),
    "films": Placing(1 / ROOM, 0.06, zoom=0.09),
    "mrl": Placing(1.0, 0.0, shift=0.1),
}


def place(
    pictures: Tensor, points: Tensor, how: Placing, size: int, dice: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Cut crops (n, 1, size, size) with other turn, zoom, stretch, shift, mirror; points along."""
    n = len(pictures)
    turn = torch.randn(n, generator=dice) * how.turn
    zoom = torch.exp(torch.randn(n, generator=dice) * how.zoom) * how.share
    stretch = torch.exp(torch.randn(n, generator=dice) * how.stretch)
    mirror = torch.where(torch.rand(n, generator=dice) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
    turned = torch.stack([cos * stretch * mirror, -sin, sin * stretch * mirror, cos], 1).view(
        n, 2, 2
    )
    shift = torch.randn(n, 2, generator=dice) * how.shift * how.share
    shift[:, 1] -= how.down * how.share
    axis = (2 * torch.arange(size) + 1) / size - 1
    x, y = axis[None, None, :, None], axis[None, :, None, None]
    columns = turned.transpose(1, 2)[:, :, None, None]  # (n, 2, 1, 1, 2): of x and of y
    grid = shift[:, None, None] + x * columns[:, 0] + y * columns[:, 1]
    crops = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    back = torch.linalg.inv(turned)
    moved = torch.einsum("nij,nkj->nki", back, 2 * points - shift[:, None]) / 2
    swapped = moved[:, [0, 2, 1]]
    return crops, torch.where((mirror < 0)[:, None, None], swapped, moved)


def pupils(crops: Tensor, points: Tensor, chance: Tensor, dice: torch.Generator) -> Tensor:
    """Paint a bright or dark pupil at the iris in some crops, as an infrared lamp makes it."""
    n, size = len(crops), crops.shape[-1]
    axis = (torch.arange(size) + 0.5) / size - 0.5
    width = (points[:, 2] - points[:, 1]).norm(dim=1)[:, None, None, None]
    x, y = (points[:, 0, k][:, None, None, None] for k in (0, 1))

    def draw(low: float, high: float) -> Tensor:
        return torch.rand(n, 1, 1, 1, generator=dice) * (high - low) + low

    far = ((axis[None, None, None] - x) ** 2 + (axis[None, None, :, None] - y) ** 2).sqrt() / width
    disc = torch.sigmoid((draw(0.06, 0.14) - far) * draw(40, 120))
    bright = torch.rand(n, 1, 1, 1, generator=dice) < 0.7
    level = torch.where(bright, draw(0.6, 1.1), draw(0.0, 0.1))
    some = (torch.rand(n, generator=dice) < chance).float()[:, None, None, None]
    return crops + (level - crops) * disc * some * draw(0.5, 1.0)


def _on_some(
    crops: Tensor, chance: float, dice: torch.Generator, change: Callable[[Tensor], Tensor]
) -> Tensor:
    """Change a share of the crops."""
    some = torch.randperm(len(crops), generator=dice)[: round(chance * len(crops))]
    crops[some] = change(crops[some])
    return crops


def glints(data: Path, left_out: tuple[int, ...]) -> NDArray[np.uint8]:
    """Infrared eyes whose glasses mirror lamps strongly, of the people that are not left out."""
    images, rows = read_tiles(data / "mrl_eyes_64", MRL_PX, "subject", "reflections")
    use = (integers(rows, "reflections") == 2) & ~np.isin(integers(rows, "subject"), left_out)
    lamps = images[use]
    return lamps[(lamps > 255 * GLINT_FROM).mean((1, 2)) < GLINT_MOST]


def lit(crops: Tensor, lamps: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """Lay what shines in pictures of ``lamps`` over some crops, mirrored, scaled and shifted."""
    if not len(lamps):
        return crops
    size = crops.shape[-1]
    for k in np.flatnonzero(rng.random(len(crops)) < GLINT):
        lamp = lamps[rng.integers(len(lamps))].astype(np.float32) / 255
        scale, side = np.exp(rng.normal(0, 0.25)), rng.choice((-1, 1))
        middle, aim = (lamp.shape[0] - 1) / 2, (size - 1) / 2 + rng.normal(0, 0.12 * size, 2)
        scale *= size / lamp.shape[0]
        turn = np.array([[side * scale, 0.0], [0.0, scale]])
        matrix = np.column_stack([turn, aim - turn @ np.full(2, middle)])
        moved = cv2.warpAffine(lamp, matrix, (size, size))
        share = np.clip((moved - GLINT_FROM) / (0.9 - GLINT_FROM), 0, 1)
        crops[k, 0] += (1 - crops[k, 0]) * torch.from_numpy(share) * float(rng.uniform(0.6, 1))
    return crops


class Source:
    """Draws augmented batches; the same seed gives the same batch."""

    def __init__(
        self, data: Path, cache: Path, size: int, *, count: int, seed: int,
        left_out: tuple[int, ...] = TEST_SUBJECTS, fold: int | None = None, tiled: bool = True,
    ) -> None:  # fmt: skip
        self.size, self.shares = size, FINISH if tiled else BASE
        self.sets: dict[str, Eyes] = {
            "drawn": drawn(count, seed, cache),
            "mrl": mrl(data, left_out),
        }
        self.lamps = glints(data, left_out)
        self.sets["films"] = films(data, cache)
        self.sets["photographs"], self.others = photographed(data, cache, seed)
        if tiled:
            self.sets["tiles"] = tiles(data, fold)

    def batch(self, seed: tuple[int, ...], n: int) -> tuple[Tensor, Truth]:
        """``n`` crops or so, and what is known of them."""
        rng = np.random.default_rng(seed)
        dice = torch.Generator().manual_seed(int(rng.integers(2**31)))
        crops, truths = [], []
        for name, share in self.shares.items():
            if name != "hidden":
                one = self._some(name, int(n * share), rng, dice)
                crops.append(one[0])
                truths.append(one[1])
        for name in ("drawn", "mrl"):
            one = self._some(name, int(n * self.shares["hidden"] / 2), rng, dice)
            crops.append(hide(one[0], dice))
            gone = torch.zeros(len(one[0]))
            truths.append(
                one[1]._replace(
                    lids_weight=gone,
                    open_weight=gone,
                    visible=gone,
                    iris_weight=one[1].iris_weight * 0.05,
                    corner_weight=one[1].corner_weight * 0.05,
                )
            )
        left = n - sum(map(len, crops))
        chosen = rng.integers(0, len(self.others), left)
        others = torch.from_numpy(self.others[chosen])[:, None].float() / 255
        nothing, zeros = torch.zeros(left, 3, 2), torch.zeros(left)
        crops.append(place(others, nothing, PLACES["photographs"], self.size, dice)[0])
        truths.append(Truth(torch.zeros(left, 3), *[zeros] * 5, nothing, zeros, zeros))
        every = torch.cat(crops)
        every = _on_some(every, 0.12, dice, lambda some: rims(some, dice, 1.0))
        every = _on_some(every, 0.3, dice, lambda some: shine(some, dice, 1.0, (0.02, 0.09)))
        every = _on_some(every, 0.25, dice, lambda some: shine(some, dice, 1.0, (0.015, 0.05)))
        every = light(every, dice)
        return every, Truth(*(torch.cat(parts) for parts in zip(*truths, strict=True)))

    def _some(
        self, name: str, n: int, rng: np.random.Generator, dice: torch.Generator
    ) -> tuple[Tensor, Truth]:
        eyes = self.sets[name]
        chosen = rng.choice(len(eyes.chance), n, p=eyes.chance / eyes.chance.sum())
        pictures = torch.from_numpy(eyes.pictures[chosen])[:, None].float() / 255
        take = {k: torch.from_numpy(getattr(eyes, k)[chosen]).float() for k in Eyes._fields[1:-1]}
        crops, points = place(pictures, take["points"], PLACES[name], self.size, dice)
        if name == "mrl":
            crops = lit(crops, self.lamps, rng)
        if name == "photographs":
            crops = pupils(crops, points, 0.35 * (take["lids"][:, 0] > 0.9), dice)
        truth = Truth(
            take["lids"], take["merged"], take["lids_weight"], take["open"], take["open_weight"],
            torch.ones(n), points, take["iris_weight"], take["corner_weight"],
        )  # fmt: skip
        return crops, truth
