"""Captions written from factors, read back by the exact factors."""

import math

import numpy as np
import pytest
import recipes

from genlab.data import captions
from genlab.errors import InputError
from genlab.metrics.caption_agreement import distinct, nearest_factors
from genlab.registry import datasets, metrics
from genlab.run.recipe import Recipe
from genlab.trained.trained import Trained


def test_captions_say_what_the_factors_are():
    factors = {"color": 3, "shape": 3, "size": 6, "orientation": 40, "x": 4, "y": 4}
    found = captions.of_sprites(factors, ("square", "ellipse", "heart"))
    assert len(set(found.texts)) == len(found.texts) == math.prod(found.sizes) == 72
    told = {
        (0, 0, 2, 7, 0, 3): "a small red square at the bottom left",
        (1, 1, 3, 0, 2, 0): "a large green ellipse at the top right",
        (2, 2, 5, 39, 1, 1): "a large blue heart at the top left",
    }
    index = np.asarray(found.index(np.array([*told])))
    assert [found.texts[i] for i in index] == [*told.values()]
    values = np.asarray(found.values(np.array([*told])))
    np.testing.assert_array_equal(found.words_of(index), values)


def test_hues_without_a_name_are_refused():
    with pytest.raises(InputError, match="captions name 2, 3 or 6 colors"):
        datasets.build("shapes", image_size=8, colors=5, captions=True)()
    white = datasets.build("shapes", image_size=8, captions=True)()
    assert white.class_names[0] == "a small square at the top left"


def test_real_images_show_their_captions():
    data = datasets.build("shapes", image_size=16, places=2, captions=True)()
    rows = np.arange(0, data.splits["train"].size, 97)
    batch = data.splits["train"].gather(rows)
    found, distance = nearest_factors(batch["x"] / 255, data.render, data.factors)
    shown = np.asarray(data.captions.values(found))
    np.testing.assert_array_equal(shown, data.captions.words_of(batch["label"]))
    assert distance.max() < 1e-3


def test_agreement_counts_samples_that_show_all_of_their_caption(monkeypatch):
    """Of samples that are images of the data, one in four of another caption."""
    config = recipes.plain("text_to_image")
    config["data"] |= {"colors": 1, "places": 2, "without_labels": [5]}
    config["eval"]["metrics"], config["sample"]["plots"] = [], []
    built = Recipe.build(config)
    trained = built.trained(built.shapes().replace(step=0))
    data, count = trained.data, trained.data.num_classes
    raw = data.splits["test"].gather(np.arange(data.splits["test"].size))
    first = {label: i for i, label in reversed([*enumerate(raw["label"])])}

    def sample(self, num, label=None, seed=0):
        asked = np.array([data.class_names.index(each) for each in label])
        shown = np.where(np.arange(num) % 4 == 0, (asked + 12) % count, asked)
        return raw["x"][[first[each] for each in shown]] / 127.5 - 1

    monkeypatch.setattr(Trained, "sample", sample)
    found = metrics.build("caption_agreement", num=count)(trained, "test")
    assert found.values["agreement"] == pytest.approx(0.75)
    assert found.values["agreement_size"] == pytest.approx(0.75)
    assert found.values["agreement_shape"] == 1
    assert found.values["agreement_unseen"] == 1
    assert found.values["distance"] < 1e-3
    assert "distinct" not in found.values  # of one sample there are no pairs
    found = metrics.build("caption_agreement", num=3 * count)(trained, "test")
    assert count % 4 == 0  # all samples of a caption are one image, right or wrong
    assert found.values["distinct"] == 0


def test_distinct_counts_pairs_of_samples_of_one_caption():
    factors = np.array([[0, 0], [1, 0], [0, 0], [1, 1], [0, 0], [2, 0]])
    asked = np.array([0, 1, 0, 1, 0, 1])
    # Of three equal ones no pair differs, of three different ones every pair.
    assert distinct(asked, factors) == pytest.approx(0.5)
    assert distinct(asked[:4], factors[:4]) == pytest.approx(0.5)


def test_a_vocabulary_that_lacks_a_word_is_refused_with_the_config():
    config = recipes.plain("text_to_image")
    role = config["model"]["generator"]
    role["embedding"] = {"name": "sentence", "vocabulary": ["a", "red"]}
    with pytest.raises(InputError, match="the vocabulary lacks 'small'"):
        Recipe.build(config)
