"""Trials of a recipe: spaces of overrides, and what each trial leaves behind."""
