"""Pictures against hand-made ones, and the arithmetic behind them against independent sources."""

import functools
import types
from typing import ClassVar

import numpy as np
import pytest
import recipes
from PIL import Image
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from genlab.errors import InputError
from genlab.game.codes import Codes
from genlab.game.prior import FromPrior
from genlab.plots import figure
from genlab.plots.embedding import (
    latent_embedding,
    neighbour_plane,
    principal_plane,
)
from genlab.plots.grid import enlarge, image_grid, save_png
from genlab.plots.latent import (
    code_traversals,
    interpolations,
    lerp,
    manifold,
    slerp,
)
from genlab.plots.neighbours import nearest, nearest_neighbours
from genlab.plots.samples import reconstructions, samples
from genlab.registry import plots
from genlab.run.recipe import Recipe
from genlab.trained.needs import METHODS


class Model:
    """A trained model of images [2, 1, 1] in [-1, 1], whose code is the two pixels.

    It is its own experiment, without parameters.
    """

    value_range = (-1.0, 1.0)
    step, seed = 7, 0
    params, extra = {}, {}
    DECODER, latent_dim, codes = "decoder", 2, Codes()
    latents = FromPrior.latents
    networks: ClassVar = {"decoder": types.SimpleNamespace(takes_label=False)}

    def __init__(self, methods=METHODS, shape=(2, 1, 1), modes=None, mode_std=0.0):
        self.methods = methods
        self.data = types.SimpleNamespace(
            name="stand_in",
            factors={},
            example_shape=shape,
            num_classes=3,
            class_names=("a", "b", "c"),
            modes=modes,
            mode_std=mode_std,
            lowest_pitch=0,
            held_out=lambda: ("validation", None),
            is_image=len(shape) == 3,
        )
        rng = np.random.default_rng(0)
        self.x = rng.uniform(-1, 1, (12, *shape)).astype(np.float32)

    def has(self, method):
        return method in self.methods

    def sample(self, num, label=None, seed=0):
        return self.x[::-1][:num]

    def seen_by(self, method, batch):
        return (batch["x"],)

    def examples(self, split, num):
        return {"x": self.x[:num], "label": (np.arange(12) % 3)[:num]}

    @property
    def experiment(self):
        return self

    def call(self, method, *arrays):
        return getattr(self, method)(self.params, self.extra, *arrays)

    def compile(self, name, function):
        return functools.partial(function, self)

    def encode(self, params, extra, x):
        return x.reshape(len(x), -1)

    def decode(self, params, extra, z):
        return z.reshape(len(z), *self.data.example_shape)

    def reconstruct(self, params, extra, x):
        return -x

    def filters(self, params, extra):
        return self.x[:4]


# Whose tiny models a plot draws, where the stand-in lacks what it needs.
SERVED_BY = {
    "captions": ("cgan", {}),
    "class_samples": ("dbn", {"variant": "labels"}),
    "completions": ("rbm", {}),
    "fantasies": ("rbm_pcd", {}),
    "game_spectrum": ("dirac_gan", {}),
    "gradient_signal": ("dirac_gan", {}),
    "latent_information": ("beta_vae", {}),
    "latent_spaces": ("vae", {"experiment__latent_dim": "2"}),
    "likelihood_curve": ("vae", {}),
    "phase_portrait": ("dirac_gan", {}),
    "score_field": ("ebm", {"variant": "toy"}),
    "density": ("realnvp", {"variant": "toy"}),
    "translations": ("pix2pix", {}),
    "traversals": ("infogan", {}),
}
# What a plot draws, where it does not draw images.
DRAWN_SHAPES = {
    "vector_field": (2,),
    "melodies": (4, 8),
    "melody_attributes": (4, 8),
    "melody_interpolations": (4, 8),
}


def gray(values, rows):
    """The picture of one-pixel columns that `rows` of value pairs make, without padding."""
    pixels = np.rint((np.asarray(values, np.float64) + 1) * 127.5)
    lines = pixels.reshape(rows, -1, 2).transpose(0, 2, 1).reshape(2 * rows, -1)
    return np.repeat(lines[..., None], 3, axis=2)


