"""What a command can end in besides success."""

import difflib
from collections.abc import Iterable

EXIT_DIVERGED = 1
EXIT_INPUT = 2
EXIT_STOPPED = 75  # EX_TEMPFAIL: the same command goes on
EXIT_INTERRUPTED = 130


class InputError(ValueError):
    """A value that genlab cannot use; its message is one line that says what would have worked.

    The command line prints the message and exits with code 2.
    """


class Stopped(Exception):
    """A signal stopped the run; its state is saved."""


class NonFiniteLoss(ArithmeticError):
    """A term, or its gradient, stopped being a number.

    Attributes:
      step: the round, counted from 1, in which it did.
    """

    def __init__(self, step: int, name: str, value: float):
        player, _, term = name.partition("/")
        super().__init__(
            f"step {step}: {term!r} of player {player!r} is {value}; training stopped, the"
            " state before it is saved (a smaller learning rate, or clip=1.0 on the"
            " optimizer, may help)"
        )
        self.step = step


def suggest(value: str, accepted: Iterable[str]) -> str:
    """`; did you mean 'a'?` for a close match, otherwise `; one of a, b, c`."""
    accepted = sorted(accepted)
    if not accepted:
        return "; nothing is accepted here"
    if close := difflib.get_close_matches(value, accepted, n=3, cutoff=0.6):
        return "; did you mean " + " or ".join(repr(match) for match in close) + "?"
    return "; one of " + ", ".join(accepted)
