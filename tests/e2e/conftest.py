"""Fixtures of the tests that look at pages and e-mails in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.browsing import ARGUMENTS, PATIENCE


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Give one browser to all tests of the session: each has its contexts, which share nothing."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, timeout=120_000)
        yield browser
        browser.close()
