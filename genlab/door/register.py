"""Decorators that make a function or class of one's own a part with a name.

`@genlab.register.objective` above `def my_loss` lets a config choose `dict(name="my_loss")`, in this
process; a part that runs in other processes too is named by its import path, `my_parts:my_loss`.
"""

from genlab import registry
from genlab.data.augment import augmentations
from genlab.data.degrade import degradations

augmentation = augmentations.register
corruption = registry.corruptions.register
dataset = registry.datasets.register
degradation = degradations.register
experiment = registry.experiments.register
features = registry.features.register
metric = registry.metrics.register
model = registry.models.register
objective = registry.objectives.register
optimizer = registry.optimizers.register
path = registry.paths.register
plot = registry.plots.register
sampler = registry.samplers.register
schedule = registry.schedules.register
start = registry.starts.register
target = registry.targets.register
writer = registry.writers.register
