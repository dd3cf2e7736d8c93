"""Speed and memory against peers, alternating in one run."""
