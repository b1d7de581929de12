"""Takes the pictures of README.md from a running service."""  # noqa: INP001 - docs is no package
# After `make test`, which installs the tools: .venv/bin/python -m docs.pictures.take

import base64
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.chromium import INSTALL_CHROMIUM, find_chromium
from tests.e2e.up_process import UpProcess, wait_for

_HERE: Final = Path(__file__).parent
_ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_DESK: Final = ViewportSize(width=1000, height=900)
_TO_WEBP: Final = """async address => {
    const picture = new Image(); picture.src = address; await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.width; canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL("image/webp", 0.5);
}"""
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
    _save(desk, "outbox")

    mail = desk.frame_locator("iframe")
    centre = str(mail.locator("a[href*='/preferences/']").first.get_attribute("href"))
    link = str(mail.locator("a[href*='/u/']").first.get_attribute("href"))
    phone = browser.new_page(viewport=_PHONE, device_scale_factor=1.5, locale="fr")
    phone.goto(f"{centre}?lang=fr")
    _save(phone, "preference-centre")
    long = browser.new_page(viewport=_PHONE)
    for locale in ("fr", "en"):
        long.goto(f"{centre}?lang={locale}")
        _save(long, f"centre-phone-{locale}", whole=True)
    phone.goto(f"{link}?lang=fr")
    _save(phone, "unsubscribe-phone-fr", whole=True)
    phone.get_by_role("button", name="Me désabonner").click()
    _save(phone, "unsubscribed-phone-fr", whole=True)
    phone.goto(f"{centre}?lang=fr")
    phone.locator("button[value=pause_30]").click()
    _save(phone, "centre-paused-phone-fr")
    phone.goto(f"{centre}/history?lang=fr")
    _save(phone, "history-phone-fr", whole=True)
    desk.goto(f"{centre}?lang=en")
    _save(desk, "centre-desktop-en", whole=True)


def _save(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep what the page shows as WebP, which the browser itself makes of its own picture."""
    encoder = page.context.browser.new_page() if page.context.browser else page
    data = base64.b64encode(page.screenshot(full_page=whole)).decode()
    encoded = encoder.evaluate(_TO_WEBP, f"data:image/png;base64,{data}")
    (_HERE / f"{name}.webp").write_bytes(base64.b64decode(encoded.partition(",")[2]))
    encoder.close()


if __name__ == "__main__":
    main()
