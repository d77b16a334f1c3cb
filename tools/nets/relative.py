"""The relative head: a linear reading of ``[e, e - rest]``, fitted on posed people's faces.

Face and rest are drawn under two lights: in daylight and three times as the cabin's camera would
show them. The weight decay was chosen on posed people, never on nir_faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dms.decision.emotion.relative import SEVEN
from dms.engine.engine import Engine
from dms.engine.preprocess.crop import FaceCropSettings
from dms.values import EXPRESSIONS
from tools.nets.infrared import cabin
from tools.nets.posed import Faces, plain_face
from tools.nets.shipped import outputs

LIGHTS = 4  # the first is daylight
DECAY = 100.0
RAGE = np.array([name in ("anger", "disgust") for name in SEVEN])
SEVEN_OF = np.array([SEVEN.index(name) if name in SEVEN else -1 for name in EXPRESSIONS])
STEPS = 80


@dataclass(frozen=True, slots=True)
class Pairs:
    """Embeddings of faces and of their rests (n, E), class (n,) in SEVEN, person (n,)."""

    face: NDArray[np.float32]
    rest: NDArray[np.float32]
    label: NDArray[np.int64]
    person: NDArray[np.str_]


def embeddings(engine: Engine, faces: Faces, rows: NDArray, size: int) -> NDArray[np.float32]:
    """(LIGHTS, n, E): each face in daylight, then under the cabin's lamp."""
    rng, framing, found = np.random.default_rng(5), FaceCropSettings(size=size), []
    for light in range(LIGHTS):
        crops = [plain_face(faces.patches[row], faces.anchors[row], framing) for row in rows]
        if light:
            lit = [np.round(cabin(crop.astype(np.float32), rng)) for crop in crops]
            crops = [np.clip(crop, 0, 255).astype(np.uint8) for crop in lit]
        found.append(outputs(engine, np.stack(crops))["embedding"])
    return np.stack(found)


def pairs_of(faces: Faces, rows: NDArray, seen: NDArray[np.float32]) -> Pairs:
    """Every labelled face with another neutral face of the same person, under another light."""
    rng = np.random.default_rng(6)
    place = {int(row): at for at, row in enumerate(rows)}
    made: list[tuple[NDArray, NDArray, int, str]] = []
    for light in range(LIGHTS):
        for at, row in enumerate(rows):
            person, label = str(faces.person[row]), SEVEN_OF[faces.label[row]]
            rests = [place[r] for r in faces.rests[person].tolist() if r in place and r != row]
            if label >= 0 and faces.label[row] >= 0 and rests:
                rest = seen[rng.integers(LIGHTS), int(rng.choice(rests))]
                made.append((seen[light, at], rest, int(label), person))
    face, rest, label, person = zip(*made, strict=True)
    return Pairs(np.array(face), np.array(rest), np.array(label), np.array(person))


def fitted(pairs: Pairs, decay: float = DECAY) -> dict[str, NDArray[np.float64]]:
    """The arrays of the .npz file.

    Sets count by the root of their number, classes all alike: a score says what a face looks like,
    not how often people look so.
    """
    import torch  # noqa: PLC0415 - an extra
    from torch.nn import functional  # noqa: PLC0415

    both = np.concatenate([pairs.face, pairs.face - pairs.rest], 1).astype(np.float64)
    middle, spread = both.mean(0), both.std(0) + 1e-6
    x = torch.from_numpy((both - middle) / spread)
    label, raging = torch.from_numpy(pairs.label), torch.from_numpy(RAGE[pairs.label]).double()
    weight = torch.from_numpy(_weights(pairs))
    w = torch.zeros(8, x.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([w, b], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        said = x @ w.T + b
        seven = functional.cross_entropy(said[:, :7], label, reduction="none")
        odds = functional.binary_cross_entropy_with_logits(said[:, 7], raging, reduction="none")
        total = ((seven + odds) * weight).mean() + LIGHTS * decay * (w**2).sum() / len(x)
        total.backward()
        return total

    optimiser.step(loss)
    weights = w.detach().numpy() / spread
    bias = b.detach().numpy() - weights @ middle
    size = pairs.face.shape[1]
    own, change = weights[:, :size], weights[:, size:]
    neutral = SEVEN.index("neutral")
    people = sorted(set(pairs.person[pairs.label == neutral].tolist()))
    rests = np.stack(
        [pairs.face[(pairs.person == p) & (pairs.label == neutral)].mean(0) for p in people]
    )
    population = rests.mean(0)
    return {
        "rage_embedding": own[7], "rage_change": change[7], "rage_bias": bias[7],
        "classes_embedding": own[:7], "classes_change": change[:7], "classes_bias": bias[:7],
        "classes_absolute": np.float64(0.0),
        "population": population,
        "population_sd": np.std((rests - population) @ change[7]),
    }  # fmt: skip


def calibrated(head: dict[str, NDArray], judged: Pairs) -> dict[str, NDArray]:
    """Divide log odds and logits by the temperatures that fit people who were not fitted on.

    Without it a net that has learned its people by heart would be too sure of others. The order of
    faces stays, and with it every AUROC and every decision between classes.
    """
    said, seven = odds(head, judged.face, judged.rest)
    weight, raging = _weights(judged), RAGE[judged.label]

    def odds_loss(heat: float) -> float:
        wrong = np.logaddexp(0, np.where(raging, -said, said) / heat)
        return float((weight * wrong).mean())

    def class_loss(heat: float) -> float:
        scaled = seven / heat
        top = scaled.max(1, keepdims=True)
        total = np.log(np.exp(scaled - top).sum(1)) + top[:, 0]
        return float((weight * (total - scaled[np.arange(len(scaled)), judged.label])).mean())

    heats = np.exp(np.linspace(-1.2, 2.0, 161))
    of_odds, of_classes = (min(heats, key=one) for one in (odds_loss, class_loss))
    divisor = {"rage": of_odds, "classes": of_classes, "population_sd": of_odds}
    kept = {"classes_absolute", "population"}
    return {
        name: value if name in kept else value / divisor.get(name, divisor.get(name.split("_")[0]))
        for name, value in head.items()
    }


def _weights(pairs: Pairs) -> NDArray[np.float64]:
    sets = np.array([person.split("/")[0] for person in pairs.person])
    number = {name: (sets == name).sum() for name in set(sets.tolist())}
    by_class = np.bincount(pairs.label, minlength=7)
    of_set = np.sqrt([number[name] for name in sets])
    weight = 1 / (of_set * by_class[pairs.label])
    return weight / weight.mean()


def odds(head: dict[str, NDArray], face: NDArray, rest: NDArray) -> tuple[NDArray, NDArray]:
    """Log odds of anger + disgust (n,) and logits of the seven classes (n, 7)."""
    rage = face @ head["rage_embedding"] + (face - rest) @ head["rage_change"] + head["rage_bias"]
    seven = face @ head["classes_embedding"].T + (face - rest) @ head["classes_change"].T
    return rage, seven + head["classes_bias"]


def folds(people: Sequence[str], count: int = 5) -> dict[str, int]:
    """Return a fold for each person, even over the sets."""
    return {person: at % count for at, person in enumerate(sorted(set(people)))}
