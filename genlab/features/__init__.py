"""Networks whose features distances of sets of images are measured in, by name."""
