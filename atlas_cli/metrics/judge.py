"""The judge: a small classifier that has seen the real images and says how good generated ones are.

Figures: confidence, class entropy, class accuracy and a Frechet distance on the judge's own features. The
         distance is comparable only between runs on the same data set: it is no FID, which uses Inception.
Samples: N_SAMPLES, always: the distance shrinks with the number of samples (small sets overstate it), so only
         equal numbers compare. It is printed beside its floor, the distance of as many training images with
         the classes in equal shares, as systems draw them: the mean of N_FLOORS such draws.
Halves:  what is drawn from test images, or is one of them restored, is judged by the other half of the
         reference (`from_tests`), with a floor of its own. In its own reference an image is nearer than any
         that was not seen.
Pair:    confidence alone proves nothing: uniform noise can make a judge certain. Read it with the distance.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli import files
from atlas_cli.data.images import ImageSource, to_float
from atlas_cli.draws import BatchRandom, generator
from atlas_cli.errors import DataError
from atlas_cli.metrics.frechet import Moments, frechet_distance, moments
from atlas_cli.paths import cache_dir
from atlas_cli.runs.durable import write_atomically

VERSION = 2  # of network and training below: a change asks for another number, so that no old judge is reused
N_SAMPLES = 512  # generated images in every Frechet distance
N_REFERENCE = 2_000  # test images, at most, that they are compared with
N_FLOORS = 8  # draws of real images behind a floor: one alone may lie a fifth beside their mean

_BATCH_SIZE = 64
_EPOCHS = 6
_MIN_STEPS, _MAX_STEPS = 1_000, 2_000  # small sets are seen more often, large ones less: half a minute
_LR = 3e-3
_WARMUP = 100  # steps; without it (at 4e-3) one seed of three read 94% of the strokes, the others 96.5%
_MAX_SHIFT = 0.08  # of the image size, augmentation


class JudgeNet(nn.Module):
    """Two convolutions and two linear layers; the last but one gives the features.

    Shapes: D = 64 features, K classes; image_size a multiple of 4.
    """

    def __init__(self, channels: int, image_size: int, n_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),  # a third of the time of a convolution at full resolution, as accurate
            nn.Conv2d(4 * channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(),
            nn.Linear(64 * (image_size // 4) ** 2, 64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, n_classes)

    def forward(self, images: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B K"]]:
        """Features and logits."""
        features = self.body(images)
        return features, self.head(features)


class Judge:
    """A trained classifier of one source, with the features of the source's test images.

    Attributes:
        accuracy: Share of the source's test images that it reads rightly.
    """

    def __init__(self, net: JudgeNet, source: ImageSource) -> None:
        self.net, self.source = net.eval().requires_grad_(False), source
        chosen = _spread(len(source.test_images), N_REFERENCE)
        features, logits = self._look(to_float(source.test_images[chosen]))
        self._kept_aside = chosen[::2]
        self._features = features
        self.accuracy = (logits.argmax(1) == source.test_labels[chosen]).float().mean().item()
        self._floors: dict[tuple[int, bool], list[float]] = {}

    @classmethod
    def load_or_train(
        cls, source: ImageSource, say: Callable[[str], None] = lambda _: None, seed: int = 0
    ) -> Judge:
        """The judge of a source: from the cache, else trained now and cached.

        Args:
            source: The real images.
            say: Receives progress messages, one line each.
            seed: Of the judge itself; another seed is another judge of the same data.
        """
        path = cache_dir() / "judges" / f"{source.name}-{source.checksum[:16]}-v{VERSION}-{seed}.safetensors"
        # The caller may be evaluating: its inference mode and autocast must not reach the training.
        device_type = source.train_images.device.type
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device_type, enabled=False):
            net = _new_net(source, seed)
            state = _read(path, say)
            if state is not None:
                net.load_state_dict(state)
                return cls(net, source)
            say(f"training the judge of {source.name}; later runs use it too")
            _train(net, source, seed, say)
        _write(path, net)
        judge = cls(net, source)
        say(f"the judge reads {judge.accuracy:.1%} of the test images")
        return judge

    def kept_aside(self, n: int = N_SAMPLES) -> tuple[Float[Tensor, "n C H W"], Int[Tensor, "n"]]:
        """Test images in [-1, 1] and their labels, at most n, the classes in equal shares.

        What is made of them is scored with `from_tests`, by a reference that holds none of them.

        Raises:
            DataError: there are too few test images for two halves.
        """
        if len(self._kept_aside) < 2:
            what = f"{self.source.name} has too few test images to judge what is made from some by the others"
            raise DataError(what, "name data with four or more of them")
        labels = self.source.test_labels[self._kept_aside]
        chosen = self._kept_aside[in_turn(labels, generator("judge kept aside"))[:n]]
        return to_float(self.source.test_images[chosen]), self.source.test_labels[chosen]

    def score(
        self, images: Float[Tensor, "N C H W"], labels: Int[Tensor, "N"] | None = None, *,
        from_tests: bool = False,
    ) -> dict[str, float]:  # fmt: skip
        """Judge generated images in [-1, 1].

        Args:
            images: At least two; by convention N_SAMPLES. Of more, the first N_SAMPLES enter the distance.
            labels: The classes that were asked for, if any were.
            from_tests: Whether they were made from what `kept_aside` gives.

        Returns:
            confidence: Mean of the largest class probability, in [0, 1].
            class_entropy: Entropy of the classes found over that of equal shares, in [0, 1].
            class_accuracy: Share of images read as the class asked for; only with labels.
            judge_frechet: Frechet distance to the test images on the judge's features.
            judge_frechet_floor: The same for as many training images, mean of N_FLOORS draws.
            judge_frechet_floor_least: The least of these draws.
            judge_frechet_floor_most: The largest of them.
            judge_frechet_over_floor: The distance over its floor: 1 is as close as real images come.
            judge_accuracy: Share of the real test images that the judge itself reads rightly.
        """
        features, logits = self._look(images)
        found = logits.argmax(1)
        shares = found.bincount(minlength=self.source.n_classes).cpu().double() / len(found)
        scores = {
            "confidence": logits.softmax(1).amax(1).mean().item(),
            "class_entropy": torch.special.entr(shares).sum().item() / math.log(self.source.n_classes),
        }
        if labels is not None:
            scores["class_accuracy"] = (found == labels.to(found.device)).cpu().double().mean().item()
        seen = moments(features[:N_SAMPLES])
        scores["judge_frechet"] = frechet_distance(seen, self._reference(from_tests))
        scores |= self.floor(len(images), from_tests=from_tests)
        scores["judge_frechet_over_floor"] = scores["judge_frechet"] / scores["judge_frechet_floor"]
        scores["judge_accuracy"] = self.accuracy
        return scores

    def floor(self, n: int = N_SAMPLES, *, from_tests: bool = False) -> dict[str, float]:
        """The distance that n real training images have to the test images: what perfection scores.

        Returns:
            judge_frechet_floor, judge_frechet_floor_least and judge_frechet_floor_most, as in `score`.
        """
        n = min(n, N_SAMPLES, len(self.source.train_images))
        if (n, from_tests) not in self._floors:
            reference = self._reference(from_tests)
            draws = [moments(self._look(self._real(n, i))[0]) for i in range(N_FLOORS)]
            self._floors[n, from_tests] = [frechet_distance(drawn, reference) for drawn in draws]
        floors = self._floors[n, from_tests]
        return {
            "judge_frechet_floor": fmean(floors),
            "judge_frechet_floor_least": min(floors),
            "judge_frechet_floor_most": max(floors),
        }

    def _real(self, n: int, draw: int) -> Float[Tensor, "n C H W"]:
        """Training images with the classes in equal shares, others at every draw."""
        order = in_turn(self.source.train_labels, generator("judge floor", draw))
        return to_float(self.source.train_images[order[:n]])

    def _reference(self, from_tests: bool) -> Moments:
        """What the distance is taken to: all test images, or those of which nothing was made."""
        return moments(self._features[1::2] if from_tests else self._features)

    def features(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
        """What the judge sees in images in [-1, 1], before it names a class."""
        return self._look(images)[0]

    def _look(self, images: Float[Tensor, "N C H W"]) -> tuple[Float[Tensor, "N D"], Float[Tensor, "N K"]]:
        """Features and logits, in float32 whatever precision the caller trains in."""
        device = self.source.train_images.device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            parts = [self.net(part) for part in images.detach().to(device).float().split(256)]
        features, logits = zip(*parts, strict=True)
        return torch.cat(features), torch.cat(logits)


def in_turn(labels: Int[Tensor, "N"], random: torch.Generator) -> Int[Tensor, "N"]:
    """Indices in a random order that takes the classes in turn, as long as there are some left of each."""
    order = torch.randperm(len(labels), generator=random)
    shuffled = labels.cpu()[order]
    seen = F.one_hot(shuffled).cumsum(0)  # (N, K), of each class up to here
    rank = seen.gather(1, shuffled[:, None]).squeeze(1)
    return order[(rank * seen.shape[1] + shuffled).argsort()].to(labels.device)


def _spread(total: int, n: int) -> Tensor:
    """At most n indices, evenly over range(total): the first half of MNIST's test set is the easier one."""
    return torch.linspace(0, total - 1, min(n, total)).round().long()


