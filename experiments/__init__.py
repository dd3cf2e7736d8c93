"""The games: one file per family of models."""
