# %% [markdown]
# # A first run
#
# A variational autoencoder on scikit-learn's 8 x 8 digits, which come with the installation: trained,
# looked at, measured. The whole takes well under two minutes on one CPU core.
#
# This file is a script and a notebook: `python docs/notebooks/first_run.py` runs it, and editors that
# know `# %%` (VS Code, PyCharm, Jupyter with jupytext) show it in cells.

# %%
import numpy as np

import genlab

# %% [markdown]
# `genlab.load` takes a config file and what you want otherwise; keys are those of the command line,
# `genlab --config=vae --config.train.steps=2000`. Unknown keys are errors. The run
# lives in a folder, `runs/first_run`, and everything below reads that folder.

# %%
run = genlab.load(
    "configs/vae.py",
    {"train.steps": 2000, "eval.metrics": ()},
    workdir="runs/first_run",
)
run.train()

# %% [markdown]
# Had the cell been interrupted, running it again would go on from the last checkpoint and end in the
# same parameters, bit for bit. Now that the run is finished it trains nothing more.

# %%
print(run, "after", run.step, "rounds")
losses = [
    line["values"]["vae/loss"] for line in run.history if line["split"] == "train"
]
print("nats per image, mean of 500 rounds each:", np.round(losses, 1))

# %% [markdown]
# Samples from the prior, and test digits above their reconstructions. A picture is an array
# `[H, W, 3]` that a notebook shows.

# %%
run.plot("samples", num=64)

# %%
run.plot("reconstructions", num=32)

# %% [markdown]
# How good is it? `measure` returns values with a 95 % interval over the examples and the protocol by
# which they were measured: what was held out, how many examples, how pixels were binarised.

# %%
held_out = run.measure(split="test")["held_out"]
for name, value in held_out.values.items():
    low, high = held_out.intervals[name]
    print(f"{name:15} {value:6.2f} nats, {low:.2f} to {high:.2f}")
print(held_out.protocol)

# %% [markdown]
# Arrays go in and come out. Halfway between the codes of a zero and a one:

# %%
test = run.trained.examples("test", 300)
zero, one = (test["x"][test["label"] == digit][0] for digit in (0, 1))
codes = run.encode(np.stack([zero, one]))
path = np.linspace(0, 1, 8)[:, None] * (codes[1] - codes[0]) + codes[0]
images = run.decode(path)
print("codes", codes.shape, "images", images.shape, "in", run.value_range)

# %% [markdown]
# The same folder opens in another program, or on another machine, without the data:
# `genlab.open("runs/first_run").sample(16)`. Its page is `runs/first_run/report.html`.

# %%
again = genlab.open("runs/first_run")
assert np.array_equal(again.sample(16), run.sample(16))
