import pytest

from notify.providers.smtp import SmtpAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("smtp://localhost:1025", SmtpAddress("localhost", 1025, False, False, None, None)),
        ("smtp://mail.example.com", SmtpAddress("mail.example.com", 587, False, False, None, None)),
        ("smtps://mail.example.com", SmtpAddress("mail.example.com", 465, True, False, None, None)),
        (
            "smtp://shop%40example.com:p%3Aw%2F@mail.example.com:587?starttls=1",
            SmtpAddress("mail.example.com", 587, False, True, "shop@example.com", "p:w/"),
        ),
        ("smtp://h?starttls=0", SmtpAddress("h", 587, False, False, None, None)),
    ],
)
def test_the_url_says_it_all(url: str, address: SmtpAddress) -> None:
    assert SmtpAddress.parse(url) == address
