"""The one exception that a user's mistake ends in."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """A value that genlab cannot use; its message is one line that says what would have worked.

    The command line prints the message and exits with code 2.
    """


def suggest(value: str, accepted: Iterable[str]) -> str:
    """`; did you mean 'a'?` for a close match, otherwise `; one of a, b, c`."""
    accepted = sorted(accepted)
    if not accepted:
        return "; nothing is accepted here"
    if close := difflib.get_close_matches(value, accepted, n=3, cutoff=0.6):
        return "; did you mean " + " or ".join(repr(match) for match in close) + "?"
    return "; one of " + ", ".join(accepted)
