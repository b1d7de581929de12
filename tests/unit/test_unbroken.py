import pytest

from notify.domain.unbroken import unbroken


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>Par e-mail\u00a0: oui</p>", "<p>Par <b>e-mail</b>\u00a0: oui</p>"),
        ("E-mails, puis ces e-mails-là.", "<b>E-mails</b>, puis ces <b>e-mails-là</b>."),
        ('<a title="e-mail" href="/e-mail">x</a>', '<a title="e-mail" href="/e-mail">x</a>'),
        ("<title>Un e-mail</title>e-mail", "<title>Un e-mail</title><b>e-mail</b>"),
        ("<pre>e-mail <i>x</i></pre>", "<pre>e-mail <i>x</i></pre>"),
        ("e-mail@example.org, mon-e-mail, e-mailing", "e-mail@example.org, mon-e-mail, e-mailing"),
    ],
)
def test_what_people_read_is_kept_together_and_nothing_else_changes(html: str, kept: str) -> None:
    assert unbroken(html, "<b>").replace("</span>", "</b>") == kept