# --- training ----------------------------------------------------------------------------------------


def _new_net(source: ImageSource, seed: int) -> JudgeNet:
    """Seeded weights; the global generator is left as it was, so that a cached judge changes no run."""
    _, channels, size, _ = source.train_images.shape
    draws = generator("judge", seed)
    with torch.random.fork_rng(devices=[]):
        net = JudgeNet(channels, size, source.n_classes)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=draws)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return net.to(source.train_images.device)


def _train(net: JudgeNet, source: ImageSource, seed: int, say: Callable[[str], None]) -> None:
    """AdamW with a cosine schedule on shifted training images, in float32."""
    device = source.train_images.device
    steps = min(max(_EPOCHS * len(source.train_images) // _BATCH_SIZE, _MIN_STEPS), _MAX_STEPS)
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=_LR, weight_decay=0.01, fused=True)
    for step in range(steps):
        decay = (1 + math.cos(math.pi * step / steps)) / 2
        optimizer.param_groups[0]["lr"] = _LR * min(1.0, (step + 1) / _WARMUP) * decay
        random = BatchRandom(seed, step, _BATCH_SIZE, device=device, purpose="judge")
        images, labels = source.batch(random)
        _, logits = net(_shifted(images, random))
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % (steps // 5 + 1) == 0:
            say(f"  step {step}/{steps}, loss {loss.item():.3f}")


def _shifted(images: Float[Tensor, "B C H W"], random: BatchRandom) -> Float[Tensor, "B C H W"]:
    """Move every image by up to _MAX_SHIFT of its size; what comes in at the border is black."""
    size = images.shape[-1]
    most = int(_MAX_SHIFT * size)  # px
    padded = F.pad(images, [most] * 4, value=-1.0)
    crops = padded.unfold(2, size, 1).unfold(3, size, 1)  # (B, C, shifts, shifts, H, W), a view
    y, x = random.integers(0, 2 * most + 1, 2).unbind(1)
    return crops[torch.arange(len(images), device=images.device), :, y, x]


# --- cache -------------------------------------------------------------------------------------------


def _write(path: Path, net: JudgeNet) -> None:
    state = {name: tensor.cpu().contiguous() for name, tensor in net.state_dict().items()}
    data = save(state, {"sha256": _digest(state)})
    write_atomically(path, lambda file: file.write_bytes(data))


def _read(path: Path, say: Callable[[str], None]) -> dict[str, Tensor] | None:
    """The cached weights; None if there are none or they are damaged."""
    if not path.exists():
        return None
    try:
        files.size(path)  # of a regular file; nothing else is opened
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except (SafetensorError, OSError):
        state, metadata = {}, {}
    if metadata.get("sha256") == _digest(state):
        return state
    say(f"{path} is damaged and will be replaced")
    return None


def _digest(state: dict[str, Tensor]) -> str:
    """SHA-256 over names and bytes: safetensors itself does not notice a flipped bit."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()
