"""Whose fault it is where a part fails with an exception of its own."""

import contextlib
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genlab.errors import InputError, is_out_of_memory

# Where code lies that is not the user's own.
_LIBRARIES = tuple(
    Path(path).resolve()
    for path in (
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
        Path(__file__).parent,
        Path(__file__).parent.parent / "experiments",  # of a checkout
    )
)


def parts_must_fit(config: dict[str, Any]) -> contextlib.AbstractContextManager:
    """Inside, whatever the chosen parts raise is about the choice."""
    chosen = [config["experiment"], config["objective"], *config["model"].values()]
    parts = ", ".join(repr(part["name"]) for part in chosen)
    return blaming(
        f"{parts} and data {config['data']['name']!r} do not fit together, or a knob of one"
        " has a value that it cannot use",
        alone=True,
    )


def data_must_serve(config: dict[str, Any]) -> contextlib.AbstractContextManager:
    """Inside, whatever is raised is about the data set and its knobs."""
    return blaming(
        f"data {config['data']['name']!r} cannot be read, or a knob of it has a value that it"
        " cannot use"
    )


@contextlib.contextmanager
def blaming(what: str, alone: bool = False) -> Iterator[None]:
    """Inside, an exception that is no InputError becomes one, `what` with the first line of it.

    Where it went through code of the user's own, its place there is told; `alone`, in the place of `what`, which is then
    not to blame.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        kind, reason = type(error).__name__, str(error).strip().partition("\n")[0]
        told = f"{kind}: {reason}"
        if place := _place(error):
            if alone:
                raise InputError(f"{place}: {told}{_hint(kind)}") from error
            told = f"{told}, at {place}"
        raise InputError(f"{what} ({told}); --verbose shows where") from error


def _place(error: Exception) -> str:
    """The last line of the user's own code that the error went through; empty for none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename).resolve()
        # What is no file, such as code that was generated, is not the user's.
        if path.is_file() and not any(map(path.is_relative_to, _LIBRARIES)):
            return f"{path.name}:{frame.lineno}, in {frame.name}"
    return ""


def _hint(kind: str) -> str:
    if kind == "TracerBoolConversionError":
        return "; `if` cannot look at an array of a compiled step, jnp.where can"
    return ""
