"""The measurement of road rage: its actors, its drives and its counting."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra 'demo' is not installed")

from dms.config import Settings
from dms.errors import ConfigError
from dms.values import EXPRESSIONS, Embedding, Event, ExpressionScores, Kind, Level
from tests.scenarios.faces import Face, head
from tests.tiny_nets import write_expression
from tests.tools.mosaics import fer_rows, write_tiles
from tools.evaluation import acting, fer_drives, posed_drives, rage
from tools.evaluation.acting import SIDE, Actor, Move, Scene
from tools.evaluation.figures import share
from tools.nets.posed import SIDE as PATCH
from tools.nets.posed import Patches

FLAT = np.full((SIDE, SIDE), 120.0, np.float32)
CHAIN = SimpleNamespace(settings=Settings())


def film(move: Move, seed: int = 1, still: np.ndarray = FLAT, frames: int = 1) -> list[np.ndarray]:
    scene = Scene("a", frames / 10, [still], lambda _: move, np.full_like(FLAT, 220.0))
    return [frame.gray for _, frame in Actor(seed, 10.0).play([scene])]


def face() -> np.ndarray:
    """A made-up face: two dark eyes and a mouth line."""
    still = FLAT.copy()
    for x, y in acting.EYES:
        still[int(y) - 6 : int(y) + 7, int(x) - 12 : int(x) + 13] = 30.0
    return still


def test_the_same_seed_gives_the_same_film() -> None:
    assert np.array_equal(film(Move(), 3, frames=4), film(Move(), 3, frames=4))
    assert not np.array_equal(film(Move(), 3), film(Move(), 4))


def test_each_still_has_an_equal_share_and_time_goes_on() -> None:
    scenes = [Scene("a", 2.0, [FLAT, FLAT + 60]), Scene("b", 1.0, [FLAT])]
    shown = list(Actor(1, 10.0).play(scenes))
    assert [scene.name for scene, _ in shown] == ["a"] * 20 + ["b"] * 10
    assert [frame.t_s for _, frame in shown] == pytest.approx([at / 10 for at in range(30)])
    bright = [frame.gray.mean() > 150 for _, frame in shown]
    assert bright == [False] * 10 + [True] * 10 + [False] * 10


def test_an_open_mouth_is_dark_and_below_the_line_only() -> None:
    shut, wide = (np.asarray(film(Move(mouth=m))[0], float) for m in (0.0, 1.0))
    darker = (shut - wide) > 40
    y, x = np.nonzero(darker)
    line = acting.EYES[0, 1] + acting.MOUTH_DOWN
    assert darker.sum() > 100
    assert y.mean() == pytest.approx(line + 10, abs=8)
    assert x.mean() == pytest.approx(acting.EYES[:, 0].mean(), abs=4)


@pytest.mark.parametrize("move", [Move(squint=1.0), Move(blink=1.0)])
def test_lids_narrow_the_eyes(move: Move) -> None:
    dark = [(film(m, still=face())[0] < 80).sum() for m in (Move(), move)]
    assert dark[1] < 0.8 * dark[0]


def test_sun_brightens_and_a_flash_blends_the_other_still() -> None:
    plain, sunny, flashed = (film(m)[0].mean() for m in (Move(), Move(sun=1.0), Move(flash=0.5)))
    assert sunny > plain + 40
    assert flashed == pytest.approx(plain + 50, abs=5)


def test_flashes_last_as_long_as_they_say() -> None:
    t_s = np.arange(0.0, 30.0, 1 / rage.FLASH_FPS)
    shown = np.array([rage.flashing_at(t).flash for t in t_s])
    for at, lasts_s in enumerate(rage.FLASHES_S):
        inside = (t_s >= rage.begins_s(at) - 0.5) & (t_s < rage.begins_s(at) + 1.0)
        assert (shown[inside] > 0).sum() == pytest.approx(lasts_s * rage.FLASH_FPS, abs=1)
        assert shown[inside].max() > 0.8


def test_a_spot_counts_where_it_meets_the_flash() -> None:
    spot = Event(5.0, Kind.MICRO_EXPRESSION, Level.NONE, "", 4.0, 4.1)
    assert rage.meets(spot, 4.05, 4.2)
    assert not rage.meets(spot, 4.2, 4.3)


def test_shares_have_wilsons_interval() -> None:
    assert share(6, 7) == {"found": 6, "of": 7, "interval": [0.487, 0.974]}
    assert share(0, 0)["interval"] is None


def looks(**scores: float) -> list[ExpressionScores]:
    row = {"neutral": 1.0 - sum(scores.values()), **scores}
    values = tuple(row.get(name, 0.0) for name in EXPRESSIONS)
    return [ExpressionScores(values, True, max(values), -0.2, 0.5)]


def test_a_drive_tells_anger_and_nothing_else() -> None:
    calm, angry = looks(anger=0.1), looks(anger=0.9)
    assert fer_drives.drive(CHAIN, [(calm, 60.0), (looks(happiness=0.9), 15.0)], 1) == []
    told = fer_drives.drive(CHAIN, [(calm, 40.0), (angry, 15.0)], 1)
    assert [level for _, level in told] == [1, 2]
    assert all(40 < t_s < 55 for t_s, _ in told)


def test_a_drive_of_embeddings_is_read_against_its_own_rest() -> None:
    person = Face(3)

    def shown(anger: float) -> list[ExpressionScores]:
        (plain,) = looks()
        return [replace(plain, embedding=Embedding(person.shows(anger))) for _ in range(6)]

    stretches = [(shown(0.0), 40.0), (shown(3.2), 15.0)]
    told = fer_drives.drive(CHAIN, stretches, 1, head())
    assert [level for _, level in told] == [1, 2]
    assert all(40 < t_s < 55 for t_s, _ in told)
    assert fer_drives.drive(CHAIN, stretches, 1) == []  # the scores alone show nothing


def agreeing(n: int) -> list[dict[str, object]]:
    """Rows on whose expression both label sets agree."""
    rows = fer_rows(n, 0)
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    for row in rows:
        row.update({key: 0 for key in row if key.startswith("votes_")})
        row[f"votes_{names[int(str(row['fer2013']))]}"] = 9
    return rows


def test_fer_figures_have_the_agreed_keys(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fer_drives, "REST_S", 25.0)
    monkeypatch.setattr(fer_drives, "ACT_S", 4.0)
    monkeypatch.setattr(fer_drives, "LOOKS", 2)
    write_expression(tmp_path)
    tiles = np.random.default_rng(8).integers(0, 256, (14, 48, 48), np.uint8)
    write_tiles(tmp_path / "fer2013", tiles, agreeing(14))
    found = fer_drives.measure_fer(tmp_path / "fer2013", tmp_path, CHAIN, choose=False)
    assert found["anger"]["of"] == 2
    assert 0 <= found["anger"]["found"] <= 2
    assert found["calm_hours"] > 0
    json.dumps(found)


def test_a_folder_without_agreed_tiles_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiles = np.zeros((14, 48, 48), np.uint8)
    write_tiles(tmp_path / "fer2013", tiles, fer_rows(14, 14))
    with pytest.raises(ConfigError, match="no held-out tile"):
        fer_drives.measure_fer(tmp_path / "fer2013", tmp_path, CHAIN, choose=False)


def labelled(folder, header: str, rows: list[str]):
    folder.mkdir(parents=True)
    for row in rows:
        (folder / row.split(",")[0]).write_bytes(b"")
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


@pytest.mark.parametrize("column", ["subject", "person"])
def test_stills_are_of_people_of_any_name(tmp_path, monkeypatch, column: str) -> None:
    monkeypatch.setattr(rage, "framed", lambda path, predictor: path.name)
    rows = ["a.png,Ada,neutral", "b.png,Ada,anger", "c.png,7,neutral", "d.png,7,anger",
            "e.png,Bo,neutral", "f.png,,anger", "g.png,,neutral"]  # fmt: skip
    data = labelled(tmp_path / "faces", f"file,{column},expression", rows)
    people = rage._people(data, None, None)
    assert people == {
        "Ada": {"neutral": ["a.png"], "anger": ["b.png"]},
        "7": {"neutral": ["c.png"], "anger": ["d.png"]},
    }
    assert set(rage._people(data, None, ["7"])) == {"7"}


def test_a_numbered_person_keeps_the_seed_and_a_name_has_one_of_its_own() -> None:
    assert rage.seed_of("7") == 7
    assert rage.seed_of("Ada") == rage.seed_of("Ada") != rage.seed_of("Bo")


def test_only_what_the_folder_holds_is_measured(tmp_path, capsys) -> None:
    for name in ("nir_faces", "fer2013", "clips"):
        (tmp_path / "data" / name).mkdir(parents=True)
    assert rage.there(tmp_path / "data") == ["anger", "calm", "webcam", "fer", "flashes"]
    assert "no pictures for: posed (posed_faces)" in capsys.readouterr().err
    own = labelled(tmp_path / "own", "file,person,expression", ["a.png,A,anger"])
    assert rage.there(own) == ["anger", "calm", "posed", "flashes"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"neither labels\.csv nor"):
        rage.there(tmp_path / "empty")


@pytest.mark.parametrize("header", ["file,subject,expression", "file,person,expression,set"])
def test_posed_drives_read_a_folder_without_sets(tmp_path, monkeypatch, header: str) -> None:
    monkeypatch.chdir(tmp_path)
    tail = "," * header.endswith("set")
    rows = [f"{who}{face[0]}.png,{who},{face}{tail}"
            for who in "ABCDEFGH" for face in ("neutral", "anger")]  # fmt: skip
    rows += [f"x.png,,neutral{tail}", f"y.png,A,bored{tail}"]
    data = labelled(tmp_path / "faces", header, rows)
    write_expression(tmp_path)
    files = np.array([row.split(",")[0] for row in rows])
    grown = np.stack([[40, 60], [100, 60], [50, 110], [90, 110]]).astype(np.float32)
    faces = Patches(
        files, np.full((len(rows), PATCH, PATCH), 90, np.uint8),
        np.stack([grown] * len(rows)), np.ones(len(rows), bool),
    )  # fmt: skip
    monkeypatch.setattr(posed_drives, "patches_of", lambda folder, cache: faces)
    album = posed_drives._album(data, tmp_path, CHAIN, choose=False)
    assert {who: sorted(of) for who, of in album.items()} == {"/F": ["anger", "neutral"]}
    album = posed_drives._album(data, tmp_path, CHAIN, choose=True)
    assert set(album) == {"/B"}
