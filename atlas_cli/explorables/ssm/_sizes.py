"""Sizes that both counts of what a text costs share."""

EXPAND = 2  # d_inner / d_model of Mamba
BYTES = 2  # of a bf16 number
