"""Classes described by attributes: the words of their captions, or a table in a file."""

import csv
from pathlib import Path

import numpy as np

from genlab.config.files import expanded
from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.storage.files import opened

MOST = 2**24  # bytes of a table


def attributes_of(data: Dataset, table: str) -> np.ndarray:
    """What describes each class, [K, A] float64.

    Args:
      data: the data set.
      table: a CSV file whose first line names the attributes and whose others have a class, by its name,
        and a number for each of them; "" takes one number for each word of the captions.

    Raises:
      InputError: no captions and no table, or one that misses a class or names another, or holds what
        is no number.
    """
    if table:
        return _read(Path(expanded(table)), data)
    if data.captions is None:
        raise InputError(
            f"classes of {data.name!r} are described by nothing: give attributes=FILE.csv, with a line"
            " for each class, or take 'shapes' with captions=True"
        )
    words = data.captions.words_of(np.arange(data.num_classes))
    columns = [np.eye(size)[words[:, i]] for i, size in enumerate(data.captions.sizes)]
    return np.concatenate(columns, axis=1)


def _read(path: Path, data: Dataset) -> np.ndarray:
    names = list(data.class_names) or [str(i) for i in range(data.num_classes)]
    try:
        with opened(path) as file:
            lines = file.read(MOST).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"attributes={str(path)!r} cannot be read: {reason}") from None
    try:
        rows = [row for row in csv.reader(lines) if row]
    except csv.Error as error:  # a cell of 100,000 letters
        raise InputError(f"attributes={str(path)!r} is no table ({error})") from None
    found: dict[str, list[float]] = {}
    width = len(rows[0]) if rows else 0
    for row in rows[1:]:
        if len(row) != width or width < 2:
            raise InputError(
                f"attributes={str(path)!r}: the line of {row[0]!r} has {len(row)} cells, and the first"
                f" line {width}; a class and one attribute or more are needed"
            )
        if row[0] not in names:
            raise InputError(
                f"attributes={str(path)!r}: {row[0]!r} is no class{suggest(row[0], names)}"
            )
        found[row[0]] = [_number(cell, row[0], path) for cell in row[1:]]
    if missing := [name for name in names if name not in found]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"attributes={str(path)!r} misses the class {missing[0]!r}{more}; each of the"
            f" {len(names)} needs a line"
        )
    return np.array([found[name] for name in names])


def _number(cell: str, name: str, path: Path) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(
            f"attributes={str(path)!r}: {cell!r} of class {name!r} is no finite number"
        )
    return value
