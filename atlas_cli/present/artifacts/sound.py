"""A sound: one channel of samples, kept as WAV and drawn as its envelope."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atlas_cli.present.artifacts.base import TERMINAL_COLUMNS, Drawn

FULL_SCALE = 32767  # of a signed 16-bit sample
ENVELOPE_SHAPE = (64, 320)  # rows and columns of the picture
TERMINAL_ROWS = 16  # pixels, eight lines of text
WAVE, GROUND = (255, 170, 60), (16, 16, 16)


@dataclass(frozen=True, eq=False)
class Sound(Drawn):
    """A mono waveform.

    Attributes:
        waveform: (T,) at least one sample, in [-1, 1]; what lies beyond is clipped.
        sample_rate: Samples a second (Hz).
    """

    waveform: np.ndarray
    sample_rate: int = 16_000

    def picture(self) -> np.ndarray:
        return _envelope(self.waveform, *ENVELOPE_SHAPE)

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        rows = min(TERMINAL_ROWS, height or TERMINAL_ROWS)
        return _envelope(self.waveform, rows, min(width, TERMINAL_COLUMNS))

    def wav(self) -> bytes:
        """The sound as a WAV file of 16-bit samples."""
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.sample_rate)
            file.writeframes((self.waveform.clip(-1, 1) * FULL_SCALE).round().astype("<i2").tobytes())
        return buffer.getvalue()

    def save(self, folder: Path, name: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.wav"
        path.write_bytes(self.wav())
        return [path, *super().save(folder, name)]

    def describe(self) -> str:
        return f"{len(self.waveform) / self.sample_rate:.2f} s of sound at {self.sample_rate} Hz"

    def _html_body(self) -> str:
        sound = base64.b64encode(self.wav()).decode("ascii")
        return super()._html_body() + f'<audio controls src="data:audio/wav;base64,{sound}"></audio>'


def _envelope(waveform: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """(rows, columns, 3): in each column everything from the lowest to the highest sample of its share."""
    rgb = np.full((rows, columns, 3), GROUND, np.uint8)
    edges = np.linspace(0, len(waveform), columns + 1).astype(int)
    heights = ((1 - waveform.clip(-1, 1)) / 2 * (rows - 1)).round().astype(int)  # row of each sample
    for column, start in enumerate(edges[:-1]):
        share = heights[min(start, len(heights) - 1) : max(edges[column + 1], start + 1)]
        rgb[share.min() : share.max() + 1, column] = WAVE
    return rgb
