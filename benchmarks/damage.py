"""What each metric of samples says of real digits that are damaged more and more, as a table.

  python -m benchmarks damage

Test digits against training digits in the features of `digits_classifier`, copies in pixels.
"""

import functools
from collections.abc import Callable, Iterator, Mapping

import jax
import numpy as np
from scipy import ndimage

from genlab.distances.copying import copying, nearer_share
from genlab.distances.frechet import Gaussian, frechet_distance, moments_of
from genlab.distances.kernel import (
    gaussian,
    median_bandwidth,
    polynomial,
    squared_discrepancy,
)
from genlab.distances.neighbours import neighbourhoods
from genlab.distances.sliced import sliced_wasserstein
from genlab.distances.spread import inception_scores, vendi
from genlab.features.features import choose
from genlab.registry import datasets

SIZE = 16  # pixels a side

# Damage -> metric -> the way it goes: +1 up, -1 down, the more the further.
GOES: Mapping[str, Mapping[str, int]] = {
    "noise": {
        **dict.fromkeys(("frechet", "kid", "discrepancy", "sliced"), 1),
        **dict.fromkeys(("precision", "density", "coverage", "inception"), -1),
    },
    "blur": {
        **dict.fromkeys(("frechet", "kid", "discrepancy", "sliced"), 1),
        **dict.fromkeys(("precision", "density", "coverage", "inception"), -1),
    },
    "missing classes": {
        **dict.fromkeys(("frechet", "kid", "discrepancy", "sliced"), 1),
        **dict.fromkeys(("recall", "coverage", "inception", "vendi"), -1),
    },
    "copies": {"copied": 1, "nearer": 1, "authentic": -1},
}


def damaged(
    x: np.ndarray, label: np.ndarray, train: np.ndarray, seed: int = 0
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Damage, how much of it, and what it makes of `x: [N, H, W, 1] in [0, 1]`, from none on."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=x.shape).astype(np.float32)
    for deviation in (0.0, 0.1, 0.2, 0.4):
        yield "noise", f"deviation {deviation:g}", np.clip(x + deviation * noise, 0, 1)
    for pixels in (0.0, 1.0, 1.5, 2.0):
        blurred = ndimage.gaussian_filter(x, (0, pixels, pixels, 0))
        yield "blur", f"deviation {pixels:g} px", blurred
    # As many images whatever is missing, since counts move most of the metrics.
    rows = generator.permutation(len(x))
    for missing in (0, 2, 4, 7):
        kept = rows[label[rows] >= missing][: len(x) // 4]
        yield "missing classes", f"{missing} of 10", x[kept]
    chosen = generator.choice(len(train), len(x), replace=False)
    for share in (0.0, 0.1, 0.3, 1.0):
        count = round(share * len(x))
        copied = np.concatenate([train[chosen[:count]], x[count:]])
        yield "copies", f"{share:.0%}", copied


def table(seed: int = 0) -> list[tuple[str, str, dict[str, float]]]:
    """Damage, how much, and what each metric says, by name."""
    data = datasets.build("digits", image_size=SIZE)()
    train, test = (
        data.splits[split].gather(np.arange(data.splits[split].size))
        for split in ("train", "test")
    )
    train_x, x = (raw["x"].astype(np.float32) / 255 for raw in (train, test))
    see = jax.jit(choose("digits_classifier"))
    real = np.asarray(see(train_x)[0])
    measure = functools.partial(
        _measured, see, real, moments_of([real]), median_bandwidth(real), train_x
    )
    held_out = copying(_flat(x), _flat(train_x)).distance
    return [
        (damage, amount, measure(images, held_out))
        for damage, amount, images in damaged(x, test["label"], train_x, seed)
    ]


def _measured(
    see: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    real: np.ndarray,
    truth: Gaussian,
    bandwidth: float,
    train: np.ndarray,
    images: np.ndarray,
    held_out: np.ndarray,
) -> dict[str, float]:
    missing = len(held_out) - len(images)  # one program for as many images
    padded = np.pad(images, [(0, missing), *[(0, 0)] * 3]) if missing else images
    ours, logits = (np.asarray(part)[: len(images)] for part in see(padded))
    three, five = (neighbourhoods(real, ours, k) for k in (3, 5))
    copies = copying(_flat(images), _flat(train))
    return {
        "frechet": frechet_distance(moments_of([ours]), truth),
        "kid": squared_discrepancy(ours, real, polynomial).value,
        "discrepancy": squared_discrepancy(ours, real, gaussian(bandwidth)).value,
        "sliced": sliced_wasserstein(ours, real, projections=200).value,
        "precision": float(three.inside.mean()),
        "recall": float(three.reached.mean()),
        "density": float(five.crowd.mean()),
        "coverage": float(five.covered.mean()),
        "inception": float(inception_scores(logits, splits=1).mean()),
        "vendi": vendi(ours),
        "copied": float(copies.copied.mean()),
        "authentic": float(copies.authentic.mean()),
        "nearer": nearer_share(copies.distance, held_out),
    }


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def main() -> None:
    """Prints the table in Markdown."""
    rows = table()
    names = [*rows[0][2]]
    print("| damage | amount | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 2) + "|")
    for damage, amount, values in rows:
        told = (f"{values[name]:.3g}" for name in names)
        print(f"| {damage} | {amount} | " + " | ".join(told) + " |")
