"""Random changes of a batch of images that a gradient passes through, for what a discriminator sees.

Each is a function of `x: [B, H, W, C]` in any range around 0 and a key, drawn for each image; what moves in
from beyond the border is 0, the grey of [-1, 1].
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from genlab.errors import InputError, suggest
from genlab.game import rng
from genlab.numbers import Whole
from genlab.registry import corruptions

Array = jax.Array


def brightness(x: Array, key: Array) -> Array:
    """x + u, u ~ U[-1/2, 1/2)."""
    return x + _drawn(key, x, -0.5, 0.5)


def saturation(x: Array, key: Array) -> Array:
    """Each pixel's distance from the mean of its channels, times u ~ U[0, 2)."""
    return _scaled(x, _drawn(key, x, 0.0, 2.0), axis=3)


def contrast(x: Array, key: Array) -> Array:
    """The distance from the mean of the image, times u ~ U[1/2, 3/2)."""
    return _scaled(x, _drawn(key, x, 0.5, 1.5), axis=(1, 2, 3))


def translation(x: Array, key: Array) -> Array:
    """Moved by whole pixels, drawn evenly from up to an eighth of the size either way."""
    height, width = x.shape[1:3]
    return _moved(x, key, int(height / 8 + 0.5), int(width / 8 + 0.5))


def cutout(x: Array, key: Array) -> Array:
    """A window of half the height and width is 0, its centre drawn evenly from the image."""
    inside = True
    for axis, name in ((1, "rows"), (2, "columns")):
        size = x.shape[axis]
        hole = int(size / 2 + 0.5)
        ends = (0, size + 1 - hole % 2)
        centre = _whole(rng.fold(key, name), x, *ends)
        place = jnp.arange(size)[None] - centre[:, None] + hole // 2
        covered = (place >= 0) & (place < hole)
        inside = inside & jnp.expand_dims(covered, 3 - axis)
    return jnp.where(inside[..., None], 0.0, x)


def flip(x: Array, key: Array) -> Array:
    """Mirrored left to right with probability 1/2."""
    coin = rng.bernoulli(key, 0.5, (x.shape[0], 1, 1, 1))
    return jnp.where(coin, x[:, :, ::-1], x)


def quarter_turn(x: Array, key: Array) -> Array:
    """Turned by 0, 90, 180 or 270 degrees, drawn evenly; of square images."""
    if x.shape[1] != x.shape[2]:
        raise InputError(f"quarter_turn is of square images, not {x.shape[1:]}")
    return quarters(x, _whole(key, x, 0, 4))


def zoom(x: Array, key: Array) -> Array:
    """Enlarged about the centre by 2^s, s ~ N(0, 0.2^2); bilinear."""
    factor = 2 ** (0.2 * rng.normal(key, (x.shape[0],)))
    none = jnp.zeros_like(factor)
    return resampled(x, 1 / factor, none)


def rotation(x: Array, key: Array) -> Array:
    """Turned about the centre by an angle drawn evenly from the circle; bilinear."""
    angle = rng.uniform(key, (x.shape[0],), -jnp.pi, jnp.pi)
    return resampled(x, jnp.cos(angle), jnp.sin(angle))


CHANGES: dict[str, Callable[[Array, Array], Array]] = {
    change.__name__: change
    for change in (
        *(brightness, saturation, contrast, translation, cutout),
        *(flip, quarter_turn, zoom, rotation),
    )
}
_COLOR = ("brightness", "saturation", "contrast")


@corruptions.register
def diff_augment(
    x: Array, key: Array, *, policy: Sequence[str] = ("color", "translation", "cutout")
) -> Array:
    """Random changes that real and generated images go through before the discriminator: DiffAugment.

    Args:
      x: [B, H, W, C], images.
      key: of this use.
      policy: changes in their order: `color` (brightness, saturation, contrast), `translation`,
        `cutout`, and `flip`, `quarter_turn`, `zoom`, `rotation`.

    Raises:
      InputError: an unknown change, or examples that are no images.

    Paper: Zhao et al. 2020, arXiv:2006.10738
    """
    for name, change in changes("diff_augment", policy, x).items():
        x = change(x, rng.fold(key, name))
    return x


