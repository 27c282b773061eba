"""Under a limit on memory, text works and what needs torch says how much it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.helpers import environment
from tests.engine.faults import posix

pytestmark = posix
MB = 1 << 20


def limited(memory: int, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the atlas with this many bytes of address space."""
    import resource

    return subprocess.run(
        [sys.executable, "-m", "atlas_cli", *arguments], cwd=cwd, env=environment(cwd / "home"), text=True,
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )  # fmt: skip


@pytest.mark.parametrize("line", [["explain", "ddpm"], ["diagram", "gpt"], ["run", "ls"], ["recipe", "ls"]])
def test_text_works_in_300_mb(tmp_path: Path, line: list[str]) -> None:
    done = limited(300 * MB, *line, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("memory", [1024 * MB, 3 * 1024 * MB])
def test_what_needs_torch_says_what_it_needs(tmp_path: Path, memory: int) -> None:
    done = limited(memory, "train", "gpt/smoke", cwd=tmp_path)
    assert done.returncode == 4
    assert f"needs about 4 GiB of memory, and the limit here is {memory / 2**30:.1f} GiB" in done.stderr
    assert not list(tmp_path.glob("runs/*"))
