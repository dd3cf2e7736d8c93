"""Metrics of samples beside torch-fidelity's, of the same images and the same random Inception weights.

  python -m benchmarks parity [COUNT]

Digits in colour against other digits, noisy and fainter ones, COUNT of both, at sizes below the network's
299 px and above. torch-fidelity does all of it by its `calculate_metrics`. It draws subsets and an order
from another generator of NumPy's, which genlab is given here, so that both draw the same.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import jax
import numpy as np
from PIL import Image

from benchmarks import fidelity
from genlab.data.dataset import golden_order
from genlab.distances.frechet import frechet_distance, moments_of
from genlab.distances.kernel import kid_subsets
from genlab.distances.neighbours import neighbourhoods
from genlab.distances.spread import inception_scores
from genlab.features.inception import inception
from genlab.features.weights import sha256_of
from genlab.registry import datasets

SIZES = ((8, 8), (32, 32), (17, 45), (299, 299), (320, 512))  # height, width
COUNT = 128
BATCH = 32
SEED = 2020
SUBSETS = 20  # of half of the images each
SPLITS = 4
NEIGHBOURS = 3

Measure = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def images(count: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of `count` images [count, *size, 3], uint8: samples, and what they are held against."""
    split = datasets.build("digits")().splits["train"]
    x = split.gather(golden_order(split.size)[: 2 * count])["x"].astype(np.float64)
    generator = np.random.default_rng(SEED)
    x[:count] = 0.6 * x[:count] + 30 * generator.normal(size=x[:count].shape)
    x = x * generator.uniform(0.3, 1, size=(2 * count, 1, 1, 3))
    x = np.clip(x, 0, 255).round().astype(np.uint8)
    large = [Image.fromarray(each).resize(size[::-1], Image.BICUBIC) for each in x]
    samples, real = np.split(np.stack([np.asarray(each) for each in large]), 2)
    return samples, real


@contextlib.contextmanager
def weights() -> Iterator[Path]:
    """A file of random weights whose statistics are those of images, and whose logits are far apart.

    With statistics drawn at random all images have nearly the same features, and distances are what
    float32 leaves of them.
    """
    import torch

    with fidelity.random_weights() as path:
        network = fidelity.peer(path, "2048")
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.train()
                module.momentum = 1.0  # the last batch alone counts
        with torch.inference_mode():
            x = np.concatenate(images(BATCH // 2, SIZES[1]))
            network(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
            network.fc.weight *= 5
        torch.save(network.state_dict(), path)
        yield path


def ours(path: Path) -> Measure:
    """genlab's side: features in batches of one size, then the distances."""
    network = inception(weights=str(path), sha256=sha256_of(str(path)))
    outputs = jax.jit(network.outputs)  # once for all sizes of images

    def see(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        missing = -len(x) % BATCH
        whole = np.pad(x, [(0, missing), *[(0, 0)] * 3])
        parts = np.split(whole.astype(np.float32) / 255, len(whole) // BATCH)
        found = [
            jax.device_get(outputs(network.variables, network.input(part)))
            for part in parts
        ]
        features, logits = (np.concatenate(each)[: len(x)] for each in zip(*found))
        return features, logits

    def measure(samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
        (x, logits), (y, _) = see(samples), see(real)
        drawn = dict(subsets=SUBSETS, size=len(x) // 2, seed=SEED)
        held = neighbourhoods(y, x, NEIGHBOURS)
        with mock.patch("numpy.random.default_rng", np.random.RandomState):
            kid = kid_subsets(x, y, **drawn)
            scores = inception_scores(logits, splits=SPLITS, seed=SEED)
        return {
            "frechet": frechet_distance(moments_of([x]), moments_of([y])),
            "kid": float(kid.mean()),
            "inception_score": float(scores.mean()),
            "precision": float(held.inside.mean()),
            "recall": float(held.reached.mean()),
        }

    return measure


def theirs(path: Path) -> Measure:
    """torch-fidelity's side.

    Raises:
      ImportError: it is not installed.
    """
    import torch

    with fidelity.torchvision_or_stand_in():
        from torch_fidelity import calculate_metrics

    class Images(torch.utils.data.Dataset):
        def __init__(self, x: np.ndarray):
            self.x = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, index: int) -> torch.Tensor:
            return self.x[index]

    calculate = functools.partial(
        calculate_metrics,
        **dict.fromkeys(("fid", "kid", "isc", "prc"), True),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(path),
        kid_subsets=SUBSETS,
        isc_splits=SPLITS,
        prc_neighborhood=NEIGHBOURS,
        rng_seed=SEED,
        batch_size=BATCH,
        cuda=False,
        cache=False,
        save_cpu_ram=True,  # or it would fork
        verbose=False,
    )

    def measure(samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
        sets = dict(input1=Images(samples), input2=Images(real))
        found = calculate(**sets, kid_subset_size=len(samples) // 2)
        names = {
            "frechet": "frechet_inception_distance",
            "kid": "kernel_inception_distance_mean",
            "inception_score": "inception_score_mean",
            "precision": "precision",
            "recall": "recall",
        }
        return {name: found[called] for name, called in names.items()}

    return measure


def gaps(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """By how much the values of the first differ, in parts of those of the second."""
    return {
        name: abs(one[name] - value) / (abs(value) or 1.0)
        for name, value in other.items()
    }


def main(count: int = COUNT) -> None:
    """Prints the table in Markdown."""
    print(f"{count} samples, {count} real images\n")
    print("| pixels | metric | genlab | torch-fidelity | relative gap |")
    print("|---|---|---|---|---|")
    with weights() as path:
        one, other = ours(path), theirs(path)
        for height, width in SIZES:
            sets = images(count, (height, width))
            found, expected = one(*sets), other(*sets)
            for name, gap in gaps(found, expected).items():
                print(
                    f"| {height} x {width} | {name} | {found[name]:.7g} |"
                    f" {expected[name]:.7g} | {gap:.1e} |",
                    flush=True,
                )
