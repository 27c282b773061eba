"""Modulation against a plain loop, mixtures, truncation, and figures on sets that are known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from atlas_cli.data import strokes
from atlas_cli.data.images import ImageSource, to_float
from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.metrics.judge import Judge, JudgeNet
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan import style_figures, stylegan
from atlas_cli.systems.gan.stylegan import (
    N_LAYERS,
    Config,
    Generator,
    StyleGAN,
    mixed,
    modulated_convolution,
    scaled_convolution,
    truncated,
)


def small(source: ImageSource, **fields: object) -> StyleGAN:
    torch.manual_seed(0)
    train = TrainConfig(steps=5, batch_size=8, lr=1e-2, betas=(0.0, 0.99))
    config = Config(**{"image_size": 8, "width": 8, "z_dim": 4, "style_dim": 6} | fields)
    system = StyleGAN(config).attach(Setting(source, train))
    assert isinstance(system, StyleGAN)
    return system


def with_noise(system: StyleGAN) -> StyleGAN:
    """Its noise maps count; in a fresh network their strengths are zero."""
    for convolution in system.generator.convolutions:
        nn.init.constant_(convolution.strength, 0.5)
    return system.eval()


# --- the modulated convolution -----------------------------------------------------------------------


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("form", [modulated_convolution, scaled_convolution])
def test_every_image_is_convolved_with_its_own_scaled_weights(form, demodulate: bool) -> None:
    """A loop over images and output channels, by eq. 1 and 3 of StyleGAN2."""
    torch.manual_seed(0)
    x, style = torch.randn(3, 4, 6, 5).double(), torch.randn(3, 4).double()
    weight = torch.randn(7, 4, 3, 3).double()
    rows = []
    for image, scales in zip(x, style, strict=True):
        kernels = []
        for kernel in weight:
            own = torch.stack([scale * plane for scale, plane in zip(scales, kernel, strict=True)])
            if demodulate:
                own = own / math.sqrt(float((own**2).sum()) + 1e-8)
            kernels.append(own)
        rows.append(F.conv2d(image[None], torch.stack(kernels), padding=1))
    torch.testing.assert_close(form(x, weight, style, demodulate), torch.cat(rows))


def test_both_forms_have_the_same_gradients() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(shape).double().requires_grad_() for shape in ((2, 3, 5, 5), (4, 3, 3, 3), (2, 3))]
    aim = torch.randn(2, 4, 5, 5).double()
    slopes = [
        torch.autograd.grad((form(*inputs) * aim).sum(), inputs)
        for form in (modulated_convolution, scaled_convolution)
    ]
    for a, b in zip(*slopes, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("form", [modulated_convolution, scaled_convolution])
def test_unit_variance_in_gives_unit_variance_out_whatever_the_style(form) -> None:
    """Away from the border every output is a sum of weights of length one times independent inputs."""
    torch.manual_seed(0)
    x, style = torch.randn(8, 6, 66, 66), torch.tensor([0.01, 1.0, 100.0, 5.0, -3.0, 0.2]).expand(8, -1)
    y = form(x, torch.randn(4, 6, 3, 3), style)[..., 1:-1, 1:-1]
    torch.testing.assert_close(y.var(dim=(0, 2, 3)), torch.ones(4), atol=0.05, rtol=0)
    plain = form(x, torch.randn(4, 6, 3, 3), style, False)[..., 1:-1, 1:-1]
    assert plain.var() > 1_000


def test_a_style_as_a_whole_larger_changes_nothing() -> None:
    """Only the proportions of its scales are left."""
    torch.manual_seed(0)
    x, weight, style = torch.randn(2, 3, 4, 4), torch.randn(5, 3, 3, 3), torch.randn(2, 3)
    torch.testing.assert_close(
        scaled_convolution(x, weight, 7 * style), scaled_convolution(x, weight, style), rtol=1e-4, atol=1e-5
    )


# --- styles --------------------------------------------------------------------------------------------


def test_layers_below_the_crossover_have_the_coarse_style() -> None:
    coarse, fine = torch.zeros(3, 2), torch.ones(3, 2)
    styles = mixed(coarse, fine, torch.tensor([0, 2, N_LAYERS]))
    assert styles[..., 0].tolist() == [[1] * N_LAYERS, [0, 0] + [1] * (N_LAYERS - 2), [0] * N_LAYERS]


def test_a_layer_hears_its_own_style_alone(tiny_images: ImageSource) -> None:
    """The slope by the style of replaced layers is zero, and by that of the others it is not."""
    system = small(tiny_images).eval()
    coarse, fine = (torch.randn(2, 6, requires_grad=True) for _ in range(2))
    noise = torch.zeros(2, system.n_noise)
    for layer, heard in ((0, (False, True)), (2, (True, True)), (N_LAYERS, (True, False))):
        image = system.images(coarse, noise, fine, layer)
        slopes = torch.autograd.grad(image.square().sum(), (coarse, fine))
        assert tuple(bool(slope.abs().sum() > 0) for slope in slopes) == heard


def test_psi_one_is_the_style_and_psi_zero_the_mean_of_its_class(tiny_images: ImageSource) -> None:
    system = small(tiny_images).eval()
    z, label = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    noise = torch.zeros(6, system.n_noise)
    with torch.no_grad():
        w, mean = system.styles(z, label), system.mean_styles(label)
        assert torch.equal(system.styles(z, label, 1.0), system.generator.mapping(z, label))
        torch.testing.assert_close(system.styles(z, label, 0.0), mean)
        torch.testing.assert_close(system.styles(z, label, 0.25), mean + (w - mean) / 4)
        alike = system.images(system.styles(z, label, 0.0), noise)
    torch.testing.assert_close(alike[:3], alike[3:])
    assert (alike[0] - alike[1]).abs().max() > 1e-3
    assert torch.equal(truncated(w, mean, 1.0), mean + (w - mean))


def test_the_mean_style_is_that_of_many_draws(tiny_images: ImageSource) -> None:
    """Without a mapping w is z of mean square one and the class, whose mean is zero and the class."""
    system = small(tiny_images, mapping_layers=0).eval()
    with torch.no_grad():
        mean = system.mean_styles(torch.tensor([3, 7]))
        known = system.generator.mapping.norm(system.generator.mapping.embed(torch.tensor([3, 7])))
    torch.testing.assert_close(mean[:, 4:], known)
    torch.testing.assert_close(mean[:, :4], torch.zeros(2, 4), atol=4 / math.sqrt(stylegan.N_MEAN), rtol=0)


def test_a_generator_without_classes_has_one_mean(tiny_images: ImageSource) -> None:
    system = small(tiny_images, conditional=False).eval()
    with torch.no_grad():
        assert system.mean_styles(None).shape == (1, 6)
        sheet = system.sample(SampleRequest(n=3, extras={"psi": 0.0}))
    np.testing.assert_allclose(sheet.images[0], sheet.images[1], atol=1e-6)  # noise counts for nothing yet
    with pytest.raises(UsageError, match="no classes"):
        system.sample(SampleRequest(n=2, label=1))


def test_noise_changes_each_pixel_and_styles_do_not_know_it(tiny_images: ImageSource) -> None:
    system = with_noise(small(tiny_images))
    w = torch.randn(2, 6)
    noise = torch.zeros(2, system.n_noise)
    noise[1, -1] = 5  # the last pixel of the finest map
    with torch.no_grad():
        one, other = system.images(w[:1].expand(2, -1), noise)
    changed = ((one - other)[0].abs() > 1e-5).nonzero()
    assert changed.min() == 8 - 2  # only where the last 3x3 convolution carries it
    assert len(changed) == 4


def test_a_latent_of_two_numbers_does(tiny_images: ImageSource) -> None:
    system = small(tiny_images, z_dim=2)
    assert math.isfinite(float(system.step(system.batch(0), system.optimizers())["loss"]))
    with torch.no_grad():
        assert system.eval().sample(SampleRequest(n=3)).images.shape == (3, 1, 8, 8)


# --- training ------------------------------------------------------------------------------------------


def test_so_many_images_have_two_styles(tiny_images: ImageSource) -> None:
    crossover = torch.cat([small(tiny_images, mixing=0.5).batch(step).crossover for step in range(200)])
    counts = crossover.bincount(minlength=N_LAYERS + 1) / len(crossover)
    assert counts[0] == 0
    torch.testing.assert_close(
        counts[1:N_LAYERS], torch.full((N_LAYERS - 1,), 0.5 / (N_LAYERS - 1)), atol=0.03, rtol=0
    )
    assert (small(tiny_images, mixing=0.0).batch(0).crossover == N_LAYERS).all()
    assert (small(tiny_images, mixing=1.0).batch(0).crossover < N_LAYERS).all()


def test_at_the_bottom_z_enters_once_and_costs_as_many_weights() -> None:
    fields = recipes.resolve("stylegan/small").model
    nets = [Generator(Config(**{**fields, "enters": enters})) for enters in ("styles", "bottom")]
    sizes = [sum(p.numel() for p in net.parameters()) for net in nets]
    assert abs(sizes[1] / sizes[0] - 1) < 0.05
    assert all(layer.affine is None for layer in nets[1].convolutions)
    z, label = torch.randn(2, 2, fields["z_dim"]), torch.tensor([1, 2])
    noise = torch.randn(2, sum(size**2 for size in nets[1].sizes))
    drawn = [nets[1](z, label, torch.full((2,), layer), noise) for layer in (1, N_LAYERS)]
    assert torch.equal(*drawn)


# --- figures -------------------------------------------------------------------------------------------


def test_precision_and_recall_of_sets_whose_figures_are_known() -> None:
    torch.manual_seed(0)
    points = torch.randn(200, 5)
    assert style_figures.precision_recall(points, points) == (1, 1)
    assert style_figures.precision_recall(points, points + 100) == (0, 0)
    both = torch.cat([points, points + 100])
    assert style_figures.precision_recall(both, points) == (1, 0.5)
    precision, recall = style_figures.precision_recall(points, both)
    assert (precision, recall) == (0.5, 1)


def test_precision_is_counted_as_in_the_paper() -> None:
    """Four real points on a line and k = 1: reaches 1, 1, 1 and 4; a sample at 2.5 is within, at 13 not."""
    real, drawn = torch.tensor([[0.0], [1.0], [2.0], [6.0]]), torch.tensor([[2.5], [13.0], [13.5]])
    assert style_figures.precision_recall(real, drawn, k=1)[0] == pytest.approx(1 / 3)
    # Reaches of the drawn: 10.5, .5 and .5; all real points lie within 10.5 of 2.5.
    assert style_figures.precision_recall(real, drawn, k=1)[1] == 1


def test_the_path_of_a_linear_generator_has_a_closed_form() -> None:
    """On a line the speed is |A (b - a)|; on the arc between orthogonal vectors it is pi/2 |A tangent|."""
    torch.manual_seed(0)
    matrix = torch.randn(3, 5).double()
    a, b, t = (torch.randn(40, 5).double(), torch.randn(40, 5).double(), torch.rand(40, 1).double() * 0.99)
    straight = style_figures.path_length(lambda t: style_figures.line(a, b, t) @ matrix.T, t)
    assert straight == pytest.approx(float(((b - a) @ matrix.T).square().sum(1).mean()), rel=1e-9)
    a, b = torch.eye(5).double()[:1].expand(40, -1), torch.eye(5).double()[1:2].expand(40, -1)
    round_ = style_figures.path_length(lambda t: style_figures.arc(a, b, t), t)
    chord = (2 / style_figures.EPSILON * math.sin(math.pi / 4 * style_figures.EPSILON)) ** 2
    assert round_ == pytest.approx(chord, rel=1e-6)
    assert chord == pytest.approx((math.pi / 2) ** 2, rel=1e-4)
    # Twice pi^2 / 8 of the squared distance: what the arc costs even a linear map, as the page says.
    assert round_ / float((b - a)[0].square().sum()) == pytest.approx(math.pi**2 / 8, rel=1e-4)


def test_a_generator_that_draws_one_image_has_no_path() -> None:
    a, b, t = torch.randn(4, 5), torch.randn(4, 5), torch.rand(4, 1)
    figures = style_figures.paths(a, b, t, lambda z: z, lambda w: torch.ones(len(w), 3))
    assert figures == dict.fromkeys(("path_z", "path_w", "path_z_over_w", "detour_z", "detour_w"), 0.0)


def test_a_shear_adds_to_the_slant() -> None:
    page = torch.full((3, 1, 29, 29), -1.0)
    for i, lean in enumerate((0.0, 0.5, -0.5)):
        for y in range(4, 25):
            x = 14 - lean * (y - 14)  # upwards is to the right
            for column in (math.floor(x), math.floor(x) + 1):
                page[i, 0, y, column] = 2 * max(0.0, 1 - abs(x - column)) - 1
    torch.testing.assert_close(style_figures.slant(page), torch.tensor([0.0, 0.5, -0.5]), atol=1e-4, rtol=0)


def test_the_width_of_a_bar_is_its_ink_over_half_of_its_rim() -> None:
    page = torch.full((1, 1, 28, 28), -1.0)
    page[..., 4:24, 10:13] = 1  # 3 by 20
    assert style_figures.stroke(page).item() == pytest.approx(2 * 60 / (2 * 23), rel=0.02)
    assert style_figures.stroke(torch.full((1, 1, 28, 28), -1.0)).item() == 0


def test_measured_slant_and_stroke_follow_what_the_digits_are_drawn_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def drawn(**constants: float) -> torch.Tensor:
        for name, value in constants.items():
            monkeypatch.setattr(strokes, name, value)
        return to_float(torch.from_numpy(strokes.draw(300, 0)[0][:, None]))

    thin, thick = (
        style_figures.stroke(drawn(RADIUS=radius, RADIUS_SPREAD=0.0)).mean() for radius in (0.9, 1.8)
    )
    assert 1.5 < thick / thin < 2.1
    left, right = (style_figures.slant(drawn(SLANT=lean, SLANT_SPREAD=0.0)).mean() for lean in (-0.3, 0.3))
    assert 0.3 < right - left < 0.7


def test_a_mixture_has_all_of_one_half_of_each_or_all_of_the_other() -> None:
    first, second = torch.tensor([1.0, 4.0, -2.0]), torch.tensor([0.0, 2.0, 5.0])
    assert style_figures.share_from(first, second, first) == 1
    assert style_figures.share_from(first, second, second) == 0
    assert style_figures.share_from(first, second, (first + second) / 2) == pytest.approx(0.5)


def test_what_is_measured_of_a_generator(tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that draws by its coarse styles alone all of a mixture is coarse."""
    for name in ("N_CURVE", "N_PATHS", "N_MIXED"):
        monkeypatch.setattr(style_figures, name, 60)
    monkeypatch.setattr(stylegan, "N_MEAN", 60)
    system = small(tiny_images).eval()
    for layer in (*system.generator.convolutions[style_figures.COARSE :], system.generator.to_image):
        nn.init.zeros_(layer.affine.weight)
    judge = Judge(JudgeNet(1, 8, 10), tiny_images)
    monkeypatch.setattr(Judge, "load_or_train", lambda source, _: judge)
    with torch.no_grad():
        figures = system.evaluate()
        again = system.evaluate()
    assert figures == again
    assert figures["slant_from_coarse"] == pytest.approx(1, abs=1e-4)
    assert figures["stroke_from_fine"] == pytest.approx(0, abs=1e-4)
    assert figures["path_z_over_w"] == pytest.approx(figures["path_z"] / figures["path_w"])
    assert figures["detour_w"] > 0
    assert {f"precision_psi{psi}" for psi in (30, 50, 70, 100)} <= figures.keys()
    with torch.no_grad():
        assert "slant_from_coarse" not in small(tiny_images, enters="bottom").eval().evaluate()


