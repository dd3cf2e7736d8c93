"""The process: its output, signals and memory, and the jaxlib that it runs."""
