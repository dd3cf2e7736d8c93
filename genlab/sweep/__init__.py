"""Many trials of one recipe: spaces of overrides, engines that train them, statistics over seeds."""
