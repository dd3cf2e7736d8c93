"""What commands keep for each other, or take beside a run: tables of probes and outliers, caches, sets of
images, attributes of classes, melodies in pictures."""

import io
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench, Reader

_PROBES = {
    "step": 8,
    "protocol": {"split": "test", "num_train": 100, "notes": ["a", "b"]},
    "rows": [
        {
            "features": features,
            "width": 2,
            "probe": "linear",
            "value": 0.5,
            "low": 0.4,
            "high": 0.6,
            "beats": ["pixels"],
        }
        for features in ("codes", "pixels")
    ],
}
_OUTLIERS = {
    "step": 8,
    "metrics": {
        "outliers": {
            "values": {"roc_auc_bound": 0.7, "roc_auc_reconstruction": 0.6},
            "protocol": {"split": "test"},
        }
    },
}
_TUNES = [["a", 32, [[0, 4, 60], [4, 8, 62]]], ["b", 16, []]]
_ATTRIBUTES = "class,small,red\n0,1,0\n1,0,1.5\n2,-1e3,0\n"


def probe_tables(bench: Bench, folder: Path) -> Reader:
    """`probe.json`, as the page of its run shows it."""
    from genlab.reporting.report import write_report

    run = folder / "run"
    shutil.copytree(bench.folder / "plain run", run)

    def read(generator: random.Random) -> None:
        (run / "probe.json").write_bytes(mutation.document(generator, _PROBES))
        write_report(run)

    return read


def outlier_tables(bench: Bench, folder: Path) -> Reader:
    """Runs whose config or results are somebody's, in the table of `genlab outliers`."""
    from genlab.reporting import outliers

    config = json.loads((bench.folder / "plain run" / "config.json").read_text())
    places = [folder / name for name in ("a", "b")]
    for place in places:
        place.mkdir()

    def read(generator: random.Random) -> None:
        odd = generator.choice(places), generator.choice(("config", "results"))
        for place, held in zip(places, (0, 1), strict=True):
            config["config"]["data"]["without_labels"] = [held]
            for name, valid in {"config": config, "results": _OUTLIERS}.items():
                content = json.dumps(valid).encode()
                if (place, name) == odd:
                    content = mutation.document(generator, valid)
                (place / f"{name}.json").write_bytes(content)
        rows = outliers.table(places)
        for shown in (outliers.text, outliers.as_csv, outliers.as_latex):
            shown(rows)

    return read


def compared_runs(bench: Bench, folder: Path) -> Reader:
    """Runs as `genlab runs` lists them and `genlab compare` holds them against each other."""
    from genlab.reporting import comparison, overview

    places = [folder / "runs" / name for name in ("a", "b")]
    for place in places:
        shutil.copytree(bench.folder / "plain run", place)
    files = [places[0] / name for name in ("config.json", "results.json")]
    valid = {file: json.loads(file.read_text()) for file in files}

    def read(generator: random.Random) -> None:
        file = generator.choice(files)
        file.write_bytes(mutation.document(generator, valid[file]))
        (places[0] / "failed.txt").write_text(
            mutation.text(generator, "step 3: 'x' of player 'y' is nan"),
            errors="replace",
        )
        try:
            overview.render(overview.rows(folder / "runs"))
            comparison.render(places, comparison.compared(places))
        finally:
            file.write_text(json.dumps(valid[file]))

    return read


def caches(bench: Bench, folder: Path) -> Reader:
    """Kept features of images and bars of songs: what is not as it was written is made anew."""
    from genlab.data import folksongs, melody
    from genlab.storage import cache

    steps = np.full((4, melody.STEPS), 60, np.int16)
    songs = {"steps": steps, "sounding": steps[:, 0]}
    songs |= {"song": np.arange(4, dtype=np.int32), "run": np.zeros(4, np.int32)}
    seen = {"features": np.ones((4, 3), np.float32)}
    are_seen = lambda arrays: cache.are_rows(arrays, 4)
    known = [(songs, folksongs._are_bars), (seen, are_seen)]

    def read(generator: random.Random) -> None:
        valid, is_whole = generator.choice(known)
        kept = {k: _unlike(generator, array) for k, array in valid.items()}
        encoded = io.BytesIO()
        np.savez_compressed(encoded, **kept)
        content = mutation.some_data(generator, encoded.getvalue())
        (folder / "a.npz").write_bytes(content)
        checked = {"is_whole": is_whole, "most": 2**20}
        found = cache.read("a.npz", list(valid), str(folder), **checked)
        if found and "run" in found:
            melody.windows(melody.Bars(**found), low=55, high=84)

    return read


def _unlike(generator: random.Random, array: np.ndarray) -> np.ndarray:
    """The array, or one of another type, shape or content."""
    made = (
        *(array[:0], array[:1], array.T, array[None], array.astype(np.float64)),
        *(array.astype("U3"), array.astype(np.uint8), array * np.nan, array[..., None]),
        np.full(array.shape, 2**15 - 1).astype(array.dtype),
    )
    return mutation.instead(generator, array, 0.2, made)


def image_sets(bench: Bench, folder: Path) -> Reader:
    """An array of images as `genlab eval --images` takes it."""
    from genlab.evaluation.image_set import ImageSet, read_images

    rows = np.arange(2 * 6 * 5 * 3, dtype=np.uint8)
    valid = [{"x": rows.reshape(2, 6, 5, 3)}, {"arr_0": rows.reshape(6, 6, 5)}]
    valid += [{"images": np.linspace(0, 1, 96, dtype=np.float32).reshape(6, 4, 4)}]
    file = folder / "images.npz"

    def read(generator: random.Random) -> None:
        arrays, encoded = generator.choice(valid), io.BytesIO()
        np.savez(encoded, **{k: _unlike(generator, x) for k, x in arrays.items()})
        file.write_bytes(mutation.some_data(generator, encoded.getvalue()))
        images = read_images(file)
        ImageSet(images, images).sample(images.splits["train"].size)

    return read


def attributes(bench: Bench, folder: Path) -> Reader:
    """The table of attributes of classes."""
    from types import SimpleNamespace

    from genlab.metrics import attributes

    file, data = folder / "a.csv", SimpleNamespace(class_names=(), num_classes=3)

    def read(generator: random.Random) -> None:
        changed = mutation.text(generator, _ATTRIBUTES).encode("utf-8", "replace")
        file.write_bytes(mutation.some_data(generator, changed))
        attributes._read(file, data)

    return read


def melodies(bench: Bench, folder: Path) -> Reader:
    """The melodies that a picture says it shows."""
    from PIL import Image, PngImagePlugin

    from genlab.data.melody import TUNES
    from genlab.reporting.pictures import shot

    picture, file = Image.new("RGB", (4, 4)), folder / "a.png"

    def read(generator: random.Random) -> None:
        told = PngImagePlugin.PngInfo()
        text = mutation.document(generator, _TUNES).decode("latin-1")
        told.add_text(TUNES, text, zip=generator.random() < 0.5)
        encoded = io.BytesIO()
        picture.save(encoded, "png", pnginfo=told)
        file.write_bytes(mutation.some_data(generator, encoded.getvalue()))
        shot(8, file)

    return read


SURFACES: dict[str, tuple[float, Any]] = {
    "probe.json": (0.1, probe_tables),
    "outliers": (2.0, outlier_tables),
    "runs and compare": (1.0, compared_runs),
    "cache": (3.0, caches),
    "images of eval": (2.0, image_sets),
    "attributes": (3.0, attributes),
    "melodies": (3.0, melodies),
}
