"""The part of the plane where points lie, as a grid."""

import numpy as np

MARGIN = 0.15  # of the points' larger side, left around them


def plane_of(points: np.ndarray, size: int) -> tuple[tuple[float, ...], np.ndarray]:
    """Where points `[N, 2]` lie: left, right, bottom, top, and the middles of `size` x `size` cells, [size^2, 2]."""
    points = points.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    half = (0.5 + MARGIN) * max(*(high - low), 1e-3)
    centre = (low + high) / 2
    ticks = half * (2 * (np.arange(size) + 0.5) / size - 1)
    grid = centre + np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    left, bottom = centre - half
    right, top = centre + half
    return (left, right, bottom, top), grid
