"""LoRA: teach a frozen network something else through a product of two thin matrices.

Source:  Hu et al. 2021, arXiv:2106.09685. Here: eq. 3, section 4.1 (A starts random and B at zero, alpha / r
         scales their product), section 4.2 (merging).
Names:   W the frozen weight, A goes down to r channels, B comes up from them.
Shapes:  B batch, L tokens.
Base:    the gpt recipe named in `from:`, trained on one text; this one sees another. `adapt: full` trains all
         of its weights in place of the adapters: what LoRA is compared with.
Differs: the recipes adapt the feed-forward networks, where the paper's main experiments take q and v: for as
         many weights that gains more (recipes/lora/attention.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import LONGEST, PARENT, WIDEST
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.engine.system import Optimizers, Setting, System
from atlas_cli.language.decoding import DecodingConfig, beyond_positions
from atlas_cli.language.figures import bits_per_byte
from atlas_cli.language.model import LanguageModel

if TYPE_CHECKING:
    from atlas_cli.systems.transformer.gpt import GPT


Target = Literal["q_proj", "k_proj", "v_proj", "out_proj", "gate", "up", "down"]  # linear layers of a block


class Config(DecodingConfig):
    """The `model:` section of a lora recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text",)
    parents: ClassVar[tuple[str, ...]] = ("gpt",)
    vocab_size: int = Field(256, gt=0, le=LONGEST)  # from the data
    context_len: int = Field(256, gt=0, le=LONGEST)  # from the data
    rank: int = Field(2, gt=0, le=WIDEST)  # r
    alpha: float = Field(4.0, gt=0)  # the product is scaled by alpha / r
    targets: tuple[Target, ...] = Field(
        ("q_proj", "v_proj"), strict=False, min_length=1, max_length=7
    )  # which linear layers get adapters
    adapt: Literal["lora", "full"] = "lora"  # full: train every weight instead
    full_lr: float = Field(0.1, gt=0)  # learning rate of `adapt: full`, as a share of train.lr
    examples: int = Field(
        0, ge=0, le=LONGEST
    )  # windows of text to learn from, drawn once; 0: new ones at every step

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """As of every system; the parent must have one of the layers that get adapters."""
        yield from super().misfits(parents)
        yield from beyond_positions(self.length, parents[PARENT])
        mixing = parents[PARENT]["mixing"]
        if mixing != "attention" and set(self.targets) <= {"q_proj", "k_proj"}:
            yield "targets", f"name no layer of the parent: its mixing: {mixing} has no queries and keys"


class LoRALinear(nn.Module):
    """A frozen linear layer and what is learned beside it (eq. 3)."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Parameter(torch.empty(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank
        nn.init.kaiming_uniform_(self.A, a=5**0.5)  # as nn.Linear starts

    def forward(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... d_out"]:
        """W x + (alpha / r) B A x."""
        # exercise: adapter
        return self.base(x) + self.scale * F.linear(F.linear(x, self.A), self.B)
        # end

    @property
    def weight(self) -> Tensor:
        """The frozen W, for those who ask a layer for its device and type."""
        return self.base.weight

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One linear layer that does the same: W + (alpha / r) B A (section 4.2)."""
        # exercise: merged
        layer = deepcopy(self.base)
        layer.weight += self.scale * self.B @ self.A
        return layer
        # end


def linears(model: nn.Module, targets: tuple[str, ...]) -> dict[str, nn.Linear]:
    """Name -> linear layer, for all whose last name is among the targets."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in targets
    }


def replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one of that name."""
    above, _, last = name.rpartition(".")
    setattr(model.get_submodule(above), last, module)


def copy_of(base: System) -> System:
    """Its modules anew, its data shared."""
    return deepcopy(base, {id(base.setting): base.setting})


