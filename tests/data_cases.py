"""What the tests of data share: a split that says its indices, and sets built by name."""

import io
import json
import pathlib

import numpy as np
import pytest

from genlab.data.dataset import Dataset
from genlab.data.split import ArraySplit, Records
from genlab.errors import InputError
from genlab.registry import datasets

SHARED = pathlib.Path(__file__).parents[2] / "shared" / "data"


def build(name, **knobs):
    return datasets.build(name, **knobs)()


def all_of(data, split="train"):
    part = data.splits[split]
    return part.gather(np.arange(part.size))


def refused(match, name, **knobs):
    with pytest.raises(InputError, match=match) as caught:
        data = build(name, **knobs)
        all_of(data)
    assert "\n" not in str(caught.value)


def numbered(size: int) -> dict[str, np.ndarray]:
    """Images [size, 2, 2, 1] whose pixels all hold their index, with labels."""
    index = np.arange(size)
    x = np.broadcast_to(index[:, None, None, None], (size, 2, 2, 1)).astype(np.uint8)
    return {"x": x, "label": (index % 3).astype(np.int32)}


def dataset_of(train, name="numbered") -> Dataset:
    empty = ArraySplit({"x": np.zeros((0, 2, 2, 1), np.uint8)})
    splits = {"train": train, "validation": empty, "test": empty}
    return Dataset(name, splits, (2, 2, 1))


class Numbers(Records):
    """As `numbered`, read one by one."""

    def read(self, indices):
        return [
            {"x": np.full((2, 2, 1), i, np.uint8), "label": np.int32(i % 3)}
            for i in indices
        ]


def prepare_tfds(data_dir, name, splits, label=0):
    """A data set of `image` and `label` in ArrayRecord under `data_dir`, as TFDS leaves one.

    `splits` are the gray values of each split's images, whose sizes differ; one label for all.
    """
    pytest.importorskip("tensorflow_datasets")
    from array_record.python.array_record_module import ArrayRecordWriter
    from PIL import Image
    from tensorflow_datasets.proto import tf_example_pb2, tf_feature_pb2

    place = data_dir / name
    place.mkdir(parents=True)
    stem = name.partition("/")[0]
    for split, grays in splits.items():
        file = place / f"{stem}-{split}.array_record-00000-of-00001"
        writer = ArrayRecordWriter(str(file), "group_size:1")
        for gray in grays:
            encoded = io.BytesIO()
            pixels = np.full((4 + gray % 3, 8, 3), gray, np.uint8)
            Image.fromarray(pixels).save(encoded, "png")
            image = tf_feature_pb2.BytesList(value=[encoded.getvalue()])
            value = tf_feature_pb2.Int64List(value=[label])
            features = {
                "image": tf_feature_pb2.Feature(bytes_list=image),
                "label": tf_feature_pb2.Feature(int64_list=value),
            }
            example = tf_example_pb2.Example(
                features=tf_feature_pb2.Features(feature=features)
            )
            writer.write(example.SerializeToString())
        writer.close()
    info = {
        "name": stem,
        "version": name.rpartition("/")[2],
        "fileFormat": "array_record",
        "splits": [
            {
                "name": split,
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "shardLengths": [str(len(grays))],
                "numBytes": "1",
            }
            for split, grays in splits.items()
        ],
    }
    package = "tensorflow_datasets.core.features"
    image = {
        "pythonClassName": f"{package}.image_feature.Image",
        "image": {"shape": {"dimensions": ["-1", "-1", "3"]}, "dtype": "uint8"},
    }
    classes = {
        "pythonClassName": f"{package}.class_label_feature.ClassLabel",
        "classLabel": {"numClasses": "2"},
    }
    described = {
        "pythonClassName": f"{package}.features_dict.FeaturesDict",
        "featuresDict": {"features": {"image": image, "label": classes}},
    }
    (place / "dataset_info.json").write_text(json.dumps(info))
    (place / "features.json").write_text(json.dumps(described))