@corruptions.register
def flip_and_shift(x: Array, key: Array, *, pixels: Whole = 4) -> Array:
    """Mirrored with probability 1/2, and moved by up to some pixels either way, as in CR.

    Args:
      x: [B, H, W, C], images.
      key: of this use.
      pixels: the most, drawn evenly.

    Raises:
      InputError: examples are no images.

    Paper: Zhang et al. 2020, arXiv:1910.12027
    """
    changes("flip_and_shift", ("flip", "translation"), x)
    return _moved(flip(x, rng.fold(key, "flip")), key, pixels, pixels)


def changes(
    who: str, names: Sequence[str], x: Array
) -> dict[str, Callable[[Array, Array], Array]]:
    """The changes that a part chose, by name.

    Raises:
      InputError: an unknown one, or examples that are no images.
    """
    if x.ndim != 4:
        raise InputError(f"{who} is of images, [B, H, W, C], and these are {x.shape}")
    names = [n for name in names for n in (_COLOR if name == "color" else (name,))]
    for name in names:
        if name not in CHANGES:
            hint = suggest(name, ("color", *CHANGES))
            raise InputError(f"{who} knows no change {name!r}{hint}")
    return {name: CHANGES[name] for name in names}


def quarters(x: Array, turns: Array) -> Array:
    """Each square image of `x: [B, H, H, C]` turned anticlockwise by `turns: [B]` int quarters, exactly."""
    turns, found = turns[:, None, None, None] % 4, x
    for turn in (1, 2, 3):
        found = jnp.where(turns == turn, jnp.rot90(x, turn, axes=(1, 2)), found)
    return found


def resampled(x: Array, along: Array, across: Array) -> Array:
    """Each image of `x: [B, H, W, C]` at the points (a, -b; b, a) p, p measured from its centre, with
    `along: [B]` as a and `across: [B]` as b; bilinear, 0 beyond the border."""
    height, width = x.shape[1:3]
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    grid = jnp.stack(jnp.meshgrid(*map(jnp.arange, (height, width)), indexing="ij"))
    rows, columns = grid - centre

    def sample(image: Array, a: Array, b: Array) -> Array:
        points = centre + jnp.stack([a * rows - b * columns, b * rows + a * columns])
        channel = lambda values: jax.scipy.ndimage.map_coordinates(
            values, list(points), order=1, mode="constant"
        )
        return jax.vmap(channel, in_axes=2, out_axes=2)(image)

    return jax.vmap(sample)(x, along, across)


def _drawn(key: Array, x: Array, low: float, high: float) -> Array:
    return rng.uniform(key, (x.shape[0], 1, 1, 1), low, high)


def _whole(key: Array, x: Array, low: int, high: int) -> Array:
    """A whole number of [low, high) for each image, [B]."""
    draw = rng.uniform(key, (x.shape[0],), low, high)
    return jnp.minimum(jnp.floor(draw).astype(jnp.int32), high - 1)


def _scaled(x: Array, factor: Array, axis: int | tuple[int, ...]) -> Array:
    mean = jnp.mean(x, axis=axis, keepdims=True)
    return mean + factor * (x - mean)


def _moved(x: Array, key: Array, rows: int, columns: int) -> Array:
    """Moved by up to so many pixels either way."""
    padded = jnp.pad(x, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    down = _whole(rng.fold(key, "rows"), x, 0, 2 * rows + 1)
    right = _whole(rng.fold(key, "columns"), x, 0, 2 * columns + 1)
    window = lambda image, row, column: jax.lax.dynamic_slice(
        image, (row, column, 0), x.shape[1:]
    )
    return jax.vmap(window)(padded, down, right)
