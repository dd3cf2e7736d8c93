"""Metrics of samples in features: against the distances themselves, on models that copy images."""

import dataclasses

import jax
import numpy as np
import pytest
from given import Linear, model, stored, trained

from genlab.data.split import ArraySplit
from genlab.distances import kernel, neighbours, sliced, spread
from genlab.distances.frechet import frechet_distance, moments_of
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.features import pixels
from genlab.features.features import choose
from genlab.game.turn import State
from genlab.metrics import seen as seen_in
from genlab.metrics import variety
from genlab.metrics.path_length import slerp
from genlab.registry import metrics

PIXELS = dict(name="pixels", size=8, color=False)


def flat(images):
    return np.asarray(images, np.float64).reshape(len(images), -1)


def measured(view, *chosen, split="test"):
    return evaluate.measure(view, split, chosen, 64)


@pytest.fixture(scope="module")
def copier():
    """A model whose samples are the validation digits."""
    return model(stored("validation")[0])


class TestDistances:
    def test_frechet_is_that_of_what_the_model_draws(self, copier):
        part = dict(name="frechet", features=PIXELS, num=350)
        found = measured(copier, part)["frechet"]
        ours = flat(copier.sample(350) + 1) / 2
        train, test = (flat(stored(split)[0]) / 255 for split in ("train", "test"))
        truth = moments_of([train])
        expected = {
            "frechet_pixels": frechet_distance(moments_of([ours]), truth),
            "frechet_pixels_floor": frechet_distance(moments_of([test]), truth),
            "frechet_pixels_at_floor": frechet_distance(
                moments_of([ours[:300]]), truth
            ),
        }
        assert found.values == pytest.approx(expected, rel=1e-4)
        assert found.values["frechet_pixels_floor"] < found.values["frechet_pixels"]
        for name, (low, high) in found.intervals.items():
            assert low < found.values[name] < high
        assert len(found.intervals) == 3
        assert found.protocol["reference"] == "1372 of train, as stored"
        assert found.protocol["floor"] == "300 real images of test"
        assert found.protocol["features"] == "pixels"
        assert "warning" not in found.protocol
        few = dict(part, num=20)
        found = measured(copier, few)["frechet"]
        assert "20 images leave a covariance of 64" in found.protocol["warning"]

    def test_images_are_seen_once_for_all_metrics(self, copier, monkeypatch):
        parts = [
            dict(name="frechet", features=PIXELS, num=350),
            dict(name="kid", features=PIXELS, num=300, subsets=3, subset_size=50),
            dict(name="sliced_distance", features=PIXELS, num=300, projections=5),
            dict(name="gaussian_discrepancy", features=PIXELS, num=300),
        ]
        measured(copier, parts[0])

        def refuse(*_, **__):
            raise AssertionError("drawn twice")

        monkeypatch.setattr(copier.experiment, "sample", refuse)
        monkeypatch.setattr(seen_in, "_look", refuse)
        found = measured(copier, *parts)
        ours = seen_in.of_samples(copier, choose(PIXELS), 300).features
        train = seen_in.of_examples(copier, choose(PIXELS), "train", 10**4)
        train = train.features
        kid = kernel.kid_subsets(ours, train, subsets=3, size=50).mean()
        assert found["kid"].values["kid_pixels"] == pytest.approx(kid, rel=1e-4)
        lines = sliced.sliced_wasserstein(ours, train, projections=5).value
        sliced_distance = found["sliced_distance"].values["sliced_pixels"]
        assert sliced_distance == pytest.approx(lines, rel=1e-4)
        bandwidth = found["gaussian_discrepancy"].protocol["bandwidth"]
        assert bandwidth == pytest.approx(kernel.median_bandwidth(train), rel=1e-5)
        near = kernel.squared_discrepancy(ours, train, kernel.gaussian(bandwidth))
        values = found["gaussian_discrepancy"].values
        assert values["discrepancy_pixels"] == pytest.approx(near.value, rel=1e-4)
        assert values["discrepancy_pixels_floor"] < near.value / 3
        another = copier.at(State(1, {}, {}, {}))
        with pytest.raises(AssertionError, match="drawn twice"):
            measured(another, parts[0])

    def test_without_a_floor_where_the_split_is_the_reference(self, copier):
        part = dict(name="frechet", features=PIXELS, num=70)
        found = measured(copier, part, split="train")["frechet"]
        assert [*found.values] == ["frechet_pixels"]
        assert found.protocol["floor"] == "none, since the split is the reference"

    def test_infinitely_many(self, copier):
        part = dict(name="frechet_infinity", features=PIXELS, num=300, points=5)
        found = measured(copier, part)["frechet_infinity"]
        plain = measured(copier, dict(name="frechet", features=PIXELS, num=300))
        infinite = found.values["frechet_infinity_pixels"]
        assert infinite < plain["frechet"].values["frechet_pixels"]
        assert found.protocol["counts"]["frechet_infinity_pixels"] == "65 to 300"
        assert "warning" not in found.protocol
        few = measured(copier, dict(part, num=100))["frechet_infinity"].protocol
        assert "50 images leave a covariance of 64" in few["warning"]


