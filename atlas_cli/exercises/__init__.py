"""Exercises: a few lines of the project's own code, to be written again by whoever learns."""
