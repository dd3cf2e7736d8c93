"""`launch.py export`: the parameters of a run."""

import numpy as np
from safetensors.numpy import save

from genlab import flags
from genlab.checkpoint import flatten
from genlab.commands.inputs import BEST, WORKDIR, load_trained, output
from genlab.files import write_atomic


def run(arguments: list[str]) -> None:
    """Writes the parameters as safetensors, named player/role/module/parameter."""
    values, _ = flags.parse(
        arguments,
        WORKDIR,
        BEST,
        flags.path("out", "params.safetensors", "a .safetensors file"),
    )
    out = output(values.out, ".safetensors")
    _, trained = load_trained(values)
    arrays = {name: np.asarray(leaf) for name, leaf in flatten(trained.params).items()}
    write_atomic(out, save(arrays))
    print(out)
