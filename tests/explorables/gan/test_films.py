"""The recorded trainings: that they are what the recipe's code does, and what is to be seen of them."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.commands import _stale
from atlas_cli.data import load
from atlas_cli.diagrams import films
from atlas_cli.engine.build import create
from atlas_cli.engine.ema import Ema
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.gan import _films
from atlas_cli.pages import filming
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig


@pytest.mark.parametrize("name", _films.TAKES)
def test_a_film_begins_as_the_recipe_trains(name: str):
    """The first rounds played again: the same points, opinions and pushes, up to rounding."""
    recorded = _films.film(name)
    again = filming.shoot("gan", name, until=_films.STEPS[1])
    assert again.steps == _films.STEPS[:2]
    for step in again.steps:
        now, then = again.at(step), recorded.at(step)
        for kind in ("points", "pulls", "view"):
            torch.testing.assert_close(
                torch.tensor(now[kind]), torch.tensor(then[kind]), atol=30, rtol=0, check_dtype=False
            )
        assert now["d_real"] == pytest.approx(then["d_real"], abs=0.01)


@pytest.mark.parametrize("name", _films.TAKES)
def test_a_film_has_a_still_for_every_step_of_the_knob(name: str):
    film, take = _films.film(name), _films.TAKES[name]
    assert (film.recipe, tuple(film.changes), film.steps) == take
    assert film.rounds == take.steps[-1]
    assert film.seed == recipes.resolve(film.recipe).train.seed
    for still in film.stills:
        assert len(still["points"]) == len(still["smooth"]) == _films.N_SHOWN
        assert len(still["pulls"]) == _films.N_PULLED
        assert (len(still["view"]), len(still["view"][0])) == (_films.GRID, _films.GRID)
        assert len(still["counts"]) == film.facts["modes"]


def test_the_file_of_a_film_holds_it(tmp_path):
    film = _films.film("modes")
    file = tmp_path / "modes.json"
    file.write_text(film.as_text(), encoding="utf-8")
    assert films.read(file) == film


def test_modes_are_counted_as_the_figures_of_the_recipe_count_them():
    """A tenth of an even share of points within three deviations: a few of them just inside and outside."""
    source = load({"name": "modes25"})
    fair = round(_films.FAIR_SHARE * _films.N_JUDGED / 25)
    on = source.modes[0] + torch.tensor([2.9 * source.std, 0.0])
    off = source.modes[1] + torch.tensor([3.1 * source.std, 0.0])
    points = torch.cat([on.expand(fair, 2), source.modes[2].expand(fair - 1, 2), off.expand(500, 2)])
    found = _films.counts(points, source)
    assert found[:3] == [fair, 0, fair - 1]
    assert _films.modes_found(found) == 1
    assert _films.good_share(found) == (2 * fair - 1) / _films.N_JUDGED


def test_the_pulls_point_up_the_discriminators_slope(monkeypatch: pytest.MonkeyPatch):
    """A logit of 3 y: the generator's loss has the slope 3 (D - 1) there, and the map has high y on top."""
    monkeypatch.setattr(
        "atlas_cli.systems.gan.gan.Discriminator.forward", lambda self, x, label: 3 * x[:, 1] + 0 * x[:, 0]
    )
    monkeypatch.setattr(_films, "fresh_gap", lambda fake, real: 0.0)  # its critic has no weight left to learn
    gan = create(recipes.resolve("gan/modes"))
    gan.attach(Setting(load({"name": "modes25"}), TrainConfig(steps=1, batch_size=1, lr=1e-3)))
    still = _films.still(gan, Ema(gan, 0.9))
    view = torch.tensor(still["view"])
    assert (view.diff(dim=0) <= 0).all()
    assert (view.diff(dim=1) == 0).all()
    points, pulls = (torch.tensor(_films.whole(still[kind])) for kind in ("points", "pulls"))
    expected = 3 * (1 - torch.sigmoid(3 * points[: _films.N_PULLED, 1]))
    torch.testing.assert_close(pulls[:, 1], expected, atol=0.02, rtol=0.02)
    assert not pulls[:, 0].any()


def test_a_film_whose_recipe_or_code_has_changed_is_named(tmp_path):
    film = _films.film("modes")
    file = tmp_path / "old.json"
    file.write_text(film._replace(hash="0" * 16, code="sha256:0").as_text(), encoding="utf-8")
    recipe, code = films.why(file)
    assert "its recipe gan/modes has changed" in recipe
    assert "the code of gan" in code


def test_the_list_of_what_is_old_names_a_film(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_stale, "stale", lambda recipe: [])
    monkeypatch.setattr(films, "why", lambda file: ["changed"] if file.stem == "modes" else [])
    told = _stale.found()
    assert told["gan/films/modes.json"] == ["changed"]
    assert "gan/films/modes-without-r1.json" not in told


def test_what_is_missing_or_stale_is_recorded_and_nothing_else(tmp_path, monkeypatch: pytest.MonkeyPatch):
    recorded, made = {name: _films.film(name) for name in _films.TAKES}, []

    def shoot(family: str, name: str) -> films.Film:
        made.append(name)
        return recorded[name]

    monkeypatch.setattr(filming, "shoot", shoot)
    monkeypatch.setattr(films, "path", lambda family, name: tmp_path / family / f"{name}.json")
    monkeypatch.setattr(films, "why", lambda file: ["changed"] if file.stem == "modes" else [])
    filming.main([])
    assert made == list(_films.TAKES)
    filming.main([])
    assert made == [*_films.TAKES, "modes"]
    filming.main(["gan/modes-without-r1"])
    assert made[-1] == "modes-without-r1"
    assert films.read(tmp_path / "gan" / "modes.json") == recorded["modes"]


@pytest.mark.parametrize("shift", [0.5, 3.0])
def test_a_fresh_critic_finds_how_far_a_cloud_was_moved(shift: float):
    """The best critic is a ramp of slope one: the gap is the move, and the exact distance is it, too."""
    real = torch.randn(_films.N_CARRIED, 2, generator=torch.Generator().manual_seed(1))
    state = torch.get_rng_state()
    gap = _films.fresh_gap(real - torch.tensor([shift, 0.0]), real)
    assert gap == pytest.approx(shift, rel=0.15)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_fresh_critic_finds_no_gap_in_one_cloud():
    cloud = torch.randn(_films.N_CARRIED, 2, generator=torch.Generator().manual_seed(2))
    assert abs(_films.fresh_gap(cloud, cloud)) < 0.02