@pytest.fixture
def drawn(monkeypatch):
    """Plots return their figure instead of its pixels."""
    monkeypatch.setattr(figure, "render", lambda figure: figure)


def test_grid_places_images_by_row_and_leaves_the_rest_black():
    images = np.array([10, 20, 30], np.uint8).reshape(3, 1, 1, 1)
    picture = image_grid(images, columns=2, padding=1)
    expected = [[0] * 5, [0, 10, 0, 20, 0], [0] * 5, [0, 30, 0, 0, 0], [0] * 5]
    np.testing.assert_array_equal(picture[..., 0], expected)
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
    assert picture.dtype == np.uint8


def test_grid_keeps_colours_and_orientation():
    image = np.arange(18, dtype=np.uint8).reshape(1, 2, 3, 3)
    np.testing.assert_array_equal(image_grid(image, padding=0), image[0])


def test_grid_is_as_square_as_the_count_allows():
    assert image_grid(np.zeros((10, 1, 1, 1), np.uint8), padding=0).shape == (3, 4, 3)


def test_grid_scales_rounds_and_clips_floats():
    images = np.array([-3, -1, 0.2, 1, 9], np.float32).reshape(1, 1, 5, 1)
    picture = image_grid(images, padding=0, value_range=(-1, 1))
    assert picture[0, :, 0].tolist() == [0, 0, 153, 255, 255]  # 1.2 * 127.5 = 153


