"""What a round is: players, turns, networks, optimizers, keys and devices."""
