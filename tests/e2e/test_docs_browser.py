"""The documentation in a real browser: it authorizes, calls the API, and asks nothing of anyone else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.doubles_api import FakeApi
from tests.e2e.browsing import served


@pytest.fixture
def site() -> Iterator[str]:
    with served(FakeApi().app()) as url:
        yield url


@pytest.fixture(params=[360, 1280])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    yield context.new_page()
    context.close()


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