@pytest.mark.parametrize(
    ("images", "knobs", "told"),
    [
        (np.zeros((2, 3, 3), np.uint8), {}, "(2, 3, 3)"),
        (np.zeros((2, 3, 3, 2), np.uint8), {}, "C 1 or 3"),
        (np.zeros((0, 3, 3, 1), np.uint8), {}, "(0, 3, 3, 1)"),
        (np.zeros((1, 3, 3, 1)), {}, "float64"),
        (np.zeros((1, 3, 3, 1), np.uint8), {"value_range": (0, 1)}, "uint8"),
        (np.zeros((1, 3, 3, 1)), {"value_range": (1, 1)}, "(1, 1)"),
        (np.full((1, 3, 3, 1), np.nan), {"value_range": (0, 1)}, "not finite"),
        (np.zeros((1, 3, 3, 1), np.uint8), {"columns": 0}, "0 columns"),
    ],
)
def test_grid_refuses_in_one_line(images, knobs, told):
    with pytest.raises(InputError) as error:
        image_grid(images, **knobs)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_save_png_keeps_every_pixel_and_leaves_no_draft(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype(np.uint8)
    path = tmp_path / "samples" / "samples-00000007.png"
    save_png(path, np.zeros_like(picture))
    save_png(path, picture)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), picture)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_save_png_refuses_floats(tmp_path):
    with pytest.raises(InputError, match="float64"):
        save_png(tmp_path / "a.png", np.zeros((2, 2, 3)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", list(plots))
def test_every_plot_is_a_deterministic_picture(name):
    if name in SERVED_BY:
        config, overrides = SERVED_BY[name]
        built = Recipe.build(recipes.plain(config, **overrides))
        trained = built.trained(built.init_state())
    else:
        trained = Model(shape=DRAWN_SHAPES.get(name, (2, 1, 1)))
    first, second = (plots.build(name)(trained) for _ in range(2))
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", list(plots))
def test_every_plot_names_itself_and_the_offer_where_a_method_is_missing(name):
    with pytest.raises(InputError) as error:
        plots.build(name)(Model(methods=()))
    assert repr(name) in str(error.value) and "none" in str(error.value)


def test_refusal_lists_what_the_experiment_offers():
    with pytest.raises(InputError, match="offers sample, decode"):
        interpolations(Model(methods=("sample", "decode")))


@pytest.mark.parametrize("plot", [samples, manifold, nearest_neighbours])
def test_image_plots_refuse_vectors(plot):
    with pytest.raises(InputError, match=r"\(5,\)"):
        plot(Model(shape=(5,)))


def test_samples_are_the_models_samples():
    model = Model()
    expected = image_grid(model.x[::-1][:6], columns=3, value_range=(-1, 1))
    np.testing.assert_array_equal(samples(model, num=6, columns=3), expected)


def test_sampled_points_share_one_scale_that_the_data_sets(drawn):
    model = Model(shape=(2,), modes=np.array([[-3.0, 0], [3, 0]]), mode_std=0.1)
    model.sample = lambda num, label=None, seed=0: np.array(
        [[0.0, 0], [3.7, 0], [0, 5.0], [-3.5, 0]]
    )
    shown = samples(model)
    (axes,) = shown.axes
    assert axes.get_aspect() == 1
    # Data are within [-1, 1] and the modes at +-3: 6 wide, 1.2 times that shown.
    np.testing.assert_allclose(axes.get_xlim(), (-3.6, 3.6))
    assert np.ptp(axes.get_ylim()) == pytest.approx(7.2)
    assert [circle.radius for circle in axes.patches] == pytest.approx([0.3, 0.3])
    labels = [text.get_text() for text in shown.legends[0].get_texts()]
    assert labels == ["data", "samples (2 outside)", "modes"]


def test_reconstructions_stand_under_their_originals():
    model = Model()
    a, b, c, d = model.x[:4].reshape(4, 2)
    blank = [-1, -1]
    rows = [a, b, c, -a, -b, -c, d, blank, blank, -d, blank, blank]
    expected = image_grid(
        np.float32(rows).reshape(-1, 2, 1, 1), columns=3, value_range=(-1, 1)
    )
    picture = reconstructions(model, num=4, columns=3)
    np.testing.assert_array_equal(picture, expected)


def test_reconstructed_points_are_joined_to_their_originals(drawn):
    model = Model(shape=(2,))
    (axes,) = reconstructions(model).axes
    joined = [line.get_xydata() for line in axes.lines[:12]]
    np.testing.assert_allclose(joined, np.stack([model.x, -model.x], axis=1))


def test_linear_interpolation_walks_from_example_to_example():
    model = Model()
    a, b, c, d = model.x[:4].reshape(4, 2)
    rows = [a, a, (a + b) / 2, b, b, c, c, (c + d) / 2, d, d]
    expected = image_grid(
        np.float32(rows).reshape(-1, 2, 1, 1), columns=5, value_range=(-1, 1)
    )
    picture = interpolations(model, pairs=2, points=3, path="linear")
    np.testing.assert_array_equal(picture, expected)


def test_pixels_fade_below_the_walk_through_codes():
    model = Model()
    model.decode = lambda params, extra, z: -z.reshape(len(z), 2, 1, 1)
    a, b = model.x[:2].reshape(2, 2)
    rows = [a, -a, (-a - b) / 2, -b, b, a, a, (a + b) / 2, b, b]
    expected = image_grid(
        np.float32(rows).reshape(-1, 2, 1, 1), columns=5, value_range=(-1, 1)
    )
    knobs = dict(pairs=1, points=3, path="linear", pixels=True)
    np.testing.assert_array_equal(interpolations(model, **knobs), expected)


def test_code_traversals_move_what_varies_most_first():
    model = Model()
    model.x[:, 0] /= 4  # the second number varies most
    codes = model.x.reshape(12, 2)
    own, mean, std = codes[3], codes.mean(0), codes.std(0)
    rows = [own, *([own[0], mean[1] + step * std[1]] for step in (-1, 0, 1))]
    rows += [own, *([mean[0] + step * std[0], own[1]] for step in (-1, 0, 1))]
    expected = image_grid(
        np.float32(rows).reshape(-1, 2, 1, 1), columns=4, value_range=(-1, 1)
    )
    picture = code_traversals(model, example=3, points=3, reach=1.0)
    np.testing.assert_array_equal(picture, expected)
    with pytest.raises(InputError, match="example=12 of 12"):
        code_traversals(model, example=12)


def test_interpolation_refuses_an_unknown_path():
    with pytest.raises(InputError, match="did you mean 'spherical'"):
        interpolations(Model(), path="sphericl")


def test_slerp_follows_the_circle():
    start, end = np.array([[2.0, 0, 0]]), np.array([[0, 0, 2.0]])
    fractions = np.linspace(0, 1, 7)
    angle = fractions * np.pi / 2
    circle = np.stack([2 * np.cos(angle), 0 * angle, 2 * np.sin(angle)], axis=1)
    np.testing.assert_allclose(slerp(start, end, fractions), circle[None], atol=1e-12)


@pytest.mark.parametrize("factor", [3.0, -1.0, 0.0])
def test_slerp_is_straight_where_there_is_no_arc(factor):
    start = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    fractions = np.linspace(0, 1, 5)
    straight = lerp(start, factor * start, fractions)
    walked = slerp(start, factor * start, fractions)
    np.testing.assert_allclose(walked, straight, atol=1e-5)


def test_manifold_is_the_grid_of_normal_quantiles():
    class Decoder(Model):
        value_range = (-2.0, 2.0)

    quantiles = norm.ppf((np.arange(4) + 0.5) / 4)
    codes = [(x, y) for y in quantiles[::-1] for x in quantiles]
    picture = manifold(Decoder(), size=4)
    np.testing.assert_array_equal(picture, gray(np.array(codes) / 2, rows=4))


def test_manifold_refuses_codes_of_three():
    with pytest.raises(InputError, match=r"\(3,\)"):
        manifold(Model(shape=(3, 1, 1)))


def test_principal_plane_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)) + 5
    plane, shares = principal_plane(codes)
    pca = PCA(2).fit(codes)
    np.testing.assert_allclose(np.abs(plane), np.abs(pca.transform(codes)), rtol=1e-6)
    np.testing.assert_allclose(shares, pca.explained_variance_ratio_)