class TestNeighbours:
    def test_shares_are_those_of_the_balls(self):
        view = model(stored("validation")[0])
        parts = [
            dict(name=name, features=PIXELS, num=200)
            for name in ("precision_recall", "density_coverage")
        ]
        found = measured(view, *parts)
        train, ours = flat(stored("train")[0]), flat(view.sample(200) + 1) * 127.5
        three, five = (neighbours.neighbourhoods(train, ours, k) for k in (3, 5))
        values = found["precision_recall"].values
        assert values["precision"] == pytest.approx(three.inside.mean(), abs=0.006)
        assert values["recall"] == pytest.approx(three.reached.mean(), abs=0.006)
        values = found["density_coverage"].values
        assert values["density"] == pytest.approx(five.crowd.mean(), abs=0.01)
        assert values["coverage"] == pytest.approx(five.covered.mean(), abs=0.006)
        assert found["density_coverage"].protocol["k"] == 5

    def test_planted_copies_are_named(self):
        test, train = stored("test")[0], stored("train")[0]
        pool = np.concatenate([test[:190], train[7:17]])
        part = dict(name="memorization", features=PIXELS, num=100)
        found = measured(model(pool), part)["memorization"]
        samples = flat(model(pool).sample(100) + 1) * 127.5
        apart = neighbours.squared_distances(samples, flat(train)).min(1)
        copies = np.flatnonzero(apart < 1)
        assert found.values["copied"] == len(copies) / 100 > 0
        assert found.values["copied_floor"] == 0
        rows = {line.split()[1] for line in found.protocol["copies"]}
        assert rows <= set(map(str, copies)) and rows
        pure = measured(model(train), part)["memorization"].values
        assert pure["copied"] == 1 and pure["authentic"] == 0 and pure["nearer"] == 1
        fresh = measured(model(test), part)["memorization"].values
        assert fresh["copied"] == 0 and fresh["nearer"] == pytest.approx(0.5, abs=0.1)


class TestVariety:
    def test_the_score_needs_classes(self, copier):
        with pytest.raises(InputError, match="'pixels' have no classes; take those of"):
            measured(copier, dict(name="inception_score", features="pixels"))

    def test_vendi_beside_real_images(self):
        part = dict(name="vendi_score", features=PIXELS, num=200)
        one = measured(model(stored("train", 1)[0]), part)["vendi_score"].values
        assert one["vendi_pixels"] == pytest.approx(1, abs=1e-3)
        assert one["vendi_pixels_real"] > 3
        assert "vendi_pixels_at_real" not in one

    def test_ms_ssim_of_a_single_image_is_one(self):
        view = model(stored("train", 1, image_size=24)[0], image_size=24)
        found = measured(view, dict(name="ms_ssim_diversity", num=20))
        values = found["ms_ssim_diversity"].values
        assert values["ms_ssim"] == pytest.approx(1)
        assert values["ms_ssim_real"] < 0.7
        assert found["ms_ssim_diversity"].protocol["scales"] == 2

    def test_pairs_of_a_sorted_split_are_of_one_class_as_often_as_any(
        self, monkeypatch
    ):
        """Ten images, each 50 times, in a row."""
        same = lambda one, other, _: (one == other).all((1, 2, 3)).astype(float)
        monkeypatch.setattr(variety, "ms_ssim", same)
        view = model(stored("train", 10, image_size=24)[0], image_size=24)
        rows = np.repeat(stored("train", 10, image_size=24)[0], 50, 0)
        test = ArraySplit({"x": rows, "label": np.repeat(np.arange(10), 50)})
        splits = {**view.data.splits, "test": test}
        monkeypatch.setattr(view, "data", dataclasses.replace(view.data, splits=splits))
        found = measured(view, dict(name="ms_ssim_diversity", num=250))
        values = found["ms_ssim_diversity"].values
        assert values["ms_ssim_real"] == pytest.approx(0.1, abs=0.06)


