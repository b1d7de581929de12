"""The pages in a real browser: accessible, one small request each, without JavaScript, by keyboard alone."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import axe_playwright_python  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from notify.domain.catalogue import Channel
from tests.e2e.browsing import served
from tests.e2e.page_states import CENTRE, STATES, State, U
from tests.pages_app import LINK, Site

AXE: Final = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
# All rules of axe-core, and that on target size (WCAG 2.2, 2.5.8), which it leaves out by default.
RUN: Final = """axe.run({rules: {"target-size": {enabled: true}}}).then(result =>
    result.violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 200))]))"""
MOST_BYTES: Final = 14 * 1024


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def base(site: Site) -> Iterator[str]:
    with served(site.app()) as url:
        yield url


@pytest.fixture
def plain(browser: Browser) -> Iterator[BrowserContext]:
    """A phone without JavaScript."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=False)
    yield context
    context.close()


def _press(page: Page, selector: str) -> None:
    """Press it, and wait for the page it leads to: a click returns while the old page still goes."""
    pressed = page.locator(selector).first
    if not pressed.evaluate("one => one.matches('button, a')"):
        pressed.click()
        return
    with page.expect_navigation():
        pressed.click()


SPACED: Final = """document.querySelectorAll("body *").forEach(one => Object.assign(one.style, {
    lineHeight: "1.5", letterSpacing: ".12em", wordSpacing: ".16em"}))"""
"""The text spacing of WCAG 1.4.12; paragraphs have their margin."""
DESK: Final = 1280
ENLARGED: Final = 'document.documentElement.style.fontSize = "200%"'
VIEWS: Final[Sequence[tuple[str, int, Literal["light", "dark"]]]] = [
    ("fr", 320, "light"),
    ("en", DESK, "dark"),
]
FITS: Final = "document.documentElement.scrollWidth <= innerWidth"


@pytest.mark.parametrize("state", STATES)
def test_every_page_is_accessible(browser: Browser, state: str) -> None:
    for locale, width, scheme in VIEWS:
        site = Site()
        STATES[state].prepare(site)
        with served(site.app()) as base:
            context = browser.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)
            _look(context.new_page(), base, STATES[state], locale)
            context.close()


def _look(page: Page, base: str, state: State, locale: str) -> None:
    page.goto(f"{base}{state.path}?lang={locale}")
    for selector in state.presses:
        _press(page, selector)
    page.evaluate(AXE)
    assert page.evaluate(RUN) == []
    assert page.evaluate("document.documentElement.lang") == (state.speaks or locale)
    # 320 px is a desktop at 400 % (WCAG 1.4.10).
    assert page.evaluate(FITS)
    heights = page.locator("button:visible").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert all(height >= 44 for height in heights)
    page.evaluate(SPACED if page.evaluate(f"innerWidth < {DESK}") else ENLARGED)
    assert page.evaluate(FITS)


@pytest.mark.parametrize("path", ["/", U, CENTRE, "/u/unknown", "/outbox", "/outbox/2"])
def test_a_page_is_one_small_request_without_a_cookie(browser: Browser, base: str, path: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    sizes: list[int] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.goto(base + path, wait_until="networkidle")
    assert asked == [base + path]
    assert len(sizes) == 1
    assert sizes[0] <= MOST_BYTES
    assert context.cookies() == []
    assert [text for text in complaints if "404 (NOT FOUND)" not in text] == []
    context.close()


def test_a_person_stops_undoes_and_stops_the_channel(plain: BrowserContext, site: Site, base: str) -> None:
    page = plain.new_page()
    page.goto(f"{base}{U}?lang=en")
    assert site.unsubscribe.stopped == []
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("status")).to_contain_text("no longer receive “Product offers” by e-mail")
    page.get_by_role("button", name="Undo this").click()
    expect(page.get_by_role("status")).to_contain_text("Product offers, by e-mail")
    page.goto(f"{base}{U}?lang=en")
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("button", name="Stop all e-mails").click()
    expect(page.get_by_role("status")).to_contain_text("order updates included")
    assert [(proof.source, whole) for _, proof, _, whole in site.unsubscribe.stopped] == [
        ("link", False),
        ("link", False),
        ("link", True),
    ]


