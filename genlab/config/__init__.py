"""Numbers and names: config files, overrides, stages, and when what is due."""
