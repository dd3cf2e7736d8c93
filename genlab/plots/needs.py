"""What a plot asks of a trained model, and the error where the model lacks it."""

from genlab.errors import InputError
from genlab.trained import Trained

METHODS = (
    *("sample", "sample_classes", "encode", "decode", "reconstruct", "filters"),
    *("fantasies", "complete", "translate"),
)


def need_methods(trained: Trained, plot: str, *methods: str) -> None:
    """Raises InputError unless the model's experiment offers every one of `methods`."""
    missing = [method for method in methods if not trained.has(method)]
    if missing:
        offered = ", ".join(m for m in METHODS if trained.has(m)) or "none of these"
        raise InputError(
            f"plot {plot!r} needs {' and '.join(missing)}, which this experiment does not"
            f" offer (of {', '.join(METHODS)} it offers {offered})"
        )


def need_images(trained: Trained, plot: str) -> None:
    """Raises InputError unless examples are images, [H, W, 1] or [H, W, 3]."""
    shape = tuple(trained.data.example_shape)
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise InputError(
            f"plot {plot!r} draws images [H, W, 1 or 3]; examples of {trained.data.name!r}"
            f" have shape {shape}"
        )


def held_out(trained: Trained) -> str:
    """The split that pictures of examples come from: the first that training has not seen."""
    return trained.data.held_out()[0]


def are_points(trained: Trained) -> bool:
    """Whether examples are points of the plane, [2]."""
    return tuple(trained.data.example_shape) == (2,)
