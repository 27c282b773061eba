"""The page of a topic as a Jupyter notebook: it explains, draws, asks, has code written, and trains."""
