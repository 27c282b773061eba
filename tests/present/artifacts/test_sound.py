"""Sound: the WAV file read back, and an envelope that shows where it is loud."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from atlas_cli.present.artifacts.sound import FULL_SCALE, WAVE, Sound
from tests.present.artifacts.house import printed


def test_the_wav_file_reads_back_within_a_sixteen_bit_step(tmp_path: Path) -> None:
    waveform = np.sin(np.arange(1000) / 7)
    path, _ = Sound(waveform, 8000).save(tmp_path, "x")
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    np.testing.assert_allclose(samples / FULL_SCALE, waveform, atol=0.5 / FULL_SCALE + 1e-9)


def test_what_is_too_loud_is_clipped_not_wrapped() -> None:
    assert Sound(np.array([2.0, -2.0])).wav()[-4:] == np.array([FULL_SCALE, -FULL_SCALE], "<i2").tobytes()


def test_the_envelope_is_high_where_the_sound_is_loud() -> None:
    quiet, loud = np.zeros(400), np.tile([1.0, -1.0], 200)
    picture = Sound(np.concatenate([quiet, loud])).picture()
    heights = (picture == WAVE).all(axis=2).sum(axis=0)
    assert heights[:160].tolist() == [1] * 160
    assert heights[160:].tolist() == [64] * 160


def test_a_sound_shorter_than_the_terminal_is_wide_still() -> None:
    lines = printed(Sound(np.array([0.0, 1.0, -1.0]))).splitlines()
    assert len(lines) == 8
    assert len(lines[0]) == 72
