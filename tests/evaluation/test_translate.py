"""Translating files, features of a classifier run, and metrics and pictures of translations."""

import functools
import json

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes
from genlab.shipped.experiments.cyclegan import CycleGan

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.evaluation.translate import FileTranslator
from genlab.features.classifier import load_feature_network
from genlab.features.features import choose
from genlab.game.network import Network
from genlab.objectives.perceptual import perceptual
from genlab.registry import metrics, plots
from genlab.trained.trained import Trained
from genlab.training.train import train

Image = pytest.importorskip("PIL.Image")


@functools.cache
def untrained(name):
    built = recipes.recipe(name)
    return built.trained(built.init_state())


def save(path, *shape, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def opened(path):
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A run of the tiny classifier, 8 x 8 digits."""
    place = tmp_path_factory.mktemp("classifier")
    train(recipes.plain("classifier"), place, {})
    return str(place)


class TestFiles:
    @pytest.mark.full
    def test_any_size_is_padded_and_cropped(self, tmp_path):
        """The tiny U-Net has stride 8; gray, colour and transparent files are taken."""
        save(tmp_path / "gray.png", 13, 21)
        save(tmp_path / "colour.png", 16, 8, 3)
        save(tmp_path / "alpha.png", 5, 9, 4)
        translate = FileTranslator(untrained("pix2pix"))
        out = tmp_path / "out"
        assert translate(tmp_path, out, skip_unreadable=False) == (3, 0)
        assert opened(out / "gray.png").shape == (13, 21, 3)
        assert opened(out / "colour.png").shape == (16, 8, 3)
        assert opened(out / "alpha.png").shape == (5, 9, 3)
        first = opened(out / "gray.png")
        translate(tmp_path, out, skip_unreadable=False)
        np.testing.assert_array_equal(opened(out / "gray.png"), first)

    def test_only_transparent_pixels_are_filled(self, tmp_path):
        pixels = save(tmp_path / "a.png", 8, 8, 4)
        pixels[..., :3] = pixels[..., :1]
        pixels[..., 3] = 255
        pixels[2:5, 3:6, 3] = 0
        Image.fromarray(pixels).save(tmp_path / "a.png")
        translate = FileTranslator(untrained("inpainting"))
        translate(tmp_path / "a.png", tmp_path / "out", skip_unreadable=False)
        filled = opened(tmp_path / "out" / "a.png")
        kept = np.ones((8, 8), bool)
        kept[2:5, 3:6] = False
        np.testing.assert_array_equal(filled[kept], pixels[kept][:, :3])
        save(tmp_path / "whole.png", 8, 8, 3)
        for skip in (False, True):  # it can be read
            with pytest.raises(InputError, match="no transparent pixels"):
                translate(tmp_path / "whole.png", tmp_path / "o", skip_unreadable=skip)

    def test_unreadable_is_refused_or_skipped_and_counted(self, tmp_path, caplog):
        save(tmp_path / "good.png", 8, 8, 3)
        (tmp_path / "bad.png").write_bytes(b"no image")
        translate = FileTranslator(untrained("pix2pix"))
        with pytest.raises(InputError, match=r"bad.png cannot be read"):
            translate(tmp_path, tmp_path / "out", skip_unreadable=False)
        assert not (tmp_path / "out").exists()
        assert translate(tmp_path, tmp_path / "out", skip_unreadable=True) == (1, 1)
        assert "skipped 1 of 2" in caplog.text
        (tmp_path / "good.png").unlink()
        with pytest.raises(InputError, match="has no image that can be read"):
            translate(tmp_path, tmp_path / "out", skip_unreadable=True)

    def test_a_file_becomes_the_same_alone_or_among_others(self, tmp_path):
        """The tiny U-Net has dropout, whose noise goes by the pixels, whatever the name."""
        for seed, name in enumerate("abc"):
            save(tmp_path / f"{name}.png", 8, 8, 3, seed=seed)
        translate = FileTranslator(untrained("pix2pix"))
        translate(tmp_path, tmp_path / "all", skip_unreadable=False)
        (tmp_path / "b.png").write_bytes(b"no image")
        translate(tmp_path, tmp_path / "some", skip_unreadable=True)
        whole, rest = (opened(tmp_path / out / "c.png") for out in ("all", "some"))
        np.testing.assert_array_equal(whole, rest)
        (tmp_path / "c.png").rename(tmp_path / "d.png")
        translate(tmp_path / "d.png", tmp_path / "alone", skip_unreadable=False)
        np.testing.assert_array_equal(opened(tmp_path / "alone" / "d.png"), whole)
        noise = [translate.picture(np.full((8, 8, 1), x, np.float32)) for x in (0, 0.5)]
        assert (noise[0] != noise[1]).any()

    def test_refuses_folders_that_cannot_serve(self, tmp_path):
        translate = FileTranslator(untrained("pix2pix"))
        refuse = functools.partial(pytest.raises, InputError)
        with refuse(match="no such file"):
            translate(tmp_path / "none", tmp_path / "out", skip_unreadable=False)
        with refuse(match="holds no images"):
            translate(tmp_path, tmp_path / "out", skip_unreadable=False)
        save(tmp_path / "a.png", 8, 8, 3)
        with refuse(match="holds the inputs"):
            translate(tmp_path, tmp_path, skip_unreadable=False)
        save(tmp_path / "a.bmp", 8, 8, 3)
        with refuse(match=r"a.bmp and a.png would both"):
            translate(tmp_path, tmp_path / "out", skip_unreadable=False)
        with refuse(match="'classifier' does not translate images"):
            FileTranslator(untrained("classifier"))
        with refuse(match="'pix2pix' does not translate back"):
            FileTranslator(untrained("pix2pix"), back=True)


def test_command_enlarges_a_folder(tmp_path, capsys, monkeypatch):
    """From training to files; mistakes are one line and exit code 2."""
    run, source, out = (str(tmp_path / name) for name in ("run", "in", "out"))
    config = str(recipes.CONFIGS / "super_resolution.py")
    assert main(["launch.py", f"--config={config}:tiny", f"--workdir={run}"]) == 0
    values = json.loads((tmp_path / "run" / "results.json").read_text())
    values = values["metrics"]["translation"]["values"]
    assert {"l1", "psnr_bicubic", "ssim_nearest", "sharpness"} <= values.keys()
    assert values["psnr"] > values["psnr_nearest"]
    (tmp_path / "in").mkdir()
    save(tmp_path / "in" / "a.png", 5, 7)
    command = ["launch.py", "translate", f"--workdir={run}", f"--input={source}"]
    assert main([*command, f"--out={out}"]) == 0
    assert opened(tmp_path / "out" / "a.png").shape == (10, 14, 3)
    capsys.readouterr()
    (tmp_path / "in" / "b.png").write_bytes(b"no image")
    for flags, message in (
        ([f"--out={out}"], "b.png cannot be read"),
        ([], "--out is needed"),
        ([f"--out={out}", "--back"], "does not translate back"),
    ):
        assert main([*command, *flags]) == 2
        error = capsys.readouterr().err.strip()
        assert message in error and error.count("\n") == 0
    assert main([*command, f"--out={out}", "--skip-unreadable"]) == 0
    assert capsys.readouterr().out.strip() == f"{out}: 1 images, 1 skipped"


class TestFeatures:
    @pytest.mark.full
    def test_network_is_the_one_of_the_run(self, classifier):
        network = load_feature_network(classifier)
        assert network.name == "digits_conv_classifier"
        images = jax.random.uniform(jax.random.key(0), (3, 8, 8, 1))
        direct = network.module.apply(
            network.variables, 2 * images - 1, method="features"
        )
        np.testing.assert_allclose(network.features(images), direct, rtol=1e-5)
        larger = jnp.repeat(jnp.repeat(images, 2, 1), 2, 2)
        colour = jnp.repeat(larger, 3, -1)
        assert network.features(colour).shape == direct.shape
        features = choose(dict(name="run", run=classifier))
        found, logits = features(images)
        np.testing.assert_allclose(found, direct, rtol=1e-5)
        assert (features.name, features.checksum) == (network.name, network.checksum)
        assert (features.width, features.classes) == (found.shape[1], logits.shape[1])
        expected = network.module.apply(network.variables, 2 * images - 1)
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-6)

    def test_perceptual_distance(self, classifier):
        """Relative squared differences, averaged over the one convolution of the tiny network."""
        a, b = jax.random.uniform(jax.random.key(0), (2, 3, 8, 8, 1), minval=-1.0)
        network = load_feature_network(classifier)
        (ours,), (theirs,) = (network.maps((image + 1) / 2) for image in (a, b))
        gap = jnp.square(ours - theirs).mean((1, 2, 3))
        expected = 2.0 * gap / jnp.square(theirs).mean((1, 2, 3))
        distance = jax.jit(functools.partial(perceptual, run=classifier, weight=2.0))
        np.testing.assert_allclose(distance(a, b), expected, rtol=1e-4)
        assert np.all(np.asarray(distance(a, a)) == 0)
        slope = jax.grad(lambda a: distance(a, b).sum())(a)
        assert np.isfinite(slope).all() and np.abs(slope).max() > 0

    def test_refuses_what_is_no_classifier(self, tmp_path):
        with pytest.raises(InputError, match="name one, run=DIR"):
            load_feature_network("")
        with pytest.raises(InputError):
            load_feature_network(str(tmp_path))

    def test_frechet_says_which_features(self, classifier):
        metric = metrics.build(
            "frechet_translation", run=classifier, num=20, num_reference=30
        )
        found = metric(untrained("super_resolution"), "test")
        name = "frechet_digits_conv_classifier"
        of = {name, *(f"{name}_{what}" for what in ("nearest", "bicubic", "floor"))}
        assert set(found.values) == of | {f"{each}_deviation" for each in of}
        # Features of few rounds tell real images from enlarged ones, and no more.
        for guess in ("", "_nearest", "_bicubic"):
            assert found.values[f"{name}_floor"] < found.values[f"{name}{guess}"]
        # Untrained, the network is the bicubic enlargement.
        bicubic = found.values[f"{name}_bicubic"]
        assert found.values[name] == pytest.approx(bicubic, rel=1e-3)
        with pytest.raises(InputError, match="no split"):
            metrics.build("frechet_translation", run=classifier, reference="all")(
                untrained("super_resolution"), "test"
            )


class Echo(nn.Module):
    """`gain` times the image around mid-gray."""

    gain: float = 1.0

    @nn.compact
    def __call__(self, x, *, train: bool = False):
        return self.param("gain", nn.initializers.constant(self.gain), ()) * x


class TestMetrics:
    def cycle_of(self, there, back):
        built = recipes.recipe("cyclegan")
        networks = dict(built.experiment.networks)
        networks["generator_y"] = Network("generator_y", Echo(there))
        networks["generator_x"] = Network("generator_x", Echo(back))
        game = CycleGan(
            networks, built.experiment.objective, built.experiment.optimizers
        )
        state = game.init_state(jax.random.key(0), built.example_batch())
        trained = Trained(game, state, built.data, built.preparation, 0)
        return metrics.build("cycle", num=8)(trained, "test").values

    def test_cycle_of_echoes(self):
        perfect = self.cycle_of(1.0, 1.0)
        assert perfect["l1"] == 0
        assert perfect["noise_gain_x"] == pytest.approx(1.0, abs=1e-5)
        # A faint message: what is in between is a tenth, and noise comes back tenfold where the
        # outputs are not clipped.
        hidden = self.cycle_of(0.1, 10.0)
        assert hidden["l1_x"] == pytest.approx(0.0, abs=1e-6)
        assert hidden["noise_gain_x"] > 4
        assert hidden["l1_noisy_x"] > 3 * perfect["l1_noisy_x"]

    def test_diversity_is_that_of_dropout(self):
        metric = metrics.build("diversity", num=4, draws=3)
        assert metric(untrained("pix2pix"), "test").values["share"] > 0.001
        assert metric(untrained("super_resolution"), "test").values["share"] == 0

    def test_a_way_that_a_game_does_not_have_is_refused(self):
        with pytest.raises(InputError, match="does not offer"):
            metrics.build("cycle")(untrained("classifier"), "test")
        with pytest.raises(InputError, match="needs translate_back"):
            metrics.build("cycle")(untrained("pix2pix"), "test")


@pytest.mark.parametrize(
    ("name", "rows", "side"), [("super_resolution", 3, 12), ("pix2pix", 4, 12)]
)
def test_pictures_have_a_row_for_each_part(name, rows, side):
    draws = rows - 2
    picture = plots.build("translations", num=5, draws=draws)(untrained(name))
    assert picture.shape == (rows * (side + 2) + 2, 5 * (side + 2) + 2, 3)
