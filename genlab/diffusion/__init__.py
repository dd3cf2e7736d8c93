"""Paths from data to noise, what a network predicts on them, and how samples are drawn along them."""
