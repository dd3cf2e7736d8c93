"""What several recipes start from."""
