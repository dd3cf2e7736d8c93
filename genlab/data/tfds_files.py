"""Folders that TensorFlow Datasets has prepared, looked at before TFDS reads them."""

import json
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from genlab.data.files import Files, files_below
from genlab.data.limits import open_data
from genlab.errors import InputError

FEATURES = "features.json"
METADATA = ".config/metadata.json"  # says which configuration is the default

# mnist, mnist:3.0.1, cycle_gan/horse2zebra:3.0.0; a namespace would have TFDS fetch code.
_NAME = re.compile(r"\w+(/\w[\w.+-]*)?(:(\d+|\*)\.(\d+|\*)\.(\d+|\*))?")
_CONFIGURATION = re.compile(r"\w[\w+.-]*")  # neither hidden nor elsewhere


def check_features(name: str, data_dir: str | None) -> None:
    """Refuses a data set whose features are of a class that TFDS does not bring along.

    TFDS imports the module of every class that a `features.json` names.

    Args:
      name: of the data set, with its configuration or version.
      data_dir: folder of prepared data sets; None for those that TFDS looks in.

    Raises:
      InputError: such a class, a file that is not JSON, a name that is none of a data set or of its
        default configuration, or a data_dir that is a pattern.
    """
    from tensorflow_datasets.core import naming
    from tensorflow_datasets.core.utils import file_utils

    if not _NAME.fullmatch(name):
        raise InputError(
            f"tfds:{name} is no name of a data set, such as tfds:mnist or tfds:mnist:3.0.1"
        )
    if data_dir is not None and set("*?[") & set(data_dir):
        raise InputError(
            f"data_dir={data_dir!r} is a pattern to TFDS; name one folder, without * ? ["
        )
    head = naming.camelcase_to_snakecase(re.split("[/:]", name)[0])
    for place in file_utils.list_data_dirs(given_data_dir=data_dir):
        folder = pathlib.Path(place).expanduser() / head
        if folder.is_dir():
            _check_default(folder / METADATA)
            for path in files_below(folder, frozenset())[1]:
                if path.name == FEATURES:
                    _check_classes(path)


def damage() -> tuple[type[Exception], ...]:
    """What TFDS makes of a description that is JSON and no data set's, or is damaged."""
    from google.protobuf.json_format import ParseError

    values = (ValueError, TypeError, LookupError, AttributeError, AssertionError)
    return (*values, OSError, RecursionError, ParseError)


def shards_of(builder: Any, splits: list[str]) -> Files:
    """The files of some splits, each of which holds as many records as the data set says.

    A shard's footer, which counts its records, is all that is read.

    Raises:
      InputError: a shard that is missing, cut short, or of which the footer is damaged.
    """
    root = pathlib.Path(builder.data_path)
    paths = [root / FEATURES]
    for split in splits:
        for path, length in zip(*_shards(builder, split), strict=True):
            found = _records_in(path)
            if found != length:
                raise InputError(
                    f"{path} holds {found} records that can be read, not {length}; the file is"
                    " damaged or not whole, copy or prepare it again"
                )
            paths.append(path)
    return Files(root, tuple(path for path in paths if path.exists()))


def shard_of(builder: Any, split: str, index: int) -> pathlib.Path:
    """The file that holds an example of a split."""
    paths, lengths = _shards(builder, split)
    return paths[int(np.searchsorted(np.cumsum(lengths), index, side="right"))]


def _shards(builder: Any, split: str) -> tuple[list[pathlib.Path], list[int]]:
    try:
        info = builder.info.splits[split]
        return [pathlib.Path(path) for path in info.filepaths], list(info.shard_lengths)
    except damage() as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{builder.data_path} does not say what its shards of {split} are called ({reason})"
        ) from None


def _records_in(path: pathlib.Path) -> int:
    """How many records a shard's footer counts; 0 where it cannot be read."""
    from array_record.python.array_record_module import ArrayRecordReader

    open_data(path).close()  # a reader of a pipe would wait
    try:
        reader = ArrayRecordReader(str(path))
        count = reader.num_records()
        reader.close()
    except RuntimeError:
        return 0
    return count


def _check_default(path: pathlib.Path) -> None:
    """Refuses a default configuration that lies in no folder of the data set that is looked through."""
    if not os.path.lexists(path):
        return
    described = _json(path)
    if not isinstance(described, dict):
        raise InputError(f"{path} describes no data set")
    name = described.get("default_config_name")
    if name and not (isinstance(name, str) and _CONFIGURATION.fullmatch(name)):
        raise InputError(
            f"{path} names the default configuration {name!r}, which is no folder of the data set"
        )


def _json(path: pathlib.Path) -> Any:
    with open_data(path) as file:
        try:
            return json.loads(file.read())
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not JSON ({error})") from None


def _check_classes(path: pathlib.Path) -> None:
    for name in _class_names(_json(path)):
        if not str(name).startswith("tensorflow_datasets."):
            raise InputError(
                f"{path} names the class {name!r}, whose module would be imported; the features"
                " that are read are those of tensorflow_datasets"
            )


def _class_names(tree: Any) -> Iterator[Any]:
    """What any entry calls its class, as TFDS spells it today, once spelt it, or protobuf takes it."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("pythonClassName", "python_class_name") or (
                key == "type" and "content" in tree
            ):
                yield value
            yield from _class_names(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _class_names(value)
