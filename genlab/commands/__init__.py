"""The commands of genlab, one file each: HELP, EXAMPLES, ROOM, `arguments(parser)` and `run(values)`."""
