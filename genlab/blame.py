"""Whose fault it is where a part fails with an exception of its own."""

import contextlib
from collections.abc import Iterator
from typing import Any

from genlab.errors import InputError, is_out_of_memory


def parts_must_fit(config: dict[str, Any]) -> contextlib.AbstractContextManager:
    """Inside, whatever the chosen parts raise is about the choice."""
    chosen = [config["experiment"], config["objective"], *config["model"].values()]
    parts = ", ".join(repr(part["name"]) for part in chosen)
    return blaming(
        f"{parts} and data {config['data']['name']!r} do not fit together, or a knob of one"
        " has a value that it cannot use"
    )


def data_must_serve(config: dict[str, Any]) -> contextlib.AbstractContextManager:
    """Inside, whatever is raised is about the data set and its knobs."""
    return blaming(
        f"data {config['data']['name']!r} cannot be read, or a knob of it has a value that it"
        " cannot use"
    )


@contextlib.contextmanager
def blaming(what: str) -> Iterator[None]:
    """Inside, an exception that is no InputError becomes one, `what` with the first line of it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        kind, reason = type(error).__name__, str(error).strip().partition("\n")[0]
        raise InputError(f"{what} ({kind}: {reason}); --verbose shows where") from error
