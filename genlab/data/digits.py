"""The 1,797 handwritten digits of 8 x 8 pixels that scikit-learn carries."""

import functools

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, array_splits
from genlab.numbers import Share
from genlab.registry import datasets


@datasets.register
def digits(
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 6,
) -> Dataset:
    """Handwritten digits 8 x 8, embedded in scikit-learn: 1,797 images, 10 classes.

    Pixel counts 0..16 become 0..255. The source has no splits: 300 images in even spread are the
    test split, and a validation_fraction of the other 1,497 (125) the validation split.

    Args:
      image_size: side in pixels (bicubic), or (height, width); None keeps 8.
      channels: 1, or 3 to repeat the gray channel; None keeps 1.
      validation_fraction: share of the training images held out; 0 leaves validation empty.
      test_fraction: share of all images held out.

    Raises:
      InputError: an image_size below 1, other channels, a fraction outside [0, 1).

    Paper: Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits
    """
    images.check_options(image_size, channels)
    pixels, labels = _embedded()
    x = images.convert(pixels.copy(), image_size=image_size, channels=channels)
    arrays = {"x": x, "label": labels.copy()}
    return Dataset(
        name="digits",
        splits=array_splits(
            {"train": arrays},
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
        ),
        example_shape=x.shape[1:],
        num_classes=10,
        class_names=tuple("0123456789"),
    )


@functools.cache
def _embedded() -> tuple[np.ndarray, np.ndarray]:
    """All images `[1797, 8, 8, 1]` and their labels, which are text in scikit-learn's file."""
    from sklearn.datasets import load_digits

    source = load_digits()
    pixels = np.round(source.images * (255 / 16)).astype(np.uint8)[..., None]
    return pixels, source.target.astype(np.int32)
