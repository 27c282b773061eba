"""Two ranks that meet: the first works alone for longer than a step may take, the second waits for it."""

from __future__ import annotations

import datetime
import os
import time

import torch

from atlas_cli import ranks
from atlas_cli.engine import distributed
from atlas_cli.errors import AtlasError

ALONE_S = 2.5


def main() -> int:
    """Returns the exit code; what the second rank was given is printed."""
    distributed._TIMEOUT = datetime.timedelta(seconds=1)
    try:
        distributed.join(torch.device("cpu"), 2)
        if distributed.is_main():
            time.sleep(ALONE_S)
        print(distributed.share("figures" if distributed.is_main() else None))
        if distributed.is_main():
            os._exit(9)  # killed in the middle of what follows
        distributed.any_rank(False)
    except AtlasError as error:
        print(error.what)
        return error.code
    return 0


if __name__ == "__main__":
    ranks.end(main())
