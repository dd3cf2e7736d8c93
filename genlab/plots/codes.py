"""What the codes of a generator show: one of them changes, all else stays."""

from collections.abc import Iterator

import numpy as np

from genlab.game import rng
from genlab.game.codes import Codes
from genlab.numbers import Count, Positive
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("images", "sample_codes")
def traversals(
    trained: Trained, *, rows: Count = 5, points: Count = 10, reach: Positive = 2.0
) -> np.ndarray:
    """Samples along each code, a block for each and in it a row for each draw of all the others.

    Along a categorical code are its categories, along a continuous one `points` values from -reach to
    reach. Within a row the noise and the other codes are the same.

    Args:
      trained: the model.
      rows: draws of noise and other codes, the same in every block.
      points: values of a continuous code.
      reach: the greatest value; training shows values to 1, the paper's figure to 2.

    Returns:
      [H, W, 3] uint8, an empty row between blocks.

    Raises:
      InputError: the experiment has no codes, or examples are not images.

    Paper: Chen et al. 2016, arXiv:1606.03657 (figure 2)
    """
    codes: Codes = trained.experiment.codes
    first = trained.experiment.latent_dim  # codes come after the noise
    latents = np.array(
        trained.experiment.latents(rng.stream(trained.seed, "traversals"), rows)
    )
    blocks = []
    for place, values in _along(codes, points, reach):
        walked = np.repeat(latents[:, None], len(values), axis=1)
        walked[:, :, first + place : first + place + values.shape[1]] = values
        images = trained.call("decode", walked.reshape(-1, latents.shape[1]))
        blocks.append(images.reshape(rows, len(values), *images.shape[1:]))
    columns = max(block.shape[1] for block in blocks)
    blank = np.full_like(blocks[0][:1, :1], trained.value_range[0])
    lines = []
    for block in blocks:
        missing = np.repeat(blank.repeat(rows, 0), columns - block.shape[1], axis=1)
        lines += [np.concatenate([block, missing], axis=1), blank.repeat(columns, 1)]
    images = np.concatenate(lines[:-1])
    return image_grid(
        images.reshape(-1, *images.shape[2:]),
        columns=columns,
        value_range=trained.value_range,
    )


def _along(codes: Codes, points: int, reach: float) -> Iterator[tuple[int, np.ndarray]]:
    """Of each code its place among all numbers of a code, and what it goes through, [T, width]."""
    place = 0
    for count in codes.categorical:
        yield place, np.eye(count, dtype=np.float32)
        place += count
    values = np.linspace(-reach, reach, points, dtype=np.float32)[:, None]
    for index in range(codes.continuous):
        yield place + index, values
