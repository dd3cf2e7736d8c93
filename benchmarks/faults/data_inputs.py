"""Data sets and weights from elsewhere: npz, IDX, images, folders of images, TFDS, safetensors."""

import gzip
import hashlib
import io
import json
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench, Reader

_HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 4, 4), }"
_KINDS = ("<f4", "<f8", "|O", "|S9", "<U4", "<M8[s]", "<c16", "|V7", "<i8", "|b1")


def npz(bench: Bench, folder: Path) -> Reader:
    """Archives with flipped bytes, and arrays whose header announces what is not there."""
    rows = np.arange(96, dtype=np.uint8)
    valid = [
        {"x": rows.reshape(6, 4, 4), "label": np.arange(6)},
        {"images": rows.reshape(2, 4, 4, 3), "x_test": rows.reshape(2, 4, 4, 3)},
        {"x": np.linspace(0, 1, 12, dtype=np.float32).reshape(6, 2)},
        {"imgs": rows.reshape(6, 4, 4), "latents_classes": np.ones((6, 2), np.int64)},
    ]
    file = folder / "data.npz"

    def read(generator: random.Random) -> None:
        encoded, arrays = io.BytesIO(), generator.choice(valid)
        if generator.random() < 0.7:
            save = generator.choice((np.savez, np.savez_compressed))
            save(encoded, **arrays)
            file.write_bytes(mutation.data(generator, encoded.getvalue()))
        else:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("x.npy", _npy(generator))
        read_all(f"npz:{file}")

    return read


def _npy(generator: random.Random) -> bytes:
    """A .npy member whose header is mutated, mostly in its sizes and its type."""
    size = mutation.instead(generator, 6, 0.5, (0, -1, 2**31, 2**40, 2**70))
    kind = mutation.instead(generator, "|u1", 0.5, _KINDS)
    header = _HEADER.replace("6", str(size)).replace("|u1", kind)
    if generator.random() < 0.3:
        header = mutation.text(generator, header)
    encoded = (header + "\n").encode("utf-8", errors="replace")[: 2**16 - 1]
    prefix = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded))
    return prefix + encoded + bytes(mutation.instead(generator, 96, 0.7, (0, 95, 4000)))


def idx(bench: Bench, folder: Path) -> Reader:
    """The four files of MNIST, one of them mutated, plain or gzipped."""
    images = struct.pack(">4I", 0x803, 12, 5, 5) + bytes(range(250)) + bytes(50)
    labels = struct.pack(">2I", 0x801, 12) + bytes(range(10)) + bytes(2)
    valid = {
        "train-images-idx3-ubyte": images,
        "train-labels-idx1-ubyte": labels,
        "t10k-images-idx3-ubyte": images,
        "t10k-labels-idx1-ubyte": labels,
    }

    def read(generator: random.Random) -> None:
        packed = generator.random() < 0.4
        damaged = generator.choice(sorted(valid))
        for name, content in valid.items():
            if name == damaged and generator.random() < 0.5:
                content = mutation.data(generator, content)
            content = gzip.compress(content, 1) if packed else content
            if name == damaged:
                content = mutation.data(generator, content)
            (folder / name).write_bytes(content)
        read_all(f"idx:{folder}")

    return read


def pictures(bench: Bench, folder: Path) -> Reader:
    """Encoded images of every ending that is read, decoded in the shapes that configs ask for."""
    from genlab.data import images

    valid = [content for _, content in _encoded()]

    def read(generator: random.Random) -> None:
        content = mutation.data(generator, generator.choice(valid))
        size = generator.choice((None, 8, (4, 16)))
        channels = generator.choice((None, 1, 3))
        images.decode(content, image_size=size, channels=channels, name="picture")

    return read


def folders(bench: Bench, folder: Path) -> Reader:
    """A folder of images in classes, one of them mutated or under another ending."""
    valid = _encoded()
    endings = sorted({ending for ending, _ in valid})

    def read(generator: random.Random) -> None:
        for place in ("a", "b"):
            (folder / place).mkdir(exist_ok=True)
            for old in (folder / place).iterdir():
                old.unlink()
            for number in range(3):
                ending, content = generator.choice(valid)
                if generator.random() < 0.3:
                    content = mutation.data(generator, content)
                ending = mutation.instead(generator, ending, 0.1, endings)
                (folder / place / f"{number}{ending}").write_bytes(content)
        read_all(
            f"folder:{folder}",
            image_size=8,
            channels=generator.choice((1, 3)),
            skip_unreadable=generator.random() < 0.5,
        )

    return read


