"""The documentation in a real browser: it authorizes, calls the API, and asks nothing of anyone else."""

import threading
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.doubles_api import FakeApi

ARGUMENTS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Quiet(WSGIRequestHandler):
    """Does not log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name werkzeug gave it
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, FakeApi().app(), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=[360, 1280])
def page(chromium: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser.new_page(viewport={"width": request.param, "height": 900})
        browser.close()


def test_a_call_can_be_tried_out_with_the_key(site: str, page: Page) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{site}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill("send")
    page.locator(".auth-btn-wrapper button.authorize").click()
    page.locator(".auth-btn-wrapper .btn-done").click()
    page.locator("#operations-Notifications-sendNotification .opblock-summary-control").click()
    page.locator("#operations-Notifications-sendNotification button.execute").click()
    answered = page.locator("#operations-Notifications-sendNotification .live-responses-table .response")
    answered.wait_for()
    expect(answered.locator(".response-col_status")).to_contain_text("202")
    expect(answered).to_contain_text('"n1"')
    assert complaints == []
    assert all(url.startswith((site, "data:")) for url in asked)


def test_what_a_problem_leads_to_is_readable(site: str, page: Page) -> None:
    page.goto(f"{site}/docs/problems#invalid-request")
    assert page.locator(":target").inner_text() == "The request breaks a rule"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
