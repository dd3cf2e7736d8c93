"""What a command can end in besides success.

| exit code | what it says |
|---|---|
| 0 | what was asked for is finished |
| 1 | a loss was not finite, or what was replayed is, a metric or plot failed and the rest is written, a sweep has no trial that finished, or a bug with its traceback |
| 2 | a value, a file or a folder that genlab cannot use |
| 69 | another process of the run was lost; the same commands go on (EX_UNAVAILABLE) |
| 71 | out of memory (EX_OSERR) |
| 75 | stopped by a signal and saved; the same command goes on (EX_TEMPFAIL) |
| 130 | interrupted where there was nothing to save |
"""

import difflib
import re
from collections.abc import Iterable

EXIT_DIVERGED = 1
EXIT_INPUT = 2
EXIT_LOST = 69
EXIT_MEMORY = 71
EXIT_STOPPED = 75
EXIT_INTERRUPTED = 130

LESS_MEMORY = (
    "less is needed with a smaller train.batch_size or eval.batch_size, smaller networks or"
    " images, dtype=bfloat16, data.backend=memory, or more devices to share a batch"
)


class InputError(ValueError):
    """A value that genlab cannot use; its message is one line that says what would have worked.

    The command line prints the message and exits with code 2.
    """


class Stopped(Exception):
    """A signal stopped the run; its state is saved."""


class NoneFinished(Exception):
    """A sweep has come to its end, and none of its trials has results."""


class NonFiniteLoss(ArithmeticError):
    """A term, or its gradient, stopped being a number.

    Attributes:
      step: the round, counted from 1, in which it did.
      player: whose term it is.
      term: name of it, or of a norm.
      value: what it is.
    """

    def __init__(self, step: int, name: str, value: float):
        player, _, term = name.partition("/")
        super().__init__(
            f"step {step}: {term!r} of player {player!r} is {value}; training stopped, the"
            " state before it is saved (a smaller learning rate, or clip=1.0 on the"
            " optimizer, may help)"
        )
        self.step, self.player, self.term, self.value = step, player, term, value

    @staticmethod
    def step_of(text: str) -> int | None:
        """The round that a recorded message names; None where it is another's."""
        found = re.match(r"(?:genlab: error: )?step (\d+): .* of player ", text)
        return int(found[1]) if found else None


class NotReproduced(Exception):
    """What is replayed does not happen again."""


class PartFailed(Exception):
    """A metric or plot failed when it was due; everything else that was asked for is written."""


def is_of_devices(error: BaseException) -> bool:
    """Whether JAX's runtime raised it, as where a device or another process is gone.

    It is a `JaxRuntimeError` where an array is waited for, and a `ValueError` that starts with the name
    of a status where the computation is only sent off.
    """
    if type(error).__name__ == "JaxRuntimeError":
        return True
    return type(error) is ValueError and bool(re.match(r"[A-Z_]{5,}: ", str(error)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the host or, as XLA says it, a device had not enough memory."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def suggest(value: str, accepted: Iterable[str]) -> str:
    """`; did you mean 'a'?` for a close match, otherwise `; one of a, b, c`."""
    accepted = sorted(accepted)
    if not accepted:
        return "; nothing is accepted here"
    if close := difflib.get_close_matches(value, accepted, n=3, cutoff=0.6):
        return "; did you mean " + " or ".join(repr(match) for match in close) + "?"
    return "; one of " + ", ".join(accepted)
