# %% [markdown]
# # Data of your own
#
# Any arrays become a data set: a function with a decorator, and a config that names it. Here a
# GAN learns a made-up distribution of points whose truth is known, so that what it has learned
# can be checked. Under two minutes on one CPU core.

# %%
import numpy as np

import genlab

# %% [markdown]
# A data set is its splits and what an example is. Keyword-only parameters are knobs that a config may
# set; the annotation is their type and range, and other values are refused before anything is built.


# %%
@genlab.register.dataset
def three_rings(*, noise: genlab.NonNegative = 0.15, size: genlab.Count = 12_000):
    """Points on circles of radius 1, 2 and 3, each as likely as the others."""
    generator = np.random.default_rng(0)
    ring = generator.integers(0, 3, size)
    angle = generator.uniform(0, 2 * np.pi, size)
    radius = 1 + ring + noise * generator.normal(size=size)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    arrays = {"x": x.astype(np.float32), "label": ring.astype(np.int32)}
    splits = genlab.array_splits(
        {"train": arrays}, validation_fraction=0.1, test_fraction=0.1
    )
    return genlab.Dataset(
        "three_rings",
        splits,
        example_shape=(2,),
        num_classes=3,
        class_names=("inner", "middle", "outer"),
    )


# %% [markdown]
# Everything else is the recipe of the ring of Gaussians: networks, rates, the R1 penalty. Naming a
# data set with a dict chooses its knobs too.

# %%
run = genlab.load(
    "configs/gan_ring.py",
    {
        "data": dict(name="three_rings", noise=0.15),
        "train.steps": 6000,
        "eval.metrics": (),
        "sample.every": 0,
    },
    workdir="runs/own_data",
)
run.train()

# %%
run.plot("samples", num_points=2000)

# %% [markdown]
# The truth is known: a third of the points lies on each ring, and all but 0.3 % within three standard
# deviations of one. The standard error of a share of 10,000 samples is at most half a percent.

# %%
radius = np.linalg.norm(run.sample(10_000), axis=1)
nearest = np.clip(np.rint(radius), 1, 3)
close = np.abs(radius - nearest) < 3 * 0.15
for ring, name in enumerate(run.data.class_names, start=1):
    share = np.mean(close & (nearest == ring))
    print(f"{name:7} {share:6.1%} of the samples (data: 33.3 %)")
print(f"{'between':7} {1 - np.mean(close):6.1%} (data: about 0.3 %)")

# %% [markdown]
# When this was written (two CPU cores, jax 0.10.2) the rings held 32, 28 and 27 %, and 12 % of the
# samples lay between them: the GAN finds all three rings and is far from the data all the same. A
# picture of samples over data does not show that; a count does.
#
# Files need no code: `{"data.name": "folder:PATH"}` reads images, `npz:PATH` arrays, `idx:PATH` MNIST's
# format. A part that lives in a module of yours is named by its import path,
# `{"data": dict(name="my_data:three_rings")}`; then other processes, such as a sweep's, find it too.
