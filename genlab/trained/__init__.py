"""A trained model, and what metrics and plots need of one."""
