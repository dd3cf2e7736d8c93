"""Sentences about classes, and discriminators with further heads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.models.sentence import one_hot_words
from genlab.registry import models

NAMES = ("red heart", "red square", "small blue heart")
KEY = jax.random.key(0)


def test_words_are_one_hot_and_shared():
    words = one_hot_words(NAMES, "a {}", None)
    assert words.shape == (3, 4, 6)  # a blue heart red small square
    np.testing.assert_array_equal(words.sum(axis=2), [[1, 1, 1, 0]] * 2 + [[1] * 4])
    np.testing.assert_array_equal(words[0, 1], words[1, 1])
    np.testing.assert_array_equal(words[0, 2], words[2, 3])


def test_a_vocabulary_that_lacks_a_word_is_refused():
    told = "the vocabulary lacks 'heart' of the caption 'red heart'"
    with pytest.raises(InputError, match=told):
        one_hot_words(NAMES, "{}", ("red", "square", "small", "blue"))
    with pytest.raises(InputError, match="no place {}"):
        one_hot_words(NAMES, "a picture", None)
    sentence = models.build("sentence", class_names=NAMES, vocabulary=("red",))
    with pytest.raises(InputError, match="did you mean|lacks 'heart'"):
        jax.eval_shape(sentence.init, KEY, jnp.array([0]))


@pytest.mark.parametrize("encoder", ["word_average", "word_recurrence"])
def test_a_class_is_its_words_and_a_mean_of_classes_between(encoder):
    encoder = models.build(encoder, width=4)
    sentence = models.build("sentence", class_names=NAMES, encoder=encoder, width=3)
    variables = sentence.init(KEY, jnp.array([0]))
    one, two = sentence.apply(variables, jnp.array([2, 0]))
    weights = jnp.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.5]])
    found = sentence.apply(variables, weights)
    np.testing.assert_allclose(found[:2], [one, two], rtol=1e-5)
    assert np.abs(one - two).max() > 1e-4


def test_padding_after_a_sentence_changes_nothing():
    encoder = models.build("word_recurrence", width=4)
    words = jnp.asarray(one_hot_words(("a b",), "{}", None), jnp.float32)
    variables = encoder.init(KEY, words)
    longer = jnp.pad(words, ((0, 0), (0, 3), (0, 0)))
    one, same = (encoder.apply(variables, each) for each in (words, longer))
    np.testing.assert_allclose(one, same, rtol=1e-6)


@pytest.fixture(scope="module")
def discriminator():
    return models.build("mlp_discriminator", hidden=(4,))


X = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)), jnp.float32)


def test_heads_are_linear_on_one_trunk(discriminator):
    module = models.build(
        "heads",
        network=discriminator,
        heads=("classes", "codes"),
        num_classes=3,
        code_width=2,
    )
    variables = module.init(KEY, X)
    found = module.apply(variables, X)
    inside = {"params": variables["params"]["network"]}
    trunk = discriminator.apply(inside, X, method="features")
    for name, width in (("classes", 3), ("codes", 2), ("logits", 1)):
        layer = variables["params"][name]
        kernel, bias = np.asarray(layer["kernel"]), np.asarray(layer["bias"])
        by_hand = np.asarray(trunk) @ kernel + bias
        assert by_hand.shape == (5, width)
        np.testing.assert_allclose(found[name].reshape(5, -1), by_hand, rtol=1e-4)


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        (dict(heads=("colour",)), "no head 'colour'"),
        (dict(heads=("classes",)), "data without labels"),
        (dict(heads=("codes",)), "a game without codes"),
    ],
)
def test_heads_of_nothing_are_refused(discriminator, knobs, told):
    module = models.build("heads", network=discriminator, **knobs)
    with pytest.raises(InputError, match=told):
        jax.eval_shape(module.init, KEY, X)


def test_a_projection_tells_the_inner_products_of_all_classes(discriminator):
    """D(x, y) = w . phi + b + v_y . phi, whose last term is the class's logit."""
    sentence = models.build("sentence", class_names=NAMES, width=3)
    module = models.build(
        "projection",
        network=discriminator,
        embedding=sentence,
        num_classes=3,
        tells_classes=True,
    )
    label = jnp.array([0, 1, 2, 1, 0])
    variables = module.init(KEY, X, label=label)
    found = module.apply(variables, X, label=label)
    params = variables["params"]
    phi = discriminator.apply({"params": params["network"]}, X, method="features")
    vectors = sentence.apply({"params": params["embedding"]}, jnp.arange(3))
    classes = np.asarray(phi) @ (np.asarray(vectors) @ params["classes"]["kernel"]).T
    np.testing.assert_allclose(found["classes"], classes, rtol=1e-4, atol=1e-6)
    own = np.asarray(phi) @ np.asarray(params["head"]["kernel"])[:, 0]
    projected = own + classes[np.arange(5), np.asarray(label)]
    np.testing.assert_allclose(found["logits"], projected, rtol=1e-4, atol=1e-6)
