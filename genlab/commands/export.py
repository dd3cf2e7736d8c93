"""`launch.py export`: the parameters of a run."""

import numpy as np
from safetensors.numpy import save

from genlab.commands import flags
from genlab.commands.inputs import BEST, WORKDIR, load_trained, output
from genlab.storage.checkpoint import flatten
from genlab.storage.files import write_atomic


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