def test_codes_in_one_place_stay_there():
    plane = neighbour_plane(np.ones((40, 3)), perplexity=10.0, seed=0)
    np.testing.assert_array_equal(plane, np.zeros((40, 2)))


def test_principal_plane_fixes_the_sign():
    line = np.outer(
        np.arange(4.0), [0.1, -0.1, -1.0]
    )  # grows against its largest entry
    assert np.all(np.diff(principal_plane(line)[0][:, 0]) < 0)
    assert np.all(np.diff(principal_plane(-line)[0][:, 0]) > 0)


def test_embedding_draws_each_class_by_name(drawn):
    model = Model()
    shown = latent_embedding(model)
    (axes,) = shown.axes
    for label, line in enumerate(axes.lines):
        np.testing.assert_allclose(
            line.get_xydata(), model.x.reshape(12, 2)[label::3], rtol=1e-6
        )
    labels = [text.get_text() for text in shown.legends[0].get_texts()]
    assert labels == ["a", "b", "c"]


def test_nearest_agrees_with_scikit_learn_across_chunks():
    rng = np.random.default_rng(0)
    keys, queries = rng.normal(size=(2500, 3, 2)), rng.normal(size=(20, 3, 2))
    finder = NearestNeighbors(n_neighbors=4).fit(keys.reshape(-1, 6))
    expected = finder.kneighbors(queries.reshape(-1, 6), return_distance=False)
    np.testing.assert_array_equal(nearest(queries, keys, count=4), expected)


def test_neighbours_of_a_memorised_sample_are_the_sample():
    model = Model()  # its samples are its training images, last first
    picture = nearest_neighbours(model, num=3, neighbours=1)
    sample, neighbour = picture[:, :5], picture[:, -5:]
    np.testing.assert_array_equal(sample, neighbour)
    assert sample.max() > 0


def test_small_pictures_are_enlarged_by_a_whole_factor():
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    large = enlarge(picture, side=9)
    assert large.shape == (6, 9, 3)
    np.testing.assert_array_equal(large[::3, ::3], picture)
    np.testing.assert_array_equal(large[2::3, 1::3], picture)
    np.testing.assert_array_equal(enlarge(large, side=9), large)
