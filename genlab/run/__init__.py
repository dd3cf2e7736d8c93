"""From a recipe to a run folder: parts built and fitted, stages, what a run may go on with."""
