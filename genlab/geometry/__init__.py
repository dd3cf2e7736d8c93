"""How a map bends the space around examples: Jacobians, tangents, contraction."""
