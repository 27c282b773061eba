"""atlas: a command-line tutor and toy trainer for modern AI architectures."""

__version__ = "0.1.0"
