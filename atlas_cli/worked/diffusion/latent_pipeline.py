"""One digit through latent-diffusion/small: into the latent, noised, guessed, and one drawn and decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli.worked.diffusion._digits import DIGIT, SEED, digit, mosaic, noise_like
from atlas_cli.worked.example import Example, Telling, grey, words

if TYPE_CHECKING:
    from atlas_cli.systems.diffusion.latent_diffusion import LatentDiffusion

TIME = 0.5  # of all steps: when the latent is noised
MOST = 3.0  # of a latent, in standard deviations: the ends of the shades


def tell(system: LatentDiffusion) -> Telling:
    """Every box."""
    import torch
    from torch.nn import functional as F

    from atlas_cli.draws import generator

    image = digit(system.setting.data)
    latent = system.encode(image)
    codes = system.tokenizer.quantiser(latent * system.latent_std)
    again = system.decode(latent)
    step = round(TIME * system.config.n_steps)
    t, label = torch.tensor([step]), torch.tensor([DIGIT])
    noise = noise_like(latent, "diffusion")
    noised = system.denoiser.add_noise(latent, noise, t)
    output = system.denoiser.predict(noised, t, label)
    guess = system.denoiser.to_data(output, noised, t)
    path = system.walk(label, generator(SEED, "worked", "walk"), "latent")
    drawn = system.decode(path[-1])
    error = F.mse_loss(again, image)
    second = F.mse_loss(output, system.denoiser.target(latent, noise, t))

    told = Telling(f"on a {DIGIT} of the test digits; a latent is drawn channel by channel, two in a row")
    told.show("image", 1, grey(image[0, 0]))
    told.show("encoder", 1, mosaic(latent * system.latent_std, most=MOST))
    told.show("latent", 1, mosaic(latent, most=MOST))
    told.show("decoder", 1, mosaic(codes.vectors, "rounded", most=1.0))
    told.show("picture", 1, grey(again[0, 0]))
    told.show("first_loss", 2, words(f"{float(error):.4f}"))
    told.show("noise", 3, mosaic(noise, most=MOST))
    told.show("mix", 3, mosaic(noised, f"t = {step}", most=MOST))
    told.show("net", 4, mosaic(guess, "its guess", most=MOST))
    told.show("second_loss", 4, words(f"{float(second):.3f}"))
    told.show("noise", 5, mosaic(path[0], most=MOST))
    told.show("net", 5, mosaic(path[-1], f"pass {len(path) - 1}", most=MOST))
    told.show("picture", 6, grey(drawn[0, 0]))
    numbers, pixels = latent[0].numel(), image[0].numel()
    told.seen[1] = f"Here {pixels} pixels become {numbers} numbers, and the decoder rounds these."
    told.seen[3] = (
        f"At t = {step} the latent keeps {float(system.denoiser.alpha_bar[step]):.0%} of its variance."
    )
    told.seen[4] = (
        "Drawn is the clean latent that its answer stands for; compare it with the one on the left."
    )
    told.seen[5] = f"{len(path) - 1} passes, asked for a {DIGIT}: the noise above became this latent."
    told.seen[6] = f"A {DIGIT} out of noise, from the latent on its right."
    return told


EXAMPLE = Example("latent-diffusion/small", tell)
