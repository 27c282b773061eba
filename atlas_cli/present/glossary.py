"""What the figures of a run are, one clause each: units, and which way is better.

The first pattern that fits a metric's name counts. A name that is not here is shown without a clause.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

_CLAUSES = (
    ("class_accuracy*", "share of the samples that the judge, a classifier of real images, reads as asked"),
    ("judge_frechet_over_floor", "distance to real images over that among real ones; 1 is as near"),
    ("judge_frechet_floor", "distance of as many real images to other real ones, mean of eight draws"),
    ("judge_frechet_floor_*", "the least or the largest of the eight draws behind that floor"),
    ("judge_frechet*", "distance to real images in the judge's features, no unit; lower is nearer"),
    ("reconstruction_frechet", "distance of decoded test images to other real ones; lower is nearer"),
    ("reconstruction_floor", "distance of as many real images to these, mean of eight draws of them"),
    ("reconstruction_over_floor", "distance of decoded images over that among real ones; 1 is as near"),
    ("reconstruction_psnr", "decibels by which decoded images stand above their error; higher is better"),
    ("judge_accuracy", "share of real test images that the judge itself reads rightly"),
    ("fewer_operations", "multiply-adds of an image drawn on pixels over those of one drawn here"),
    ("confidence", "mean probability that the judge gives its own reading"),
    ("class_entropy", "how evenly the classes come; 1 is all alike often, 0 is always the same"),
    ("class_variety", "nats of variety within a class against real images; 0 is as varied"),
    ("accuracy_half", "share of images read rightly when half of their pixels are seen"),
    ("copy_accuracy", "share of the letters said in order on held-out sequences"),
    ("accuracy_[248]x", "share of right answers on held-out sequences that many times as long"),
    ("accuracy*", "share of right answers on held-out data"),
    ("recall", "share of the keys that are answered with their value, on held-out sequences"),
    ("scene_accuracy*", "share of the scenes that are as their captions say"),
    ("regrouped_scene_accuracy", "the same, of sentences that the training never showed"),
    ("bytes_per_token", "bytes of held-out code that a token spells on average; higher is shorter"),
    ("reader_bits_per_byte", "bits that a byte of held-out code costs the GPT that read the tokens"),
    ("codebook_usage", "share of the codes that test images choose at all"),
    ("reconstruction_mse", "squared error of a pixel from 0 to 1 of what comes back"),
    ("unseen_scene_accuracy", "the same, of pairs of colour and shape that the training never showed"),
    ("bits_below_ngram*", "bits per byte below what counting that many bytes of context predicts"),
    ("bits*", "bits that each byte of held-out files costs; lower is a better prediction"),
    ("base_bits_per_byte", "bits per byte of the base before anything was learned"),
    ("gain", "bits per byte of the new text by which it predicts better than its base"),
    ("forgotten", "bits per byte by which the old text is predicted worse than before"),
    ("modes_found", "modes that hold at least a tenth of their even share of good points"),
    ("high_quality_share", "share of the points within three standard deviations of their mode"),
    ("energy_distance", "distance between made and real points; 0 is the same distribution"),
    ("wasserstein_distance", "how far a made point is carried on average to lie as the real ones do"),
    ("steps_to_near", "steps until samples are near real ones, as the recipe says; all if never"),
    ("image_to_text", "share of pictures whose best of 500 captions is true of them"),
    ("singular_missed", "farthest that a layer's largest singular value lies from one, by SVD"),
    ("singular_largest", "largest singular value of any layer that the discriminator computes with"),
    ("survived*", "share of short games that are alive at their end, over learning rates or at one"),
    ("early_gradient", "norm of the generator's gradient when the discriminator is sure"),
    ("sharpness", "gradient energy over that of real digits; 1 is as sharp, less is blurred"),
    ("sharpness_missed", "distance of the gradient energy, over that of real digits, from one"),
    ("median_sharpness", "gradient energy, over that of real digits, of the best answer by L1"),
    ("thickened_sharpness", "gradient energy, over that of real digits, of edges made thicker"),
    ("readable", "share of the real images that were to be made which the judge reads rightly"),
    ("read_of_readable", "share read as asked over that of the real images; 1 is as readable"),
    ("noise_effect", "how far a pixel differs when noise alone does, of a range of 2"),
    ("chalk_effect", "how far a pixel differs between two real chalkings of a digit"),
    ("edge_f1", "agreement of drawn edges with those asked for; 1 is all of them and no others"),
    ("tokens_per_second*", "bytes written a second"),
    ("images_per_second", "images drawn a second"),
    ("pixel_images_per_second", "images drawn a second on pixels"),
    ("tokens_per_call", "bytes that each call of the large model brings"),
    ("*speedup", "times as fast as without, timed in turn"),
    ("*time_exponent", "power of the length with which time grows; 1 is linear, 2 quadratic"),
    ("attention_time_*", "times as long as attention takes at that length"),
    ("train_microseconds", "microseconds of training a token"),
    ("cache_kib", "KiB that are kept of the text so far"),
    ("cache_bytes*", "bytes that are kept of the text so far"),
    ("cache_share", "share of what a transformer keeps of the same text"),
    ("parameters", "weights of the model"),
    ("trained_share", "share of the weights that are trained"),
    ("busiest_share", "share of the tokens that the busiest expert gets"),
    ("readable_states", "directions of a channel's state that can be told apart"),
    ("nats", "nats that a held-out point costs; lower is likelier"),
    ("entropy", "nats that a point costs under the true density: no model pays less on average"),
    ("*nats_above_truth", "nats a point beyond what the true density asks; 0 is as good as the truth"),
    ("mass", "the density summed over a square that holds all data; 1 for a density"),
    ("hutchinson_std", "nats by which one random direction strays on a point"),
    ("hutchinson_bias", "nats by which random directions are off on average; 0 up to chance"),
    ("claimed_too_much", "nats a point that the solver of the training adds to the likelihood"),
    ("solver_error", "nats a point between the solver of the training and a fine one"),
    ("solver_calls", "calls of the network for a sample"),
    ("return_error", "how far points end from where they were after a way there and back"),
    ("step_milliseconds", "milliseconds of processor time for a training step"),
    ("mode_gap", "largest difference between two ways of computing the same"),
    ("*_error", "largest difference between two ways of computing the same"),
    ("round_trip_*", "mean squared error of an image that went to noise and back"),
    ("greedy_identical", "1 where every byte is the same, 0 where one is not"),
    ("detour", "length of the sampler's paths over the straight lines between their ends; 1 is straight"),
    ("wasserstein_floor", "mean squared distance of real points to as many others, paired as near as can be"),
    ("wasserstein_*", "mean squared distance of points made in so many steps to real ones, paired nearest"),
    ("path_energy", "mean squared speed along the paths; no flow to these data has less than least_energy"),
    ("least_energy", "mean squared distance of noise to data, paired as near as can be"),
    ("energy_excess", "path_energy beyond least_energy, over it; 0 is the shortest transport"),
    ("length_left", "mean squared length of the paired lines over that of all lines; 1 saves nothing"),
    ("pairing_share", "time that choosing the pairs takes over that of the passes forward and back"),
)  # fmt: skip
_SPEED = (
    "*per_second*", "*speedup", "*time_exponent", "attention_time_*", "train_microseconds*", "*_seconds*",
    "step_milliseconds", "pairing_share",
)  # fmt: skip


def clause(metric: str) -> str:
    """What a metric is, in one clause; "" where nobody wrote one."""
    return next((words for pattern, words in _CLAUSES if fnmatchcase(metric, pattern)), "")


def is_speed(metric: str) -> bool:
    """Whether a figure is one of time, which a busy machine spoils."""
    return any(fnmatchcase(metric, pattern) for pattern in _SPEED)