class TestClasses:
    def test_frechet_within_classes_sees_classes_that_change_places(self):
        """A model that makes the right digits, and one that makes those of the next class."""
        pool, label = stored("train")
        part = dict(name="intra_class_frechet", features=PIXELS, num=40)
        right = measured(model(pool, label), part)["intra_class_frechet"]
        wrong = measured(model(pool, (label + 1) % 10), part)["intra_class_frechet"]
        name = "intra_class_pixels"
        assert 2 * right.values[name] < wrong.values[name] < wrong.values["largest"]
        assert right.values[f"{name}_floor"] < wrong.values[name]
        low, high = right.intervals[name]
        assert low < right.values[name] < high
        assert "25 images leave a covariance of 64" in right.protocol["warning"]

    def test_classifiers_learn_from_samples_what_is_in_them(self):
        pool, label = stored("train")
        part = dict(name="classifier_accuracy_score", num_samples=20, C=(10.0,))
        right = measured(model(pool, label), part)["classifier_accuracy_score"]
        wrong = measured(model(pool, (label + 1) % 10), part)
        assert right.values["accuracy"] > 0.8
        assert right.values["accuracy_real"] > 0.8
        assert right.protocol["real"] == "200 of train"
        assert wrong["classifier_accuracy_score"].values["accuracy"] < 0.1


class TestPathLength:
    def test_of_a_linear_decoder(self):
        """Pixels move by half of what their weights make of the latent's own speed."""
        weights = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
        part = dict(name="path_length", features=PIXELS, num=128)
        linear = trained(Linear(weights))
        found = measured(linear, part)["path_length"].values["path_length_pixels"]
        generator = np.random.default_rng(1)
        start, end = generator.normal(size=(2, 4000, 3)).astype(np.float32)
        t, step = generator.uniform(size=4000).astype(np.float32), np.float32(1e-3)
        speed = (slerp(start, end, t + step) - slerp(start, end, t - step)) / (2 * step)
        squared = np.square(np.asarray(speed) @ weights / 2).sum(1)
        least, most = np.quantile(squared, (0.01, 0.99))
        kept = squared[(least <= squared) & (squared <= most)]
        assert found == pytest.approx(kept.mean(), rel=0.25)

    def test_ends_and_length_of_the_way(self):
        start, end = np.array([[2.0, 0, 0]]), np.array([[0, 4.0, 0]])
        for t, expected in ((0.0, [2, 0, 0]), (1.0, [0, 4, 0])):
            np.testing.assert_allclose(
                slerp(start, end, np.array([t]))[0], expected, atol=1e-6
            )
        middle = np.asarray(slerp(start, end, np.array([0.5])))[0]
        np.testing.assert_allclose(middle, np.array([3, 3, 0]) / 2**0.5, rtol=1e-5)


