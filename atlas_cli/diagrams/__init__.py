"""Diagrams: one model and one layout, drawn by one renderer per medium."""
