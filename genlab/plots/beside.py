"""Other runs that a plot shows beside its own."""

from pathlib import Path

from genlab.config.files import expanded
from genlab.trained.trained import Trained


def opened(folder: str) -> Trained:
    """The newest checkpoint of a run, as a plot looks at it.

    Raises:
      InputError: there is none in the folder.
    """
    from genlab.run.course import load_run

    recipe, state = load_run(Path(expanded(folder)), place={})
    return recipe.trained(state)