def test_the_language_can_be_switched_before_and_stays_after(
    plain: BrowserContext, site: Site, base: str
) -> None:
    page = plain.new_page()
    page.goto(base + U)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop receiving “Product offers” by e-mail?")
    assert site.unsubscribe.stopped == []
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Done")
    expect(page.get_by_role("link", name="Français")).to_have_count(0)
    page.get_by_role("button", name="Undo this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Undone")


def test_a_person_chooses_and_takes_it_back(plain: BrowserContext, site: Site, base: str) -> None:
    page = plain.new_page()
    page.goto(f"{base}{CENTRE}?lang=en")
    page.get_by_role("group", name="Surveys").get_by_role("checkbox", name="SMS").check()
    page.get_by_role("group", name="Product offers").get_by_role("checkbox", name="E-mail").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert site.centre.stands["surveys", Channel.SMS] is True
    assert site.centre.stands["product_offers", Channel.EMAIL] is False
    page.get_by_role("button", name="Undo this change").click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert len(site.undo.proofs) == 1


def test_a_stranger_is_heard(plain: BrowserContext, site: Site, base: str) -> None:
    page = plain.new_page()
    page.goto(f"{base}{CENTRE}?lang=en")
    page.get_by_text("Is this address or number not yours?").click()
    page.get_by_role("button", name="This is not me: +221").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing more is sent to this number.")
    assert site.centre.disowned == [Channel.SMS]
    expect(page.get_by_role("checkbox", name="SMS")).to_have_count(0)
    expect(page.get_by_role("group", name="Surveys")).to_contain_text("this number is barred")


def _tab_to(page: Page, matches: Callable[[Page], bool]) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", "the focus cannot be seen"
        if matches(page):
            return
    raise AssertionError("the keyboard does not get there")


def _focused(selector: str) -> Callable[[Page], bool]:
    return lambda page: bool(page.evaluate(f"document.activeElement.matches({selector!r})"))


def test_the_keyboard_is_enough(browser: Browser, site: Site, base: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{base}{U}?lang=en")
    _tab_to(page, _focused("button"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Done")
    assert len(site.unsubscribe.stopped) == 1
    _tab_to(page, _focused("form[action^='/undo/'] button"))
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_have_text("Undone")
    page.goto(f"{base}{CENTRE}?lang=en")
    _tab_to(page, _focused("[value='surveys.email']"))
    page.keyboard.press("Space")
    # In a form of several buttons, Enter presses the first: that has to be the harmless one.
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert site.centre.stands["surveys", Channel.EMAIL] is True
    assert site.centre.stands["order_updates", Channel.EMAIL] is True
    _tab_to(page, _focused("[value=pause_90]"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("Paused until 21")
    _tab_to(page, _focused("[value=resume]"))
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("Done: your pause is over.")
    _tab_to(page, _focused("details:last-of-type summary"))
    page.keyboard.press("Enter")
    _tab_to(page, _focused("[value=disown]"))
    context.close()


def test_a_kept_mail_shows_its_links_and_runs_nothing(browser: Browser, base: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    context.route("https://notify.example/**", lambda route: route.fulfill(body="there"))
    page.goto(f"{base}/outbox/1")
    frame = page.frame_locator("iframe")
    with context.expect_page() as opened:
        frame.get_by_role("link", name="Me désabonner").click()
    expect(opened.value).to_have_url(LINK)
    assert page.frames[1].title() == "x"
    with context.expect_page() as shown:
        page.goto(f"{base}/outbox/1?view=text")
        page.get_by_role("link", name=LINK).click()
    expect(shown.value).to_have_url(LINK)
    context.close()
