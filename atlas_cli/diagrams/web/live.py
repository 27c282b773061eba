"""A diagram that a trained network draws while the reader turns it: a page on this machine, for this reader.

The page asks for the frame of each setting when it is turned to, so that a knob may stand between its usual
values and a text may be the reader's own. The server listens on the loopback interface alone; it answers
who knows the token of the address, which is drawn anew each time, and only under its own name, so that no
page of another site can reach it by way of the browser (DNS rebinding).
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atlas_cli.diagrams.web import page as web_page
from atlas_cli.diagrams.web.sliders import continuous, whole
from atlas_cli.errors import AtlasError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from atlas_cli.diagrams.frames import Explorable, Knob, Value

HOST = "127.0.0.1"
LARGEST_QUESTION = 16_000  # bytes
LONGEST_TEXT = 2_000  # characters of a reader's own text
_HEADERS = [
    ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
]  # fmt: skip


class Live:
    """The page of one explorable and the frames that it asks for, as a WSGI application.

    Attributes:
        shown: The explorable, its sliders with what lies between their values.
        token: The first part of every path that is answered.
    """

    def __init__(self, shown: Explorable, setting: Mapping[str, Value] | None = None) -> None:
        """
        Args:
            shown: Whose frames are computed on demand.
            setting: Where its knobs stand at first; those not named, at their defaults.
        """
        self.shown = replace(shown, knobs=tuple(map(continuous, shown.knobs)))
        self.token = secrets.token_urlsafe(24)
        self._page = web_page.page(self.shown, setting, live="frame").encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, kind, body = self._answer(environ)
        head = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(status, [*head, *_HEADERS])
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, str, bytes]:
        port, host = environ["SERVER_PORT"], environ.get("HTTP_HOST", "")
        if host not in (f"{HOST}:{port}", f"localhost:{port}"):
            return "403 Forbidden", "text/plain", b"not under this name\n"
        _, token, *rest = environ["PATH_INFO"].split("/")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return "403 Forbidden", "text/plain", b"not without the whole address that the atlas printed\n"
        asked = environ["REQUEST_METHOD"], "/".join(rest)
        if asked == ("GET", ""):
            return "200 OK", "text/html", self._page
        if asked == ("POST", "frame"):
            return self._frame(environ["wsgi.input"].read(LARGEST_QUESTION + 1))
        return "404 Not Found", "text/plain", b"there is a page and its frames, nothing else\n"

    def _frame(self, question: bytes) -> tuple[str, str, bytes]:
        try:
            setting = setting_of(self.shown, question)
            answer, status = self.shown.frame(setting).as_dict(), "200 OK"
        except AtlasError as error:  # a text of no token, a run without attention
            answer, status = {"error": error.what}, "422 Unprocessable Content"
        except ValueError as error:
            answer, status = {"error": str(error)}, "400 Bad Request"
        return status, "application/json", json.dumps(answer).encode()


def setting_of(shown: Explorable, question: bytes) -> dict[str, Value]:
    """Where the knobs stand, from what the page sent: JSON of names and values.

    Raises:
        ValueError: it is no such thing, or a knob cannot stand there.
    """
    if len(question) > LARGEST_QUESTION:
        raise ValueError("the question is too long")
    asked = json.loads(question)
    if not isinstance(asked, dict) or asked.keys() != shown.defaults.keys():
        raise ValueError(f"expected one value for each of {', '.join(shown.defaults)}")
    return {knob.name: _value(knob, asked[knob.name]) for knob in shown.knobs}


def _value(knob: Knob, asked: Any) -> Value:
    if knob.kind == "choice":
        own = knob.open and isinstance(asked, str) and 0 < len(asked) <= LONGEST_TEXT
        if own or (isinstance(asked, str | int | float) and asked in knob.values):
            return asked
    elif isinstance(asked, int | float) and not isinstance(asked, bool):
        amounts = [float(value) for value in knob.values]
        if min(amounts) <= asked <= max(amounts):
            return round(asked) if whole(knob) else float(asked)
    raise ValueError(f"{knob.name} cannot be {asked!r}")


def serve(
    shown: Explorable, setting: Mapping[str, Value] | None, ready: Callable[[str], None], port: int = 0
) -> None:
    """Answer the reader's browser until Ctrl-C.

    Args:
        shown: What is drawn.
        setting: Where its knobs stand at first.
        ready: Told the address once it is answered.
        port: On this machine; 0: any that is free.

    Raises:
        AtlasError: the run has nothing that this diagram could show.
    """
    from waitress.server import create_server

    live = Live(shown, setting)
    live.shown.frame(setting)  # a network is loaded, and a run that has nothing to show refused, before
    listening = socket.create_server((HOST, port))
    # One thread: a network computes one frame at a time, and the page asks for one at a time.
    server = create_server(
        live, sockets=[listening], threads=1, ident=None, max_request_body_size=LARGEST_QUESTION
    )
    try:
        ready(f"http://{HOST}:{listening.getsockname()[1]}/{live.token}/")
        server.run()
    finally:
        server.close()
