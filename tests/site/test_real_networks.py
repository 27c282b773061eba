"""Real networks on the site: digits that appear on DDPM's page, a network that reads on GPT's."""

from __future__ import annotations

import re


def test_digits_appear_by_themselves_and_stop_at_the_end(visit):
    page = visit("diffusion/ddpm.html")
    figure = page.locator(".opening #diffusion-noise-path")
    done, plotted = (figure.locator(f'[data-knob="{name}"] input') for name in ("done", "sample"))
    figure.locator(".panel canvas").first.wait_for()
    assert int(done.input_value()) < 10  # from the beginning, whatever the still shows
    page.wait_for_function(
        "document.querySelector('.opening [data-knob=done] output').textContent === '100 %'", timeout=60_000
    )
    assert figure.locator(".facts dd").first.inner_text() == "25 of 25"
    assert figure.locator('[data-knob="done"] .play').inner_text() == "▶"
    assert plotted.input_value() == "3"  # the play button of an amount is the reader's


def test_who_wants_no_motion_sees_a_still_with_a_play_button(visit):
    page = visit("diffusion/ddpm.html", reduced_motion="reduce")
    figure = page.locator(".opening #diffusion-noise-path")
    figure.locator(".panel canvas").first.wait_for()
    page.wait_for_timeout(1500)
    assert figure.locator('[data-knob="done"] output').inner_text() == "50 %"
    figure.locator('[data-knob="done"] .play').click()
    page.wait_for_function(
        "document.querySelector('.opening [data-knob=done] output').textContent !== '50 %'", timeout=20_000
    )


def test_a_setting_in_the_address_is_not_played_away(visit):
    page = visit("diffusion/ddpm.html#diffusion-noise-path?done=20&sample=1")
    page.locator(".opening .panel canvas").first.wait_for()
    page.wait_for_timeout(1500)
    assert page.locator('.opening [data-knob="done"] output').inner_text() == "20 %"


def test_a_network_is_loaded_when_it_is_first_asked_and_reads_what_is_typed(visit):
    page = visit("transformer/gpt.html")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    figure = page.locator("#transformer-own-sentence")
    figure.get_by_text("Your 35 bytes").first.wait_for()  # the page holds its first frame
    assert not loaded
    figure.locator(".own input").fill("class Ring(Gear):")
    figure.get_by_text("Your 17 bytes: bits of surprise").first.wait_for(timeout=60_000)
    assert loaded[0] == "gpt-small.js"
    figure.locator('[data-knob="written"] .play').click()
    wrote = re.compile(r"and ([3-9]|\d\d) that it wrote")  # a busy machine shows fewer of the steps between
    figure.get_by_text(wrote).first.wait_for(timeout=60_000)
    figure.locator('[data-knob="written"] .play').click()
    second = figure.locator(".panel.of-tokens").nth(1)
    second.locator(".token").nth(5).click()  # a byte that is asked
    figure.get_by_text("After byte 6 it expects").first.wait_for(timeout=60_000)
    assert len(loaded) == 2  # the network, and the worker's own source
