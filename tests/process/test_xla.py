"""Two published programs whose results jaxlib 0.10.2 gets wrong on a CPU; the flag that mends it."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genlab.errors import InputError
from genlab.process import xla


def test_sum_of_products_of_a_matrix_and_vectors():
    # jax issue 39103: the last row came out as 1,065,369,600.
    count = 2**15 + 1
    x = np.zeros((count, 3), np.float32)
    x[:, 0] = np.arange(count)
    matrix = jnp.eye(3)
    program = jax.jit(jax.vmap(lambda row: jnp.sum(jnp.square(matrix @ row))))
    found = np.asarray(program(x))
    np.testing.assert_allclose(found, np.square(x[:, 0]), rtol=1e-6)
    assert found[-1] == 1_073_741_824


def test_products_summed_in_seven_dimensions():
    # jax issues 39257 and 40412: the process died.
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 3, 1, 2, 2, 8, 8, 8)).astype(np.float32)
    found = jax.jit(lambda a, b: jnp.sum(a * b, axis=3))(a, b)
    np.testing.assert_allclose(found, np.sum(a * b, axis=3), rtol=1e-5, atol=1e-5)


@pytest.fixture
def wrong_jaxlib(monkeypatch):
    monkeypatch.setattr(xla, "jaxlib_version", lambda: "0.10.2")
    monkeypatch.setattr(xla, "_has_started", lambda: False)
    return monkeypatch


def test_flag_joins_those_of_the_user(wrong_jaxlib):
    wrong_jaxlib.setenv("XLA_FLAGS", "--xla_one=1")
    xla.keep_sums_right()
    assert os.environ["XLA_FLAGS"] == f"--xla_one=1 {xla._FLAG}"
    assert xla.describe().endswith("which is set")


def test_flag_of_the_user_stays(wrong_jaxlib):
    chosen = "--xla_cpu_experimental_ynn_fusion_type=reduce"
    wrong_jaxlib.setenv("XLA_FLAGS", chosen)
    xla.keep_sums_right()
    assert os.environ["XLA_FLAGS"] == chosen
    assert "known to be wrong" in xla.describe()


def test_a_right_jaxlib_needs_no_flag(wrong_jaxlib):
    wrong_jaxlib.setattr(xla, "jaxlib_version", lambda: "0.11.2")
    wrong_jaxlib.setenv("XLA_FLAGS", "--xla_one=1")
    xla.keep_sums_right()
    assert os.environ["XLA_FLAGS"] == "--xla_one=1"
    assert xla.describe() == "jaxlib 0.11.2"


def test_too_late_is_an_error(wrong_jaxlib):
    wrong_jaxlib.delenv("XLA_FLAGS", raising=False)
    wrong_jaxlib.setattr(xla, "_has_started", lambda: True)
    with pytest.raises(InputError, match="import genlab first"):
        xla.keep_sums_right()
