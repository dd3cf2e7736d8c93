"""Keys: one for every name and step, and draws that do not see how the batch is shared."""

import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import stats

from genlab.game import parallel, rng, threefry


def test_streams_differ_by_seed_name_and_step():
    keys = [
        rng.stream(seed, name, step)
        for seed in (0, 1)
        for name in ("train", "prepare")
        for step in (0, 1, 2)
    ]
    data = {tuple(np.asarray(jax.random.key_data(key)).tolist()) for key in keys}
    assert len(data) == len(keys)
    again = jax.random.key_data(rng.stream(1, "prepare", 2))
    np.testing.assert_array_equal(jax.random.key_data(keys[-1]), again)


@pytest.mark.parametrize("devices", [2, 4])
def test_a_mapped_batch_draws_what_the_whole_batch_draws(devices):
    key = rng.stream(0, "test")
    whole = rng.normal(key, (8, 3))

    def on_one_device(_):
        with parallel.mapped():
            return rng.normal(key, (8 // devices, 3))

    program = jax.pmap(on_one_device, axis_name=parallel.BATCH)
    parts = program(np.zeros(devices)).reshape(8, 3)
    np.testing.assert_array_equal(parts, whole)


def test_a_longer_batch_begins_with_the_shorter():
    key = rng.stream(0, "test")
    np.testing.assert_array_equal(rng.normal(key, (9, 2))[:4], rng.normal(key, (4, 2)))


def test_draws_have_their_distributions():
    key, shape = rng.stream(0, "test"), (500, 20)
    normal = np.ravel(rng.normal(key, shape))
    uniform = np.ravel(rng.uniform(key, shape, 2.0, 5.0))
    assert stats.kstest(normal, "norm").pvalue > 0.01
    assert stats.kstest(uniform, "uniform", args=(2.0, 3.0)).pvalue > 0.01
    share = np.mean(rng.bernoulli(key, 0.3, shape))
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 10_000)


def test_coins_of_tiny_probabilities_are_not_rounded_up():
    """Counts of 6,000,000 coins within 5 standard deviations of the binomial."""
    key, shape = rng.stream(0, "rare"), (1000, 6000)
    for probability in (1e-6, 2.0**-16 * 1.5):
        count = int(rng.bernoulli(key, probability, shape).sum())
        mean = probability * 6e6
        assert abs(count - mean) < 5 * np.sqrt(mean), probability
    assert not rng.bernoulli(key, 0.0, shape).any()
    assert rng.bernoulli(key, 1.0, (1000, 3)).all()
    assert rng.bernoulli(key, np.full((1000, 3), 1.0, np.float32), (1000, 3)).all()


def test_gathered_batch_is_the_global_one_and_comes_apart_again():
    x = np.arange(8.0).reshape(4, 2)

    def on_one_device(share):
        with parallel.mapped():
            whole = parallel.gather_batch(share)
            mean = parallel.mean_over_devices(share.mean())
            return whole, parallel.local_share(whole) - share, mean

    program = jax.pmap(on_one_device, axis_name=parallel.BATCH)
    whole, rest, mean = program(x)
    for copy in whole:
        np.testing.assert_array_equal(copy, x.reshape(-1))
    np.testing.assert_array_equal(rest, np.zeros_like(x))
    np.testing.assert_allclose(mean, np.full(4, x.mean()))


@pytest.mark.parametrize("half", [1, 2, 57, 392])
def test_words_are_those_of_jax(half):
    generator = np.random.default_rng(half)
    key = generator.integers(0, 2**32, 2, np.uint32)
    counts = generator.integers(0, 2**32, 2 * half, np.uint32)
    for given in (counts, np.arange(2 * half, dtype=np.uint32)):
        np.testing.assert_array_equal(
            jax.jit(threefry.words)(key, given), threefry_2x32(key, given)
        )


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_draws_and_keys_are_those_of_jax(impl):
    key, shape = jax.random.key(7, impl=impl), (6, 3, 5)
    data = lambda keys: np.asarray(jax.random.key_data(keys))
    numbers = jnp.arange(6)
    folded = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
    np.testing.assert_array_equal(data(rng.numbered(key, numbers)), data(folded))
    np.testing.assert_array_equal(data(rng.examples(key, 6)), data(folded))
    for below, number in (("a", zlib.crc32(b"a")), (3, 3), (jnp.int32(-3), 2**32 - 3)):
        np.testing.assert_array_equal(
            data(rng.fold(key, below)), data(jax.random.fold_in(key, number))
        )
    expected = {
        draw: jax.vmap(lambda one, draw=draw: draw(one, shape[1:]))(folded)
        for draw in (jax.random.normal, jax.random.uniform)
    }
    np.testing.assert_array_equal(rng.normal(key, shape), expected[jax.random.normal])
    np.testing.assert_array_equal(rng.uniform(key, shape), expected[jax.random.uniform])


def test_bits_are_those_of_jax():
    key = jax.random.key(1)
    np.testing.assert_array_equal(
        threefry.bits(jax.random.key_data(key), (300, 7)),
        jax.random.bits(key, (300, 7)),
    )
