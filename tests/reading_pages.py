"""What a page says, read off its HTML."""

import re
from html import unescape

from werkzeug.test import TestResponse


def shown(response: TestResponse) -> str:
    return unescape(re.sub(r"<[^>]+>", "", response.text.partition("<main>")[2]))


def heading(response: TestResponse) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", response.text)
    assert found
    return unescape(re.sub(r"<[^>]+>", "", found[1]))


def hidden(response: TestResponse, name: str) -> list[str]:
    return re.findall(rf'type="hidden" name="{name}" value="([^"]*)"', response.text)


def checked(response: TestResponse) -> list[str]:
    return re.findall(r'type="checkbox" name="on" value="([^"]*)" checked', response.text)
