"""Where a run is told beside its own metrics.jsonl: TensorBoard, and trackers of experiments."""
