"""What the representation of any trained run is good for, beside raw pixels, PCA and an untrained encoder."""
