"""The loop, the compiled rounds, and what is asked before they begin."""
