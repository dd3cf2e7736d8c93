"""Pictures of data, of samples and of what a model has learned."""
