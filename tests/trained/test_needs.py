"""Every metric and plot x every kind of data x every family: it fits, or is refused before training.

The default run holds a few pairs of family and data; `pytest -m full` holds every pair that builds.
"""

import functools

import jax
import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.config import catalogue
from genlab.data.dataset import Dataset, array_splits
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.metrics.measurement import Measurement
from genlab.registry import metrics, plots
from genlab.run.recipe import Recipe
from genlab.trained.needs import FACTS, METHODS, needs

SIZE, LENGTH, TOKENS = 90, 4, 6


def _dataset(x, label=None, classes=0) -> Dataset:
    arrays = {"x": x} if label is None else {"x": x, "label": label.astype(np.int32)}
    fractions = dict(validation_fraction=0.2, test_fraction=0.3)
    splits = array_splits({"train": arrays}, **fractions)
    return Dataset("made_up", splits, x.shape[1:], num_classes=classes)


def images(*, classes: int = 0) -> Dataset:
    """Images 8 x 8, of so many classes."""
    x = np.random.default_rng(0).integers(0, 256, (SIZE, 8, 8, 1)).astype(np.uint8)
    return _dataset(x, np.arange(SIZE) % classes if classes else None, classes)


def melodies() -> Dataset:
    """Tokens, one-hot, as bytes."""
    token = np.random.default_rng(0).integers(0, TOKENS, (SIZE, LENGTH))
    return _dataset((np.eye(TOKENS)[token] * 255).astype(np.uint8))


DATA = {
    "labels": dict(name="test_needs:images", classes=3),
    "one class": dict(name="test_needs:images", classes=1),
    "no labels": dict(name="test_needs:images"),
    "points": dict(name="toy2d", size=200),
    "pairs": dict(name="shape_pairs", image_size=16),
    "melodies": dict(name="test_needs:melodies"),
}
# Few of everything, whatever a part calls it.
FEW = dict(
    num=6,
    num_train=40,
    num_test=20,
    num_samples=20,
    num_points=20,
    num_reference=10,
    size=2,
    pairs=2,
    points=2,
    runs=2,
    betas=(2, 2, 2),
    burn_in=1,
    max_iter=5,
    neighbours=3,
    directions=2,
    k=(1, 2),
    perplexity=2.0,
    draws=2,
    samples=4,
    run="nowhere",
    features=dict(name="pixels", size=4),
    subsets=2,
    projections=3,
)
DEFAULT = (
    ("autoencoder", "one class"),
    ("gan_ring", "points"),
)
PAIRS = [
    pytest.param(
        family, kind, marks=() if (family, kind) in DEFAULT else pytest.mark.full
    )
    for family in recipes.all_configs()
    for kind in DATA
]


@functools.cache
def _recipe(family: str, kind: str) -> Recipe | None:
    """The family's tiny recipe on such data; None where it does not build."""
    config = recipes.plain(family)
    if not ((family, kind) in (("gan_ring", "points"), ("pix2pix", "pairs"))):
        kept = {k: v for k, v in config["data"].items() if k in KEPT}
        config["data"] = {**kept, "degrade": None, "augment": [], **DATA[kind]}
    config["eval"] |= {"best": "", "metrics": [], "final_metrics": []}
    config["sample"] |= {"plots": []}
    try:
        return Recipe.build(config)
    except InputError:
        return None


KEPT = (
    "value_range",
    "binarize",
    "train_size",
    "without_labels",
    "subset_seed",
    "backend",
)


def _asked(registry, name):
    return {"name": name, **{k: FEW[k] for k in registry.knobs(name) if k in FEW}}


# Their statistics are empty before the first round of expectation maximisation.
HAVE_SEEN_NOTHING = ("gaussian_mixture", "probabilistic_pca", "sparse_coding")


@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_each_fits_or_is_refused_before_training(family, kind):
    built = _recipe(family, kind)
    if built is None:
        pytest.skip("this family does not take such data")
    state = built.init_state()
    if family in HAVE_SEEN_NOTHING:
        state, _ = recipes.run_rounds(built, 1, per_call=1)
    trained = built.trained(jax.device_put(state))
    fitting = 0
    for registry in (metrics, plots):
        for name in registry:
            choice = _asked(registry, name)
            try:
                evaluate.check(built.experiment, built.data, registry, [choice])
            except InputError as error:
                assert "\n" not in str(error), name
                continue
            fitting += 1
            if registry is metrics:
                found = evaluate.measure(trained, "test", [choice], 8)[name]
                assert isinstance(found, Measurement)
            else:
                evaluate.draw(trained, [choice])
    assert (
        fitting or kind == "melodies"
    )  # are drawn only by a family that makes them again


def test_needs_are_known_and_shown():
    for registry in (metrics, plots):
        for name in registry:
            declared = getattr(registry.find(name), "needs", None)
            assert declared, f"{name} declares no needs"
            for need in declared:
                assert need in METHODS or set(need.split(" or ")) <= set(FACTS), need
    shown = {part["name"]: part for part in catalogue.collect("plots")["plots"]}
    assert shown["samples"]["needs"] == ["images or points or melodies", "sample"]
    assert "needs: images or points or melodies, sample" in catalogue.render(
        catalogue.collect("plots")
    )


def test_own_images_are_refused_before_a_round(tmp_path, capsys):
    """What the metrics of a recipe need and a folder of one's own does not have."""
    from PIL import Image

    for row in range(30):
        pixels = np.random.default_rng(row).integers(0, 256, (32, 32)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
    arguments = [
        "--config=" + str(recipes.CONFIGS / "dcgan.py:tiny"),
        "--config.devices=1",
    ]
    arguments += [
        f"--config.data.name=folder:{tmp_path}",
        f"--workdir={tmp_path / 'run'}",
    ]
    arguments += ["--config.eval.metrics=('class_coverage',)"]
    assert main(["launch.py", *arguments]) == 2
    assert "'class_coverage' needs examples with labels" in capsys.readouterr().err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@needs("sample")
def breaks(trained, split):
    """A metric that passes every check and fails when it is due."""
    raise ZeroDivisionError("no such luck")


def smears(trained):
    """A plot of floats."""
    return np.zeros((4, 4, 3))


def listed(trained, split):
    """A metric that returns its values alone."""
    return {"value": 1.0}


def test_a_part_that_fails_costs_itself_alone(tmp_path, capsys):
    """Results, pictures and report of all others are written; the exit code and a line tell."""
    config = f"--config={recipes.CONFIGS / 'vae.py:tiny'}"
    own = "{'name': 'test_needs:%s'}"
    arguments = [
        *("launch.py", config, f"--workdir={tmp_path}", "--config.devices=1"),
        f"--config.eval.metrics=({own % 'breaks'},)",
        f"--config.eval.final_metrics=({own % 'listed'},)",
        f"--config.sample.plots=({own % 'smears'}, 'samples')",
    ]
    assert main(arguments) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("genlab: error: ")
    told = {
        "test_needs:breaks": "ZeroDivisionError: no such luck",
        "test_needs:listed": "gives 'dict', not a Measurement of values and protocol",
        "test_needs:smears": "gives float64[4, 4, 3], not a picture: uint8 [H, W, 3]",
    }
    results = recipes.json.loads((tmp_path / "results.json").read_text())
    assert results["metrics"].keys() == {"held_out"}
    assert results["failed"].keys() == told.keys()
    for name, reason in told.items():
        assert reason in results["failed"][name] and f"{name!r} failed" in last
    assert "no such luck" in (tmp_path / "report.html").read_text()
    assert list((tmp_path / "samples").glob("samples-00000008.png"))