class LoRA(LanguageModel):
    """A frozen GPT with adapters, or (`adapt: full`) a copy of it that is trained whole."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        # Hidden from torch in a tuple: as a submodule the frozen network would be counted, averaged, sent
        # between ranks and saved with every adapter. `train` reaches it by hand.
        self._model: tuple[GPT, ...] = ()

    def train(self, mode: bool = True) -> LoRA:
        """Also the frozen network, which is no submodule: `eval()` must reach all that computes."""
        for model in self._model:
            model.train(mode)
        return super().train(mode)

    def attach(self, setting: Setting) -> System:
        """Copy the base, which the setting brings; a checkpoint holds only what is trained."""
        assert setting.parent is not None
        model: Any = copy_of(setting.parent).requires_grad_(False).train()
        if self.config.adapt == "full":
            self.trained: nn.Module = model.requires_grad_(True)
        else:
            self.trained = nn.ModuleDict()
            for name, layer in linears(model, self.config.targets).items():
                adapter = LoRALinear(layer, self.config.rank, self.config.alpha)
                replace(model, name, adapter)
                self.trained[name.replace(".", "/")] = nn.ParameterDict({"A": adapter.A, "B": adapter.B})
        self._model = (model,)
        super().attach(setting)
        if self.config.examples:
            seed = stable_seed("examples", setting.train.seed)  # without the rank: all share them
            draw = BatchRandom(seed, 0, self.config.examples, device=setting.device)
            self.examples = setting.data.batch(draw)
        return self

    @property
    def model(self) -> GPT:
        """The base with its adapters."""
        return self._model[0]

    @property
    def longest_text(self) -> int | None:
        """The base's."""
        return self.model.longest_text

    @torch.no_grad()
    def merged(self) -> GPT:
        """The same network with each adapter added into its layer: as fast as the base (section 4.2)."""
        model: Any = copy_of(self.model)
        for name, layer in [(n, m) for n, m in model.named_modules() if isinstance(m, LoRALinear)]:
            replace(model, name, layer.merged())
        return model

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L vocab"]:
        """Logits at every position."""
        return self.model(tokens)

    def first_state(self, batch_size: int) -> Any:
        """Nothing read yet."""
        return self.model.first_state(batch_size)

    def extend(self, tokens: Int[Tensor, "B L"], state: Any) -> tuple[Float[Tensor, "B L vocab"], Any]:
        """Logits after each of L more tokens, and the new state."""
        return self.model.extend(tokens, state)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Tokens and targets of the new text, (B, L) each."""
        random = self.setting.random(step)
        if not self.config.examples:
            return self.setting.data.batch(random)
        chosen = random.integers(0, self.config.examples)  # (B,)
        return self.examples[0][chosen], self.examples[1][chosen]

    def optimizers(self) -> Optimizers:
        """AdamW; full fine-tuning takes smaller steps: what it changes was learned already."""
        optimizers = System.optimizers(self)  # not a language model's choice: adapters are no blocks
        if self.config.adapt == "full":
            for group in optimizers["main"].param_groups:
                group["lr"] *= self.config.full_lr
        return optimizers

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Bits per byte on the new text before and after, what was forgotten of the old, what moved."""
        data = self.setting.data
        base: Any = self.setting.parent
        before, after = bits_per_byte(base, data), bits_per_byte(self, data)
        old = base.setting.data
        trained, every = (sum(p.numel() for p in m.parameters()) for m in (self.trained, base))
        return {
            "bits_per_byte": after, "base_bits_per_byte": before, "gain": before - after,
            "forgotten": bits_per_byte(self, old) - bits_per_byte(base, old),
            "trained_share": trained / every, "merged_error": self.merged_error(),
        }  # fmt: skip

    def merged_error(self) -> float:
        """How far logits move when the adapters are merged, at most, as a share of the largest logit."""
        tokens, _ = self.setting.data.held_out(4)
        with torch.autocast(self.setting.device.type, enabled=False):  # bf16 has three digits
            beside, within = self(tokens), self.merged()(tokens)
        return float((within - beside).abs().max() / beside.abs().max())
