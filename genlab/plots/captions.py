"""Pictures beside the captions that they were asked for."""

import numpy as np

from genlab.data.dataset import golden_order
from genlab.game import rng
from genlab.numbers import Count
from genlab.plots import figure
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("images", "labels", "sample_classes")
def captions(trained: Trained, *, rows: Count = 10, num: Count = 8) -> np.ndarray:
    """Samples of some classes, each row beside the name of its class, which may be a caption.

    Args:
      trained: the model.
      rows: classes, an even spread over all of them.
      num: samples of each.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment samples no classes, or examples are not images.
    """
    count = trained.data.num_classes
    chosen = np.sort(golden_order(count)[:rows]).astype(np.int32)
    key = rng.stream(trained.seed, "captions")
    images = trained.call("sample_classes", chosen.repeat(num), key)
    axes = figure.new_axes(size=1.0 + 0.6 * len(chosen))
    names = trained.data.class_names or tuple(map(str, range(count)))
    for row, label in enumerate(chosen):
        strip = image_grid(
            images[row * num : (row + 1) * num],
            columns=num,
            padding=1,
            value_range=trained.value_range,
        )
        axes.imshow(strip, extent=(0, num, row + 0.95, row + 0.05), aspect="equal")
    axes.set(xlim=(0, num), ylim=(len(chosen), 0), xticks=[])
    axes.set_yticks(np.arange(len(chosen)) + 0.5, [names[i] for i in chosen])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return figure.render(axes.figure)
