"""Formulas of the pages: `terminal` draws them with characters, `mathml` for the web.

`parser` makes a tree of the TeX; `linear` and `layout` draw it on one line and in rows.
The rows are ours: libraries for this set limits in the wrong place, lose signs, and cannot break
what is too wide. The MathML is math-core's.
"""
