"""The commands of launch.py, one file each: `run(arguments)`."""
