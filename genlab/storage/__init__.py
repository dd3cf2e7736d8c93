"""What lies on a disk: files written whole, locked, sealed, and read back."""
