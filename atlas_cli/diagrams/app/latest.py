"""Computing beside the interface: what was asked for last is computed, what was asked in between is not."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

Wanted = TypeVar("Wanted")


class Latest(Generic[Wanted]):
    """One thread that computes the newest wish.

    Args:
        compute: From a wish to a result; may take its time.
        done: Given the wish and its result, or the exception that came instead. Called in the thread.
    """

    def __init__(self, compute: Callable[[Wanted], Any], done: Callable[[Wanted, Any], None]) -> None:
        self._compute, self._done = compute, done
        self._wishes: list[Wanted] = []  # none or one
        self._closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._work, name="frames", daemon=True)

    def ask(self, wanted: Wanted) -> None:
        """Compute this next, in place of what was to be computed next."""
        with self._changed:
            self._wishes[:] = [wanted]
            if not self._thread.is_alive() and not self._closed:
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Compute nothing more, and tell nothing more."""
        with self._changed:
            self._closed = True
            self._wishes.clear()
            self._changed.notify()

    def abandon(self, wait_s: float) -> bool:
        """Close, break off what is being computed, and give it so many seconds to end; whether it has.

        An interpreter that ends while a thread is inside torch aborts the process, so it has to end first.
        """
        self.close()
        if self._thread.is_alive():
            thread = ctypes.c_ulong(self._thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(SystemExit))
            self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        with suppress(SystemExit):  # broken off
            self._serve()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wishes or self._closed)
                if self._closed:
                    return
                wanted = self._wishes.pop()
            try:
                result = self._compute(wanted)
            except Exception as error:  # the interface says what went wrong
                result = error
            if not self._closed:
                self._done(wanted, result)
