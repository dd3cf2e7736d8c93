"""Metrics of translations: closed forms, direct sums, and models whose outputs are given."""

import dataclasses
import functools

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.data import bicubic
from genlab.data.prepare import Preparation
from genlab.distances.frechet import frechet_distance, moments_of
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.features.classifier import FeatureNetwork
from genlab.features.image_input import ImageInput
from genlab.game.turn import State
from genlab.metrics import factor_agreement as agreement
from genlab.metrics import image_quality
from genlab.metrics import perceptual_distance as perceptual
from genlab.metrics import translation as fidelity
from genlab.metrics.translations import (
    Translations,
    as_picture,
    call_in_batches,
    translate_split,
)
from genlab.nn.convolution import Conv
from genlab.registry import datasets, metrics, plots
from genlab.run.recipe import Recipe
from genlab.trained.trained import Trained
from genlab.training.fit import check_fit


def images(count=2, size=(13, 15), channels=3, seed=0):
    return np.random.default_rng(seed).uniform(size=(count, *size, channels))


def direct_ssim(x, y):
    """Wang et al.'s sum over every window inside two images [H, W], as it is written."""
    ticks = np.arange(-5, 6)
    weights = np.exp(-(ticks[:, None] ** 2 + ticks[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    found = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            m, n = (weights * a).sum(), (weights * b).sum()
            v, w = (weights * (a - m) ** 2).sum(), (weights * (b - n) ** 2).sum()
            c = (weights * (a - m) * (b - n)).sum()
            found.append(
                (2 * m * n + 1e-4)
                * (2 * c + 9e-4)
                / ((m * m + n * n + 1e-4) * (v + w + 9e-4))
            )
    return np.mean(found)


class TestQuality:
    def test_constant_images(self):
        black, gray = np.zeros((1, 12, 12, 1)), np.full((1, 12, 12, 1), 0.1)
        np.testing.assert_allclose(image_quality.l1(black, gray), [0.1])
        np.testing.assert_allclose(image_quality.psnr(black, gray), [20.0])
        np.testing.assert_allclose(image_quality.psnr(black, black), [100.0])
        # Means 0 and 0.1, no variance: c / (0.01 + c).
        np.testing.assert_allclose(
            image_quality.ssim(black, gray), [1e-4 / (0.01 + 1e-4)]
        )

    def test_ssim_equals_the_sum_over_windows(self):
        x = images()
        y = np.clip(x + 0.2 * images(seed=1) - 0.1, 0, 1)
        expected = [
            np.mean([direct_ssim(a[..., c], b[..., c]) for c in range(3)])
            for a, b in zip(x, y)
        ]
        np.testing.assert_allclose(image_quality.ssim(x, y), expected, rtol=1e-9)
        np.testing.assert_allclose(image_quality.ssim(x, x), [1, 1])

    def test_sharpness_of_a_checkerboard_and_of_its_blur(self):
        board = np.indices((8, 8)).sum(0)[None, ..., None] % 2
        # The Laplacian is +4 on black and -4 on white.
        np.testing.assert_allclose(image_quality.sharpness(board), [16.0])
        assert image_quality.sharpness(np.full((1, 8, 8, 3), 0.3)) < 1e-20

    def test_a_region_is_all_that_counts(self):
        x, y = images(size=(20, 20)), images(size=(20, 20), seed=1)
        region = np.zeros((2, 20, 20, 1))
        region[:, 5:15, 5:15] = 1
        inside = [a[:, 5:15, 5:15] for a in (x, y)]
        for score in (image_quality.l1, image_quality.psnr):
            np.testing.assert_allclose(score(x, y, region), score(*inside))
        # The centres of all windows lie in the region; one pixel has one window.
        np.testing.assert_allclose(
            image_quality.ssim(x, y, region), image_quality.ssim(x, y)
        )
        region = np.zeros((2, 20, 20, 1))
        region[:, 5, 5] = 1
        corner = [a[:, :11, :11] for a in (x, y)]
        np.testing.assert_allclose(
            image_quality.ssim(x, y, region), image_quality.ssim(*corner)
        )

    def test_luminance_of_the_literature(self):
        white, gray = np.ones((1, 1, 1, 3)), np.full((1, 1, 1, 1), 0.3)
        np.testing.assert_allclose(image_quality.luminance(white), 235 / 255)
        np.testing.assert_allclose(image_quality.luminance(0 * white), 16 / 255)
        assert image_quality.luminance(gray) is gray

    def test_refuses_what_cannot_be_compared(self):
        with pytest.raises(InputError, match="11 pixels or more"):
            image_quality.ssim(images(size=(10, 20)), images(size=(10, 20)))
        with pytest.raises(InputError, match="cannot be compared"):
            image_quality.psnr(images(), images(channels=1))


class TestBicubic:
    """Weights of MATLAB's imresize by hand: Keys' polynomial at quarters, and at eighths halved."""

    def test_enlarged_twice(self):
        found = bicubic.weights(8, 16)
        taps = [-0.0234375, 0.2265625, 0.8671875, -0.0703125]
        np.testing.assert_allclose(found[8, 2:6], taps)
        # Mirrored: what lies left of the first pixel is the first, then the second.
        np.testing.assert_allclose(
            found[0, :3], [taps[2] + taps[1], taps[3] + taps[0], 0]
        )

    def test_halved_without_aliases(self):
        taps = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
        np.testing.assert_allclose(bicubic.weights(16, 8)[4, 5:13], taps)

    @pytest.mark.parametrize("sizes", [(8, 32), (12, 5), (4, 2)])
    def test_a_constant_stays(self, sizes):
        np.testing.assert_allclose(bicubic.weights(*sizes).sum(1), 1)

    def test_both_axes(self):
        x = images(size=(6, 8))
        rows, columns = bicubic.weights(6, 3), bicubic.weights(8, 16)
        expected = np.einsum("hH,nHWc,wW->nhwc", rows, x, columns)
        np.testing.assert_allclose(bicubic.resize(x, 3, 16), expected, atol=1e-6)


class TestWhatWasMade:
    def test_inpainting_is_scored_inside_the_holes(self):
        """The known pixels come back wrong, the hole nearly right: 0.1 off."""
        data = datasets.build("shapes", image_size=32, places=4)()
        trained = model(data, lambda x: 0 * x[..., :-1] - 1, degrade="box_holes")
        found = translate_split(trained, "test", num=9)
        hole = found.holes
        assert 0 < hole.mean() < 0.5
        made = np.where(hole > 0, np.clip(found.y + 0.1, 0, 1), 1 - found.y)
        scores = fidelity._scores(made, found)
        by_hand = (np.abs(made - found.y) * hole).sum((1, 2, 3)) / hole.sum((1, 2, 3))
        np.testing.assert_allclose(scores["l1"], by_hand, rtol=1e-5)
        assert scores["l1"].max() <= 0.1 + 1e-6 < scores["l1_whole"].min()
        values = metrics.build("translation", num=9)(trained, "test")
        assert values.protocol["counted"] == "pixels inside the holes"
        assert {"psnr_input", "psnr_whole_input", "ssim_whole"} <= values.values.keys()

    def test_inputs_without_a_hole_are_not_counted(self, monkeypatch):
        """Two of three are whole, and their outputs far off."""
        y = images(count=3, channels=1)
        mask = np.zeros_like(y)
        mask[1, 4:9, 4:9] = 1
        found = Translations(
            np.concatenate([y * (1 - mask), mask], -1),
            y,
            np.where(np.arange(3)[:, None, None, None] == 1, y, 1 - y),
            None,
            {"examples": 3},
        )
        monkeypatch.setattr(fidelity, "translate_split", lambda *_, **__: found)
        trained = model(sprites())
        seen = metrics.build("translation")(trained, "test")
        assert seen.protocol["examples"] == 3 and seen.protocol["with_holes"] == 1
        assert seen.values["l1"] == seen.values["l1_whole"] == 0
        assert seen.values["sharpness"] == pytest.approx(1)
        whole = np.concatenate([y, 0 * y], -1)
        found = dataclasses.replace(found, x=whole)
        with pytest.raises(InputError, match="none of the 3 inputs has a hole"):
            metrics.build("translation")(trained, "test")

    def test_super_resolution_is_scored_as_in_the_literature(self):
        data = datasets.build("shapes", image_size=32, places=4, colors=6)()
        degrade = dict(name="bicubic_downsample", factor=4)
        enlarge = lambda x: x.repeat(4, axis=1).repeat(4, axis=2)
        trained = model(data, enlarge, degrade=degrade)
        found = metrics.build("translation", num=9)(trained, "test")
        x = translate_split(trained, "test", num=9)
        guess = np.clip(bicubic.resize(x.x, 32, 32), 0, 1)
        inner = [image_quality.luminance(a)[:, 4:-4, 4:-4] for a in (guess, x.y)]
        expected = image_quality.psnr(*inner).mean()
        assert found.values["psnr_shaved_bicubic"] == pytest.approx(expected, rel=1e-5)
        low, high = found.intervals["psnr"]
        assert low < found.values["psnr"] < high


class Given:
    """An experiment whose translation is a function of the images."""

    def __init__(self, function=lambda x: x):
        self.translate = lambda params, extra, x, key: function(x)

    def init(self, key, batch):
        return {}, {}

    def view(self, state):
        return state.params, state.extra


def model(data, function=lambda x: x, degrade=None, **options):
    preparation = Preparation((-1.0, 1.0), degrade=degrade)
    data = preparation.outcome(data)
    state = State(0, {}, {}, {})
    return Trained(Given(function), state, data, preparation, 7, **options)


@functools.cache
def sprites(change="fill", image_size=32):
    return datasets.build("shape_pairs", change=change, image_size=image_size)()


class TestMultiscale:
    def test_one_scale_is_the_similarity_and_five_halve_four_times(self):
        x, y = images(size=(22, 22)), images(size=(22, 22), seed=1)
        near = 0.9 * x + 0.1 * y
        single = image_quality.ms_ssim(x, near, 1)
        np.testing.assert_allclose(single, image_quality.ssim(x, near))
        assert [image_quality.scales_of(side, 300) for side in (10, 11, 22, 176)] == [
            0,
            1,
            2,
            5,
        ]

    def test_two_scales_by_hand(self):
        """Structure alone at the first, 0.0448 of the weight; the whole of halved images."""
        x = images(size=(22, 22), channels=1)
        y = 0.8 * x + 0.1
        half = lambda a: a.reshape(len(a), 11, 2, 11, 2, 1).mean((2, 4))
        _, structure = image_quality._similarity(x, y)
        first = structure.mean((1, 2, 3))
        second = image_quality.ssim(half(x), half(y))
        share = 0.0448 / (0.0448 + 0.2856)
        np.testing.assert_allclose(
            image_quality.ms_ssim(x, y, 2), first**share * second ** (1 - share)
        )


class TestBatches:
    def test_the_last_one_has_what_is_left(self):
        """Each output is the mean of its batch: of four, then of two, and of no copies."""
        trained = model(sprites(), lambda x: x * 0 + x.mean(0, keepdims=True))
        x = np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1)
        made = call_in_batches(trained.in_batches_of(4), "translate", x)
        np.testing.assert_allclose(made[:, 0, 0, 0], [1.5] * 4 + [4.5] * 2)

    def test_size_is_that_of_the_evaluation(self):
        built = recipes.recipe("super_resolution")
        assert built.config["eval"]["batch_size"] == 64
        trained = built.trained(built.init_state())
        assert trained.batch_size == 64
        trained = model(sprites())
        chosen = [dict(name="translation", num=7)]
        found = evaluate.measure(trained, "test", chosen, 5)
        assert found["translation"].protocol["batch_size"] == 5
        assert trained.batch_size == 256
        for name in ("translation", "diversity", "factor_agreement"):
            protocol = metrics.build(name, num=4)(trained, "test").protocol
            assert protocol["batch_size"] == 256 and protocol["seed"] == 7

    def test_chunks_are_the_examples(self):
        trained = model(sprites())
        whole = trained.examples("test", 25)
        chunks = list(trained.examples_in_chunks("test", 25, 10))
        assert [len(chunk["x"]) for chunk in chunks] == [10, 10, 5]
        for name in ("x", "y", "factors"):
            joined = np.concatenate([chunk[name] for chunk in chunks])
            np.testing.assert_array_equal(joined, whole[name])


class TestPictures:
    def test_colour_becomes_luminance_and_a_mask_is_left_out(self):
        colours = np.eye(3, dtype=np.float32)[
            None
        ]  # red, green, blue: [1, 3, 3], one row
        gray = as_picture(colours[None], 1)
        np.testing.assert_allclose(gray[0, 0, :, 0], [0.299, 0.587, 0.114], rtol=1e-6)
        masked = np.concatenate([colours, np.ones((1, 3, 1), np.float32)], -1)[None]
        np.testing.assert_array_equal(as_picture(masked, 3), colours[None])
        np.testing.assert_array_equal(as_picture(masked, 1), gray)
        hole = np.stack([gray[..., 0], gray[..., 0] * 0 + 1], axis=-1)
        np.testing.assert_array_equal(as_picture(hole, 1), gray)
        np.testing.assert_array_equal(as_picture(gray, 3), np.repeat(gray, 3, -1))


class TestFactorAgreement:
    def accuracy(self, trained, num=60):
        return metrics.build("factor_agreement", num=num)(trained, "test").values

    @pytest.mark.parametrize(
        "change",
        ["fill"]
        + [
            pytest.param(change, marks=pytest.mark.full)
            for change in ("outline", "ink", "negative")
        ],
    )
    def test_the_input_given_back_is_not_right(self, change):
        values = self.accuracy(model(sprites(change)))
        assert values["accuracy"] == values["accuracy_input"] < 0.02
        assert values["chance"] == 1 / 3

    @pytest.mark.parametrize(
        ("domain", "shift", "accuracy"), [(1, 0, 1.0), (1, 1, 0.0), (0, 1, 0.0)]
    )
    def test_outputs_that_are_drawn(self, monkeypatch, domain, shift, accuracy):
        """The right shape in the right domain, the wrong shape there, the wrong one in the first."""
        trained = model(sprites())

        def drawn(trained, split, num):
            found = translate_split(trained, split, num=num)
            factors = found.factors.copy()
            factors[:, 0] = (factors[:, 0] + shift) % 3
            outputs = np.asarray(trained.data.render(factors), np.float32) / 255
            if domain == 0:
                outputs = agreement._first_domain(trained, found, factors)
            return dataclasses.replace(found, outputs=outputs)

        monkeypatch.setattr(agreement, "translate_split", drawn)
        assert self.accuracy(trained)["accuracy"] == accuracy

    def test_first_domain_is_found_among_all_splits(self):
        """Every value of the shape, by the data set that goes the other way."""
        trained, back = model(sprites("fill")), sprites("outline")
        found = translate_split(trained, "test", num=20)
        for value in range(3):
            factors = found.factors.copy()
            factors[:, 0] = value
            outlines = np.asarray(back.render(factors), np.float32) / 255
            drawn = agreement._first_domain(trained, found, factors)
            np.testing.assert_allclose(drawn, outlines, atol=1e-6)

    def test_smaller_inputs_are_no_targets(self):
        """Of shapes at a quarter of their size, enlarged again pixel by pixel."""
        data = datasets.build("shapes", image_size=32, places=4)()
        repeat = lambda x: x.repeat(4, axis=1).repeat(4, axis=2)
        trained = model(data, repeat, degrade=dict(name="downsample", factor=4))
        values = self.accuracy(trained, num=20)
        assert values["accuracy"] == 0
        assert values["accuracy_nearest"] == values["accuracy_bicubic"] == 0


class Rows(nn.Module):
    """The means of the rows as features."""

    def __call__(self, images, *, train: bool):
        return self.features(images, train=train)

    def features(self, images, *, train: bool):
        return images.mean((2, 3))


class TestFrechetOfTranslations:
    network = FeatureNetwork(
        name="sprites_rows",
        run="classifier-3",
        step=9,
        checksum="0123456789ab",
        module=Rows(),
        variables={},
        input=ImageInput((16, 16), 1),
    )

    def test_chunks_protocol_and_moments_kept(self, monkeypatch):
        monkeypatch.setattr(fidelity, "load_feature_network", lambda run: self.network)
        monkeypatch.setattr(fidelity, "CHUNK", 16)
        trained = model(sprites(image_size=16))
        knobs = dict(run="DIR", num=20, num_reference=50)
        found = metrics.build("frechet_translation", **knobs)(trained, "test")
        x = trained.examples("test", 20)["x"]
        y = trained.examples("train", 50)["y"]
        ours, theirs = (moments_of([(1 + a.mean((2, 3))) / 2]) for a in (x, y))
        distance = frechet_distance(ours, theirs)
        assert found.values["frechet_sprites_rows"] == pytest.approx(distance, rel=1e-4)
        assert found.values["frechet_sprites_rows_input"] == pytest.approx(
            distance, rel=1e-4
        )
        real = trained.examples("test", 20)["y"]
        floor = frechet_distance(moments_of([(1 + real.mean((2, 3))) / 2]), theirs)
        name = "frechet_sprites_rows_floor"
        assert found.values[name] == pytest.approx(floor, rel=1e-4)
        assert found.values[f"{name}_deviation"] > 0
        assert "rank" not in str(found.protocol.get("warning"))
        few = metrics.build("frechet_translation", **{**knobs, "num": 9})
        warning = few(trained, "test").protocol["warning"]
        assert "9 images leave a covariance of 16 features with a rank of 8" in warning
        assert found.protocol["classifier"] == "run classifier-3, weights 0123456789ab"
        assert found.protocol["reference"] == "50 of train"

        def refuse(*_):
            raise AssertionError("the reference was prepared twice")

        monkeypatch.setattr(trained, "examples_in_chunks", refuse)
        metrics.build("frechet_translation", **knobs)(trained, "test")


class Halves(nn.Module):
    """Two convolutions by hand: an image beside its negative, and four times an image beside a one."""

    @nn.compact
    def __call__(self, images, *, train: bool):
        both = lambda name: Conv(2, kernel_size=(1, 1), name=name)(images)
        return both("sides") + both("ones")


class TestPerceptualDistance:
    network = FeatureNetwork(
        name="sprites_halves",
        run="classifier-3",
        step=9,
        checksum="0123456789ab",
        module=Halves(),
        variables={
            "params": {
                "sides": {
                    "kernel": np.array([[[[1.0, -1.0]]]]),
                    "bias": np.array([0.0, 0.0]),
                },
                "ones": {
                    "kernel": np.array([[[[4.0, 0.0]]]]),
                    "bias": np.array([0.0, 3.0]),
                },
            }
        },
        input=ImageInput((16, 16), 1),
    )

    def test_by_hand(self):
        """Directions are (1, -1) / sqrt(2) of white and none of black; (4, 3) / 5 and (0, 1)."""
        white, black = jnp.ones((2, 3, 5, 1)), jnp.zeros((2, 3, 5, 1))
        found = perceptual.distance(self.network.maps(white), self.network.maps(black))
        np.testing.assert_allclose(found, [1 + 0.8**2 + 0.4**2] * 2, rtol=1e-5)
        same = perceptual.distance(self.network.maps(white), self.network.maps(white))
        np.testing.assert_array_equal(same, 0)

    def test_of_outputs_and_of_inputs(self, monkeypatch):
        monkeypatch.setattr(
            perceptual, "load_feature_network", lambda run: self.network
        )
        data = sprites(image_size=16)
        metric = metrics.build("perceptual_distance", run="DIR", num=70)
        found = metric(model(data), "test")
        name = "distance_sprites_halves"
        assert found.values[f"{name}_input"] == found.values[name] > 0
        low, high = found.intervals[name]
        assert low < found.values[name] < high


class TestSpectrum:
    def test_a_checkerboard_on_translations_stands_out(self):
        board = 0.2 * (-1.0) ** np.add.outer(np.arange(32), np.arange(32))
        call = metrics.build("translation_spectrum", num=40)
        same = call(model(sprites()), "test").values
        assert same["distance"] == same["distance_input"]
        assert same["pattern"] == same["pattern_input"]
        given = lambda x: jnp.clip(x + board[None, :, :, None], -1, 1)
        marked = call(model(sprites(), given), "test").values
        assert marked["pattern"] > same["pattern"] + 1.5  # one of 15 frequencies
        assert marked["distance_input"] == same["distance"]
        assert marked["pattern_targets"] == same["pattern_targets"]

    def test_translations_that_are_the_targets_are_no_way_from_them(self):
        data = sprites(change="ink")
        truth = model(data).examples("test", 40)["y"]
        found = metrics.build("translation_spectrum", num=40)(
            model(data, lambda x: truth[: len(x)]), "test"
        )
        assert found.values["distance"] == 0 < found.values["distance_input"]
        assert found.values["pattern"] == found.values["pattern_targets"]


class TestCounts:
    @pytest.mark.parametrize(
        ("name", "knobs", "message"),
        [
            ("translation", {"num": 0}, "num=0 is not a whole number"),
            ("factor_agreement", {"num": -1}, "num=-1 is not a whole number"),
            ("cycle", {"num": 0}, "num=0 is not a whole number"),
            ("cycle", {"noise": -0.1}, "noise=-0.1 is not a finite number"),
            ("diversity", {"num": 1}, "of 1 inputs; 2 or more"),
            ("diversity", {"draws": 1}, "of 1 draws"),
            (
                "frechet_translation",
                {"run": "DIR", "num_reference": 0},
                "num_reference=0 is not a whole number",
            ),
        ],
    )
    def test_metrics_refuse_none(self, name, knobs, message):
        both_ways = model(sprites())
        both_ways.experiment.translate_back = both_ways.experiment.translate
        with pytest.raises(InputError, match=message):
            metrics.build(name, **knobs)(both_ways, "test")

    @pytest.mark.parametrize(
        ("knobs", "message"),
        [
            ({"num": 0}, "num=0 is not a whole number"),
            ({"draws": 0}, "draws=0 is not a whole number"),
            ({"split": "tset"}, "split='tset' is no split; did you mean 'test'"),
        ],
    )
    def test_the_plot_refuses_none(self, knobs, message):
        with pytest.raises(InputError, match=message):
            plots.build("translations", **knobs)(model(sprites()))

    def test_batches_of_an_evaluation_hold_one_or_more(self):
        config = recipes.plain("super_resolution", eval__batch_size="0")
        with pytest.raises(InputError, match="eval.batch_size=0 is not a whole number"):
            Recipe.build(config)


class TestBeforeTraining:
    """What metrics, plots and schedules need is looked at before the first round."""

    @pytest.mark.parametrize(
        ("choice", "facts", "message"),
        [
            ("cycle", {}, "needs translate_back"),
            ("translation", {"paired": False}, "needs true pairs"),
            (
                "translation",
                {"target_shape": (10, 16, 1)},
                "SSIM.* 11 pixels.* 10 x 16",
            ),
            ("factor_agreement", {"render": None}, "needs a data set with factors"),
            (dict(name="factor_agreement", factor="hue"), {}, "no factor 'hue'"),
            (dict(name="diversity", draws=1), {}, "1 draws of 64 inputs"),
            (dict(name="frechet_translation", run="nowhere"), {}, "nowhere"),
            (dict(name="perceptual_distance", run="nowhere"), {}, "nowhere"),
            (
                dict(name="perceptual_distance", run="x"),
                {"paired": False},
                "true pairs",
            ),
            (
                dict(name="frechet_translation", run="x", reference="all"),
                {},
                "reference='all' is no split",
            ),
        ],
    )
    def test_metrics_say_what_they_need(self, choice, facts, message):
        data = dataclasses.replace(sprites(image_size=16), **facts)
        with pytest.raises(InputError, match=message):
            evaluate.check(Given(), data, metrics, [choice])

    def test_those_that_can_serve_are_silent(self):
        names = ("translation", "factor_agreement", "diversity")
        evaluate.check(Given(), sprites(), metrics, names)
        evaluate.check(Given(), sprites(), plots, ["translations"])

    @pytest.mark.parametrize(
        ("section", "key", "choice", "message"),
        [
            ("eval", "metrics", "cycle", "needs translate_back"),
            ("eval", "final_metrics", "cycle", "needs translate_back"),
            ("sample", "plots", "receptive_filters", "filters"),
        ],
    )
    def test_a_recipe_asks_them(self, section, key, choice, message):
        config = recipes.plain("super_resolution")
        config[section][key] = [choice]
        built = Recipe.build(config)
        with pytest.raises(InputError, match=message):
            check_fit(built, built.feed())

    def test_a_schedule_lasts_as_long_as_training(self):
        built = Recipe.build(recipes.plain("cyclegan", train__steps="16"))
        message = r"ors.schedule is at 0 from update 8 on, and train.steps=16"
        with pytest.raises(InputError, match=message):
            check_fit(built, built.feed())

    def test_the_rounded_end_of_a_long_cosine_is_no_pause(self):
        """cos(pi (1 - 1 / 20,000)) is -1 in single precision: the last factor is 0."""
        steps = {"train__steps": "20000", "train__steps_per_call": "2"}
        key = "optimizer__autoencoder__schedule__steps"
        config = recipes.plain("linear_autoencoder", **steps, **{key: "20000"})
        built = Recipe.build(config)
        check_fit(built, built.feed())
        built = Recipe.build(recipes.plain("linear_autoencoder", **steps))
        with pytest.raises(InputError, match=r"at 0 from update 10,000 on.*=20,000"):
            check_fit(built, built.feed())
