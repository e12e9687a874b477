"""The pages in a real Chromium: sizes, colours, keyboard, copying, searching, and the same without JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from rushes.cli.embedded import Running
from rushes.families import ENDPOINTS

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
STICKING_OUT = """[...document.querySelectorAll(":not(pre) > code")]
  .filter((one) => one.getBoundingClientRect().right > one.closest("main > *").getBoundingClientRect().right + 1)
  .map((one) => one.textContent)"""
PHONE, DESK = {"width": 375, "height": 812}, {"width": 1280, "height": 900}
VIDEO = "/models/fal-ai/wan-i2v"

# WCAG 2: relative luminance of what is written and of the nearest background behind it.
CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !one.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${one.tagName} ${one.className} ${one.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium; `make test` installs it where it may"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Running) -> Iterator[Page]:
    """A page that fails the test on anything the browser complains of."""
    complaints: list[str] = []
    context = browser.new_context(base_url=server.url, viewport=DESK)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(server.url) else complaints.append(asked.url))
    yield page
    context.close()
    assert complaints == []


def shown_in(page: Page) -> set[Any]:
    """The languages of the samples that can be seen."""
    return set(
        page.eval_on_selector_all(
            "figure.code", "all => all.filter((one) => one.checkVisibility()).map((one) => one.dataset.lang)"
        )
    ) - {"any"}


def cards(page: Page) -> int:
    return page.locator("[data-cards] > li:visible").count()


def test_no_page_is_wider_than_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    wide = []
    for path in ("/", "/models", *(f"/models/{one}" for one in ENDPOINTS)):
        page.goto(path, wait_until="domcontentloaded")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []


def test_no_address_sticks_out_of_its_line_on_the_smallest_phone(page: Page) -> None:
    page.set_viewport_size({"width": 300, "height": 600})
    for path in ("/", VIDEO):
        page.goto(path)
        assert page.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/models", VIDEO])
def test_everything_can_be_read_in_light_and_dark(page: Page, path: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(path)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in background[4:-1].split(",")) > 600 or scheme == "dark"
    assert page.evaluate(CONTRASTS) == []


def test_tables_turn_into_cards_on_a_phone(page: Page) -> None:
    page.goto(VIDEO)
    row = page.locator(".fields tbody tr").first
    assert row.evaluate("one => getComputedStyle(one).display") == "table-row"
    page.set_viewport_size(PHONE)
    assert row.evaluate("one => getComputedStyle(one).display") == "block"
    assert page.get_by_role("table").first.get_by_role("rowheader").count() > 3  # still a table to those who hear it


def test_one_choice_of_language_counts_for_all_samples_and_is_remembered(page: Page) -> None:
    page.goto(VIDEO)
    assert shown_in(page) == {"javascript"}
    page.get_by_text("Python", exact=True).click()
    assert shown_in(page) == {"python"}
    page.goto("/models/rushes/echo")
    assert shown_in(page) == {"python"}
    page.get_by_role("radio", name="Python").press("ArrowRight")
    assert shown_in(page) == {"http"}


def test_a_sample_is_copied_as_it_stands(page: Page, server: Running) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(VIDEO)
    page.get_by_role("button", name="Copy Run in JavaScript").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith('import { readFile } from "node:fs/promises";\n')
    assert f'url: "{server.url}/api/fal/proxy"' in copied
    page.get_by_role("button", name="Copy the endpoint's id").click()
    assert page.evaluate("navigator.clipboard.readText()") == "fal-ai/wan-i2v"


def test_the_list_is_searched_while_typing(page: Page) -> None:
    page.goto("/models")
    every = cards(page)
    page.get_by_label("Search").fill("lipsync")
    some = cards(page)
    assert 0 < some < every
    assert page.url.endswith("/models?q=lipsync")
    assert page.get_by_role("status").inner_text().startswith(f"{some} of")
    page.get_by_label("Search").fill("no such thing")
    assert cards(page) == 0
    assert page.get_by_text("Nothing fits").is_visible()
    page.get_by_label("Search").fill("")
    page.get_by_label("Category").select_option("text-to-image")
    assert 0 < cards(page) < every


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto(VIDEO)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_everything_is_there_without_javascript(browser: Browser, server: Running) -> None:
    context = browser.new_context(base_url=server.url, viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto("/models")
    page.get_by_label("Search").fill("lipsync")
    page.get_by_role("button", name="Search").click()
    assert page.url.endswith("/models?q=lipsync&category=")
    assert cards(page) > 0
    page.goto(VIDEO)
    page.get_by_text("HTTP", exact=True).click()
    assert page.get_by_label("Run in HTTP").is_visible()
    assert not page.get_by_label("Run in JavaScript").is_visible()
    context.close()
