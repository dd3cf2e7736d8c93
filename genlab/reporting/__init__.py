"""A run folder, read and laid out as one page."""
