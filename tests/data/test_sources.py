import subprocess
import sys

import pytest

from atlas_cli import data
from atlas_cli.errors import UsageError

FACTS = {
    "images": {"image_size", "channels", "n_classes"},
    "scenes": {"image_size", "channels", "vocab_size", "caption_length"},
    "points": {"dim"},
    "sequences": {"vocab_size", "context_len"},
    "text": {"vocab_size", "context_len"},
}


@pytest.mark.parametrize("name", data.sources())
def test_every_source_states_its_kind_and_facts(name):
    config = data.config_of(name)()
    first = next(other for other in map(data.config_of, data.sources()) if other.kind == config.kind)
    assert set(config.facts()) == FACTS.get(config.kind, set(first().facts()))  # a kind agrees on its facts
    assert config.facts()


def test_configs_are_read_without_torch():
    """In a fresh interpreter: every config validates, and torch stays out."""
    program = (
        "import sys; from atlas_cli import data\n"
        "assert 'pydantic' not in sys.modules\n"
        "for name in data.sources(): data.config_of(name)().facts()\n"
        "assert data.config_of('toy2d')(density='rings').density == 'rings'\n"
        "assert not {'torch', 'numpy', 'sklearn', 'torchvision'} & set(sys.modules), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_a_source_is_found_by_its_file(tmp_path, monkeypatch):
    own = tmp_path / "mine.py"
    own.write_text("class TwoMoons2dConfig(DataConfig):\n    pass\n\n\nclass Other(DataConfig):\n    pass\n")
    monkeypatch.setattr(data, "__path__", [*data.__path__, str(tmp_path)])
    data.sources.cache_clear()
    try:
        assert data.sources()["two_moons2d"] == ("atlas_cli.data.mine", "TwoMoons2dConfig")
        assert "other" not in data.sources()
        own.write_text("class StrokesConfig(DataConfig):\n    pass\n")
        data.sources.cache_clear()
        with pytest.raises(LookupError, match="both hold the source strokes"):
            data.sources()
    finally:
        data.sources.cache_clear()


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        data.load({"name": "fashion-mnist"})
    assert "fashion_mnist" in caught.value.hint


def test_a_wrong_field_is_named():
    with pytest.raises(UsageError) as caught:
        data.load({"name": "toy2d", "densety": "moons", "std": "wide"})
    assert any("data.densety" in line for line in caught.value.details)
    assert any("data.std" in line for line in caught.value.details)