def _encoded() -> list[tuple[str, bytes]]:
    """A small image in every format and several modes, as ending and bytes."""
    from PIL import Image

    from genlab.data.images import SUFFIXES

    made, rows = [], np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3)
    colour = Image.fromarray(rows)
    turned = Image.Exif()
    turned[0x0112] = 6
    for ending in sorted(SUFFIXES):
        for mode in ("RGB", "L", "RGBA", "P", "1"):
            encoded = io.BytesIO()
            kind = Image.registered_extensions()[ending]
            try:
                colour.convert(mode).save(encoded, kind, exif=turned)
            except (OSError, ValueError):
                continue  # a mode that the format does not have
            made.append((ending, encoded.getvalue()))
    return made


def tfds(bench: Bench, folder: Path) -> Reader:
    """A prepared data set of TFDS: its description, its features or a shard mutated."""
    place = folder / "strange" / "1.0.0"
    place.mkdir(parents=True)
    valid = _prepared(place)

    def read(generator: random.Random) -> None:
        damaged = generator.choice(sorted(valid))
        for name, content in valid.items():
            if name == damaged and isinstance(content, bytes):
                content = mutation.data(generator, content)
            elif name == damaged:
                content = mutation.document(generator, content)
            elif not isinstance(content, bytes):
                content = json.dumps(content).encode()
            (place / name).write_bytes(content)
        read_all("tfds:strange:1.0.0", data_dir=str(folder), image_size=8)

    return read


def _prepared(place: Path) -> dict[str, Any]:
    """The files of a data set as TFDS leaves one: JSON as objects, a shard as bytes."""
    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.proto import tf_example_pb2, tf_feature_pb2

    shard = place / "strange-train.array_record-00000-of-00001"
    writer = ArrayRecordWriter(str(shard), "group_size:1")
    encoded = next(content for ending, content in _encoded() if ending == ".png")
    for label in range(6):
        features = {
            "image": tf_feature_pb2.Feature(
                bytes_list=tf_feature_pb2.BytesList(value=[encoded])
            ),
            "label": tf_feature_pb2.Feature(
                int64_list=tf_feature_pb2.Int64List(value=[label % 2])
            ),
        }
        example = tf_example_pb2.Example(
            features=tf_feature_pb2.Features(feature=features)
        )
        writer.write(example.SerializeToString())
    writer.close()
    package = "tensorflow_datasets.core.features"
    split = {
        "name": "train",
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        "shardLengths": ["6"],
        "numBytes": "1",
    }
    return {
        shard.name: shard.read_bytes(),
        "dataset_info.json": {
            "name": "strange",
            "version": "1.0.0",
            "fileFormat": "array_record",
            "splits": [split],
        },
        "features.json": {
            "pythonClassName": f"{package}.features_dict.FeaturesDict",
            "featuresDict": {
                "features": {
                    "image": {
                        "pythonClassName": f"{package}.image_feature.Image",
                        "image": {
                            "shape": {"dimensions": ["-1", "-1", "3"]},
                            "dtype": "uint8",
                        },
                    },
                    "label": {
                        "pythonClassName": f"{package}.class_label_feature.ClassLabel",
                        "classLabel": {"numClasses": "2"},
                    },
                }
            },
        },
    }


def weights(bench: Bench, folder: Path) -> Reader:
    """A safetensors file in the place of VGG-19's weights."""
    from safetensors.numpy import save

    from genlab.models.vgg import load_vgg19

    valid, file = save(_vgg19()), folder / "vgg.safetensors"

    def read(generator: random.Random) -> None:
        content = mutation.data(generator, valid)
        file.write_bytes(content)
        load_vgg19(str(file), hashlib.sha256(content).hexdigest())

    return read


def _vgg19() -> dict[str, np.ndarray]:
    """Weights of the shapes of VGG-19's first thirteen convolutions, a byte each."""
    found, depth = {}, 3
    widths = (64, 64, 128, 128, *4 * (256,), *5 * (512,))
    positions = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
    for position, width in zip(positions, widths, strict=True):
        found[f"features.{position}.weight"] = np.zeros((width, depth, 3, 3), np.uint8)
        found[f"features.{position}.bias"] = np.zeros(width, np.uint8)
        depth = width
    return found


def read_all(name: str, **knobs) -> None:
    """Every example of every split, as feeding and evaluation ask for them."""
    from genlab.registry import datasets

    data = datasets.build(name, **knobs)()
    for split in data.splits.values():
        if split.size:
            split.gather(np.arange(min(split.size, 50)))


SURFACES = {
    "npz": (4.0, npz),
    "IDX": (2.0, idx),
    "image": (5.0, pictures),
    "folder of images": (0.3, folders),
    "TFDS": (0.1, tfds),
    "safetensors": (0.1, weights),
}
