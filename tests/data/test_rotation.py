"""Images turned by one of a few angles."""

import jax.numpy as jnp
import numpy as np
import pytest

from genlab.data.rotation import rotated
from genlab.errors import InputError

X = jnp.asarray(np.random.default_rng(0).random((8, 6, 6, 2)), jnp.float32)


@pytest.mark.parametrize(("rotations", "quarters"), [(4, 1), (2, 2)])
def test_quarters_are_exact(rotations, quarters):
    turn = jnp.arange(8) % rotations
    found = rotated(X, turn, rotations=rotations)
    for one, x, k in zip(found, X, turn, strict=True):
        np.testing.assert_array_equal(one, np.rot90(x, quarters * k))
    whole = X
    for _ in range(rotations):
        whole = rotated(whole, jnp.ones(8, jnp.int32), rotations=rotations)
    np.testing.assert_array_equal(whole, X)


def test_eighths_lie_between_the_quarters_and_show_no_corners():
    place = np.arange(24) - 11.5
    rows, columns = np.meshgrid(place, place, indexing="ij")
    circle = rows**2 + columns**2 <= 144
    # A broad spot to the right: up and to the right of the centre after an eighth.
    spot = np.exp(-((rows**2) + (columns - 6) ** 2) / 16)
    x = jnp.asarray(np.repeat(spot[None, :, :, None], 8, 0), jnp.float32)
    found = rotated(x, jnp.arange(8), rotations=8)[..., 0]
    for turn, one in enumerate(found):
        angle = turn * np.pi / 4
        centre = -6 * np.sin(angle), 6 * np.cos(angle)
        expected = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 16)
        np.testing.assert_allclose(one, circle * expected, atol=0.03)
        if turn % 2 == 0:
            exact = circle * np.rot90(x[0, :, :, 0], turn // 2)
            np.testing.assert_array_equal(one, exact)


@pytest.mark.parametrize(
    ("shape", "rotations", "told"),
    [((1, 6, 6, 1), 3, "none of 2, 4, 8"), ((1, 6, 5, 1), 4, "square images")],
)
def test_other_rotations_and_images_are_refused(shape, rotations, told):
    with pytest.raises(InputError, match=told):
        rotated(jnp.zeros(shape), jnp.zeros(1, jnp.int32), rotations=rotations)