class TestDigitsClassifier:
    def test_it_knows_digits(self):
        """The weights that are shipped: 97.3 % of the test digits at 16 px, its score near 10."""
        features = choose("digits_classifier")
        images, label = stored("test", image_size=16)
        logits = np.asarray(jax.jit(features)(images.astype(np.float32) / 255)[1])
        assert np.mean(logits.argmax(1) == label) == pytest.approx(0.973, abs=0.004)
        assert features.checksum == "ff0fe0b4906d"
        part = dict(name="inception_score", features="digits_classifier", splits=2)
        part["num"] = 300
        found = measured(model(stored("test")[0]), part)["inception_score"]
        name = "inception_score_digits_classifier"
        assert 8 < found.values[name] < 10
        assert 8 < found.values[f"{name}_real"] < 10
        low, high = found.intervals[name]
        assert low < found.values[name] < high
        assert f"{name}_at_real" not in found.values

    def test_fewer_real_images_are_held_against_as_many_samples(self):
        view = model(stored("test")[0])
        part = dict(name="inception_score", features="digits_classifier", num=1000)
        found = measured(view, part)["inception_score"]
        name = "inception_score_digits_classifier"
        told = found.protocol["splits"]
        assert told == "10 of 100 samples, 3 of 100 real images"
        features = choose("digits_classifier")
        logits = seen_in.of_samples(view, features, 300).logits
        expected = spread.inception_scores(logits, splits=3).mean()
        assert found.values[f"{name}_at_real"] == pytest.approx(expected)
        few = measured(view, dict(part, num=5000))["inception_score"].protocol
        assert few["splits"] == "10 of 500 samples, 1 of 300 real images"


REFUSED = (
    (dict(name="fid"), "original Inception weights alone, which genlab does not ship"),
    (
        dict(name="fid", weights=__file__),
        "has the checksum .* of the Inception-v3 of F",
    ),
    (dict(name="frechet", features="inceptionn"), "unknown features 'inceptionn'"),
    (dict(name="frechet", features=dict(name="run", run="")), "name one, run=DIR"),
    (dict(name="frechet", features=dict(name="run", run="~none/it")), "~none/it"),
    (dict(name="frechet", num=1), "1 samples against 1372 real images"),
    (dict(name="kid", reference="trian"), "reference='trian' is no split"),
    (dict(name="kid", num=2**31 - 1), "features of samples takes"),
    (dict(name="precision_recall", num=3), "3 nearest neighbours among 3 images"),
    (dict(name="frechet_infinity", points=2), "a line through 2 counts"),
    (dict(name="inception_score", features="random"), "'random' have no classes"),
    (dict(name="inception_score", features="random", num=5), "cut into 10 splits"),
    (dict(name="path_length"), "decodes z ~ N\\(0, I\\), as 'gan' and 'vae'"),
    (dict(name="ms_ssim_diversity"), "11 pixels or more on a side, not 8 x 8"),
)


@pytest.mark.parametrize(("part", "told"), REFUSED, ids=lambda x: str(x)[:40])
def test_refused_before_training(part, told, copier):
    with pytest.raises(InputError, match=told):
        evaluate.check(copier.experiment, copier.data, metrics, [part])


def test_samples_that_are_not_finite(copier, monkeypatch):
    broken = model(stored("validation")[0])
    draw = broken.experiment.sample
    monkeypatch.setattr(broken.experiment, "sample", lambda *rest: draw(*rest) * np.nan)
    with pytest.raises(InputError, match="64 of 64 samples have features that are not"):
        measured(broken, dict(name="frechet", features=PIXELS, num=64))


def test_features_of_real_images_are_kept_in_the_cache(tmp_path, monkeypatch):
    """Under a checksum of pixels, features and code; a damaged file is made anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(seen_in, "WORTH", 0.0)
    part = dict(name="frechet", features=PIXELS, num=40)
    pool = stored("validation")[0]
    first = measured(model(pool), part)["frechet"].values
    kept = sorted((tmp_path / "genlab" / "features").iterdir())
    assert len(kept) == 2 and kept[0].name.startswith("pixels-")
    look, seen = seen_in._look, []

    def watched(*rest, **images):
        seen.append(rest[-1])
        return look(*rest, **images)

    monkeypatch.setattr(seen_in, "_look", watched)
    assert measured(model(pool), part)["frechet"].values == first
    assert seen == ["samples"]
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    assert measured(model(pool), part)["frechet"].values == first
    assert sorted(seen) == ["real images", "samples", "samples"]
    other = dict(part, features=dict(PIXELS, size=4))
    measured(model(pool), other)
    assert len(list((tmp_path / "genlab" / "features").iterdir())) == 4
    halved = lambda variables, images: (images.reshape(len(images), -1) / 2, None)
    monkeypatch.setattr(pixels, "_flat", halved)
    found = measured(model(pool), part)["frechet"].values
    assert found["frechet_pixels"] == pytest.approx(first["frechet_pixels"] / 4)
