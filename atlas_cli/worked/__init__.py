"""Worked examples: what a trained network of one of the recipes puts into the boxes of a stepped diagram.

`<family>/<diagram>.py` holds an EXAMPLE, which computes the pictures; `python -m atlas_cli.worked` writes
them into a file beside the diagram, where `atlas_cli.diagrams.worked` reads them without torch.
"""
