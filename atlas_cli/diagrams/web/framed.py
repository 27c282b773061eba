"""A stand-alone page within another document, such as the output of a notebook's cell."""

from __future__ import annotations

from base64 import b64encode
from html import escape

_HEIGHT = 640  # pixels, until the page says how high it is
# The frame grows and shrinks with its page, and the still picture gives way to it. Where a notebook is not
# trusted, or read on a site, frames are taken out, and the picture is what is left.
_LOADED = (
    "this.nextElementSibling.style.display='none';"
    "const frame=this,body=frame.contentDocument.body,"
    "fit=()=>{frame.style.height=Math.ceil(body.getBoundingClientRect().height)+'px'};"
    "new frame.contentWindow.ResizeObserver(fit).observe(body);fit()"
)


def framed(page: str, svg: str, title: str) -> str:
    """HTML that shows a page in a frame, or a picture where frames are not allowed.

    Args:
        page: A whole document that needs nothing from elsewhere.
        svg: The picture.
        title: What both show, in words.
    """
    source = page.replace("&", "&amp;").replace("'", "&#39;")  # double quotes, of which it is full, stay
    picture = b64encode(svg.encode()).decode("ascii")
    return (
        f'<iframe title="{escape(title)}" width="100%" height="{_HEIGHT}" style="border:0" '
        f"onload=\"{escape(_LOADED, quote=True)}\" srcdoc='{source}'></iframe>"
        f'<img alt="{escape(title)}" src="data:image/svg+xml;base64,{picture}">'
    )
