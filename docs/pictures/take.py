"""Takes the pictures of README.md from a running service."""  # noqa: INP001 - docs is no package
# After `make test`, which installs the tools: .venv/bin/python -m docs.pictures.take

import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.chromium import INSTALL_CHROMIUM, find_chromium
from tests.e2e.up_process import UpProcess, wait_for

_HERE: Final = Path(__file__).parent
_ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_DESK: Final = ViewportSize(width=1000, height=900)
_PHONE: Final = ViewportSize(width=360, height=740)


def main() -> None:
    """Start the service, send the example of `notify up`, and photograph what a customer gets."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(f"There is no Chromium: {INSTALL_CHROMIUM}")
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        up = UpProcess(Path(directory, "data"))
        try:
            up.wait_until_ready()
            sent = up.post_the_curl_line()
            wait_for(lambda: up.sent(sent["id"]), 10)
            browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
            _take(browser, up.url)
            browser.close()
        finally:
            up.stop()


def _take(browser: Browser, url: str) -> None:
    desk = browser.new_page(viewport=_DESK, locale="en")
    desk.goto(f"{url}/outbox?lang=en")
    desk.locator(".mails li", has_text="@").get_by_role("link").first.click()
    desk.wait_for_load_state("networkidle")
    desk.screenshot(path=_HERE / "outbox.png")

    mail = desk.frame_locator("iframe").locator("a[href*='/preferences/']").first
    centre = mail.get_attribute("href")
    phone = browser.new_page(viewport=_PHONE, device_scale_factor=1.5, locale="fr")
    phone.goto(str(centre))
    phone.screenshot(path=_HERE / "preference-centre.png")


if __name__ == "__main__":
    main()
