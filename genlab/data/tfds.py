"""Data sets that TensorFlow Datasets has prepared, read without TensorFlow."""

import functools
import math
import operator
import pathlib
from typing import Any

import numpy as np

from genlab.data import images
from genlab.data.dataset import SPLITS, Dataset, carve_missing
from genlab.data.record_domains import two_domains
from genlab.data.split import Records, RecordSplit
from genlab.data.tfds_files import check_features, damage, shard_of, shards_of
from genlab.errors import InputError, suggest
from genlab.numbers import Share
from genlab.registry import datasets


@datasets.register
def tfds(
    name: str = "",
    *,
    data_dir: str | None = None,
    image_size: images.Size | None = None,
    channels: int | None = None,
    image: str | None = None,
    label: str | None = None,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 12,
) -> Dataset:
    """A data set prepared by TensorFlow Datasets in ArrayRecord, `tfds:mnist`.

    Read through its random-access source; TensorFlow is not needed and nothing is downloaded.
    Splits come from the source; a validation or test split that it lacks is an even spread of
    train (5,000 of MNIST's 60,000). A source with `trainA` and `trainB`, such as
    `tfds:cycle_gan/horse2zebra`, is two domains without pairs and without labels.

    Args:
      name: of the data set, with its configuration or version where wanted, `mnist:3.0.1`.
      data_dir: folder of prepared data sets; None takes the TFDS default.
      image_size: side in pixels (centre square, bicubic), or (height, width); None keeps the size,
        which must then be the same for every image.
      channels: 1, 3, or None for those of the feature.
      image: name of the image feature; None takes the only one.
      label: class label or boolean to use as label, `attributes/Smiling` where it is nested; None
        takes the only class label, if any.
      validation_fraction: share of train held out where the source has no validation split.
      test_fraction: the same for test.

    Raises:
      InputError: an unknown or unprepared data set, a missing feature, an image of unknown size, a
        feature of a class from elsewhere, a shard that is missing or not whole. Reading raises it
        for a damaged record and for a label that is no class.
    """
    images.check_options(image_size, channels)
    builder = _builder(name, data_dir)
    features = builder.info.features
    image = _feature(features, name, "image", image)
    label = _feature(features, name, "label", label)
    channels = channels or (1 if features[image].shape[-1] == 1 else 3)
    shape = (*_image_sides(features[image], name, image_size), channels)
    read = [split for split in builder.info.splits if split.rstrip("AB") in SPLITS]
    files = shards_of(builder, read)
    if "trainA" in builder.info.splits:
        return two_domains(
            f"tfds:{name}",
            lambda split: _TfdsRecords(
                builder, split, image, None, image_size, channels
            ),
            {split: info.num_examples for split, info in builder.info.splits.items()},
            shape=shape,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            files=files,
        )
    source = _source_splits(builder, name)
    indices = carve_missing(
        source, validation_fraction=validation_fraction, test_fraction=test_fraction
    )
    splits = {}
    for split, rows in indices.items():
        origin = split if split in source else "train"
        records = _TfdsRecords(builder, origin, image, label, image_size, channels)
        splits[split] = RecordSplit(records, rows, example_bytes=math.prod(shape))
    names = _class_names(features, label)
    return Dataset(
        name=f"tfds:{name}",
        splits=splits,
        example_shape=shape,
        num_classes=len(names),
        class_names=names,
        files=files,
    )


def _source_splits(builder: Any, name: str) -> dict[str, np.ndarray]:
    """The indices of every example of the splits that the source has."""
    found = builder.info.splits
    if "train" not in found:
        raise InputError(
            f"tfds:{name} has splits {', '.join(found)}; one must be train"
        )
    return {
        split: np.arange(found[split].num_examples)
        for split in SPLITS
        if split in found
    }


def _image_sides(
    feature: Any, name: str, image_size: images.Size | None
) -> tuple[int, int]:
    """Height and width of the images that will be read."""
    if feature.np_dtype != np.uint8:
        raise InputError(
            f"tfds:{name} has images of type {feature.np_dtype}; uint8 is needed"
        )
    if image_size is not None:
        return images.sides(image_size)
    height, width, _ = feature.shape
    if height is None or width is None:
        raise InputError(
            f"tfds:{name} has images of many sizes; set image_size, as in image_size=64"
        )
    return height, width


