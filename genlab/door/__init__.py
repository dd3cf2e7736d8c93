"""The front door in Python: a run trained, opened, and asked what it has learned."""
