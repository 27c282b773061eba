"""What `sample` returns: one kind of artifact a file; each saves, prints and describes itself.

Systems stand on these files, so they know nothing of the engine: arrays in, files and terminal pictures out.
"""
