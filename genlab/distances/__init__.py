"""How far two sets of features lie apart, how varied one is, and what of it was copied; plain arrays."""
