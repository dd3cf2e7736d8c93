"""Networks: linen modules with sizes as fields."""
