"""Which examples are looked at: the same answer however the files are sorted."""

import dataclasses
import logging

import jax
import numpy as np
import pytest
import recipes
from PIL import Image
from sklearn.datasets import load_digits

from genlab.data.selection import select
from genlab.data.statistics import example_mean
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.metrics.measurement import Measurement
from genlab.registry import datasets
from genlab.run.recipe import Recipe
from genlab.sweep.group import group
from genlab.trials.trial import Trial

SMALL = dict(num_train=200, num_test=200)


def _orders(label):
    """Three orders of the same examples: sorted by class, class after class in turn, shuffled."""
    by_class = np.argsort(label, kind="stable")
    turns = np.concatenate([np.arange(np.sum(label == k)) for k in range(10)])
    cyclic = by_class[np.argsort(turns, kind="stable")]
    return by_class, cyclic, np.random.default_rng(1).permutation(len(label))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The digits as three npz files in other orders, and as folders of classes."""
    root = tmp_path_factory.mktemp("digits")
    digits = load_digits()
    x = np.rint(digits.images * 255 / 16).astype(np.uint8)
    names = []
    for number, order in enumerate(_orders(digits.target)):
        file = root / f"{number}.npz"
        np.savez(file, x=x[order], label=digits.target[order].astype(np.int32))
        names.append(f"npz:{file}")
    for row, (image, label) in enumerate(zip(x, digits.target, strict=True)):
        home = root / "folder" / f"digit_{label}"
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(home / f"{row:04d}.png")
    return [*names, f"folder:{root / 'folder'}"]


def _trained(config, name, **changes):
    built = Recipe.build(recipes.plain(config, data__name=name, **changes))
    return built.trained(jax.device_put(built.init_state()))


def test_a_part_of_a_split_has_every_class_by_its_share(sources):
    for name, least in zip(sources, (0.7, 0.7, 0.3, 0.7), strict=True):
        trained = _trained("autoencoder", name)
        for num in (100, 250):
            label = trained.examples("train", num)["label"]
            counts = np.bincount(label, minlength=10)
            # A shuffled file gives what chance gives.
            assert counts.min() >= least * num / 10, (name, counts)
        first = trained.examples("train", 30)["x"]
        np.testing.assert_array_equal(first, trained.examples("train", 100)["x"][:30])
        assert np.abs(example_mean(trained.data) - first.mean(0)).mean() < 0.05


def test_metrics_do_not_depend_on_the_order_of_files(sources):
    """A linear probe of raw pixels, and the gap of free energies of a machine that knows nothing."""
    raw, gaps, errors = [], [], []
    for name in (sources[0], sources[2]):
        coder = _trained("autoencoder", name)
        probe = {"name": "linear_probe", "max_iter": 50, **SMALL}
        found = evaluate.measure(coder, "test", [probe], 64)["linear_probe"]
        assert "classes_missed" not in found.protocol
        raw.append(found.values["accuracy_raw"])
        machine = _trained("rbm", name)
        chosen = [
            {"name": "free_energy_gap", "num": 100, "num_train": 100},
            {"name": "completion", "num": 100},
        ]
        found = evaluate.measure(machine, "test", chosen, 64)
        gaps.append(found["free_energy_gap"].values["gap"])
        errors.append(found["completion"].values["mean_image_error"])
    assert np.ptp(raw) < 0.08, raw
    assert np.max(np.abs(gaps)) < 1.0, gaps
    assert np.ptp(errors) < 0.1 * np.mean(errors), errors


def test_a_missed_class_is_named(sources, caplog, registries):
    trained = _trained("autoencoder", sources[-1])

    def looks(trained, split):
        trained.examples(split, 5)
        return Measurement({"value": 1.0}, {})

    evaluate.metrics.register(looks)
    with caplog.at_level(logging.WARNING, logger="genlab"):
        for _ in range(2):
            found = evaluate.measure(trained, "test", ["looks"], 64)["looks"]
    missed = found.protocol["classes_missed"]["test"]
    assert len(missed) >= 5 and all(name.startswith("digit_") for name in missed)
    told = [
        record for record in caplog.records if "saw no example of" in record.message
    ]
    assert len(told) == 1 and missed[0] in told[0].message


def _counts(split, classes=10):
    label = split.gather(np.arange(split.size))["label"]
    return np.bincount(label, minlength=classes)


def test_a_subset_is_drawn_by_its_seed_class_by_class():
    digits = datasets.build("digits", image_size=8)()
    draw = lambda size, seed: select(digits, train_size=size, subset_seed=seed).splits[
        "train"
    ]
    few, more = draw(50, 3), draw(200, 3)
    share = _counts(digits.splits["train"]) / digits.splits["train"].size
    for split in (few, more):
        assert np.abs(_counts(split) - share * split.size).max() <= 1
    np.testing.assert_array_equal(few._rows, more._rows[:50])
    assert len(np.intersect1d(few._rows, draw(50, 4)._rows)) < 25
    np.testing.assert_array_equal(few._rows, draw(50, 3)._rows)


def test_the_protocol_names_the_subset_and_its_classes():
    config = recipes.plain(
        "classifier", data__train_size="40", data__subset_seed="run", seed="5"
    )
    built = Recipe.build(config)
    by_number = dataclasses.replace(
        built, config={**config, "data": {**config["data"], "subset_seed": 5}}
    )
    assert by_number.data is built.data
    trained = built.trained(jax.device_put(built.init_state()))
    protocol = evaluate.measure(trained, "test", [], 64)["held_out"].protocol
    subset = protocol["train_subset"]
    assert subset["examples"] == 40 and subset["drawn_by"] == "seed 5, by class"
    assert sum(subset["classes"].values()) == 40 and len(subset["classes"]) == 10
    other = Recipe.build({**config, "seed": 6}).data.splits["train"]
    assert set(other._rows.tolist()) != set(built.data.splits["train"]._rows.tolist())


@pytest.mark.parametrize(
    ("seed", "size", "told"),
    [("3", "0", "takes all"), ("-1", "40", "is no seed"), ("walk", "40", "is no seed")],
)
def test_a_subset_seed_that_does_nothing_is_refused(seed, size, told):
    changes = dict(data__train_size=size, data__subset_seed=seed)
    with pytest.raises(InputError, match=told):
        Recipe.build(recipes.plain("classifier", **changes))


def test_members_of_a_population_share_their_examples():
    """Where the seed chooses them, trials of other seeds are other programs."""

    def groups(**changes):
        configs = [
            recipes.plain("classifier", seed=str(s), **changes) for s in (0, 0, 1)
        ]
        configs[1]["optimizer"]["classifier"]["learning_rate"] = 0.5
        return sorted(len(part) for part in group([Trial({}, c) for c in configs]))

    assert groups(data__train_size="40") == [3]
    assert groups(data__train_size="40", data__subset_seed="run") == [1, 2]