# --- samples -------------------------------------------------------------------------------------------


def test_a_film_leads_from_the_mean_to_the_samples(tiny_images: ImageSource) -> None:
    system = small(tiny_images).eval()
    with torch.no_grad():
        sheet = system.sample(SampleRequest(n=12, seed=1))
        halfway = system.sample(SampleRequest(n=12, seed=1, extras={"psi": 0.5}))
    assert len(sheet.frames) == stylegan.N_FRAMES + 1
    np.testing.assert_array_equal(sheet.frames[0][0], sheet.frames[0][10])  # one class, one mean
    np.testing.assert_allclose(sheet.frames[stylegan.N_FRAMES // 2], halfway.images, atol=1e-6)
    np.testing.assert_array_equal(sheet.frames[-1], sheet.images)


def test_a_grid_has_its_sources_at_its_edges(tiny_images: ImageSource) -> None:
    system = with_noise(small(tiny_images))
    with torch.no_grad():
        coarse, fine = (
            system.sample(SampleRequest(n=9, seed=2, extras={"mix": layer})) for layer in (N_LAYERS, 0)
        )
    assert coarse.columns == 4
    rows, columns = (sheet.images.reshape(4, 4, 1, 8, 8) for sheet in (coarse, fine))
    assert (rows[0, 0] == 0).all()
    for i in range(1, 4):
        for j in range(1, 4):
            np.testing.assert_allclose(rows[i, j], rows[i, 0], atol=1e-6)  # all layers are the row's
            np.testing.assert_allclose(columns[i, j], columns[0, j], atol=1e-6)
    with pytest.raises(UsageError, match="layers with a style, not 9"):
        system.sample(SampleRequest(n=4, extras={"mix": 9}))


@pytest.mark.learn
def test_the_recipe_reaches_its_bars(tmp_path: Path) -> None:
    outcome = trainer.execute(recipes.resolve("stylegan/small"), Options(out=tmp_path), SilentReporter())
    assert outcome.met, outcome.verdicts
