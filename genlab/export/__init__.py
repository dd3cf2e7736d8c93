"""A trained model for others: its variables in one file, a folder for a hub, a program that samples."""