class _TfdsRecords(Records):
    """One split of a TFDS builder; the bytes of its images are decoded here."""

    def __init__(
        self,
        builder: Any,
        split: str,
        image: str,
        label: str | None,
        image_size: images.Size | None,
        channels: int,
    ):
        from tensorflow_datasets import decode

        # TFDS would decode one image a call and warn that OpenCV is missing.
        self._source = builder.as_data_source(
            split=split, decoders={image: decode.SkipDecoding()}
        )
        self._builder, self._split = builder, split
        self._image, self._label = image, label
        features = builder.info.features
        self._classes = len(_class_names(features, label))
        self._options = {"image_size": image_size, "channels": channels}
        self._name = f"of tfds:{builder.name}, {split}"

    def read(self, indices: list[int]) -> list[dict]:
        examples = []
        for index, record in zip(indices, self._records(indices), strict=True):
            name = f"{index} {self._name}"
            x = images.decode(record[self._image], name=name, **self._options)
            example = {"x": x}
            if self._label:
                label = int(_reach(record, self._label))
                if not 0 <= label < self._classes:
                    raise InputError(
                        f"example {name} has the label {label}; its {self._classes} classes are 0"
                        f" to {self._classes - 1}"
                    )
                example["label"] = np.int32(label)
            examples.append(example)
        return examples

    def _records(self, indices: list[int]) -> list[dict]:
        try:
            return self._source.__getitems__(indices)
        except (RuntimeError, ValueError, IndexError) as error:
            if len(indices) > 1:
                return [
                    record for index in indices for record in self._records([index])
                ]
            shard = shard_of(self._builder, self._split, indices[0])
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"{shard} is damaged at example {indices[0]} {self._name} ({reason}); copy or"
                " prepare it again"
            ) from None


def _builder(name: str, data_dir: str | None) -> Any:
    """The builder of a prepared data set."""
    if not name:
        raise InputError("tfds needs the name of a data set, as in tfds:mnist")
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise InputError(
            f"tfds:{name} needs the package tensorflow-datasets ({error}); install it"
        ) from None
    folder = str(pathlib.Path(data_dir).expanduser()) if data_dir else None
    check_features(name, folder)
    try:
        builder = tensorflow_datasets.builder(name, data_dir=folder)
    except tensorflow_datasets.core.DatasetNotFoundError:
        known = tensorflow_datasets.list_builders(with_community_datasets=False)
        close = suggest(name, known)
        hint = close if "did you mean" in close else "; see tensorflow.org/datasets"
        raise InputError(f"TFDS knows no data set {name!r}{hint}") from None
    except damage() as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"TFDS cannot open {name!r}: {reason}") from None
    file_format = getattr(builder.info.file_format, "value", None)
    if not builder.data_path.exists() or file_format != "array_record":
        found = (
            f"is there as {file_format}"
            if builder.data_path.exists()
            else "is not there"
        )
        raise InputError(
            f"tfds:{name} is not prepared in ArrayRecord: {builder.data_path} {found};"
            f" run `tfds build {name} --file_format=array_record --data_dir="
            f"{builder._data_dir_root}` where TensorFlow is installed, or set data_dir"
        )
    return builder


def _feature(features: Any, name: str, role: str, wanted: str | None) -> str | None:
    """Name of the feature that plays `role`: the one wanted, or the only one of its type."""
    from tensorflow_datasets import features as types

    kind = types.Image if role == "image" else types.ClassLabel
    found = [key for key, feature in features.items() if isinstance(feature, kind)]
    if wanted is not None:
        try:
            feature = _reach(features, wanted)
        except (KeyError, TypeError):
            hint = suggest(wanted, features)
            raise InputError(f"tfds:{name} has no feature {wanted!r}{hint}") from None
        binary = role == "label" and feature.shape == () and feature.np_dtype == bool
        if not (isinstance(feature, kind) or binary):
            raise InputError(
                f"feature {wanted!r} of tfds:{name} cannot be the {role}; one of its"
                f" type is {', '.join(found) or 'not there'}"
            )
        return wanted
    if len(found) == 1:
        return found[0]
    if role == "label" and not found:
        return None
    raise InputError(
        f"tfds:{name} has {len(found)} {role} features among {', '.join(features)}; name"
        f" one by {role}="
    )


def _class_names(features: Any, label: str | None) -> tuple[str, ...]:
    if label is None:
        return ()
    return tuple(getattr(_reach(features, label), "names", ("false", "true")))


def _reach(tree: Any, path: str) -> Any:
    """The entry of nested dicts at a path of keys, `attributes/Smiling`."""
    return functools.reduce(operator.getitem, path.split("/"), tree)
