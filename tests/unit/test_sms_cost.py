"""What an SMS costs, and how it is written to cost less."""

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from notify.cli import notify
from notify.domain.content import Links
from notify.domain.errors import ConfigurationError
from notify.domain.folding import fold
from notify.domain.newsletters import Person
from notify.domain.prices import Money, SmsPrices
from notify.domain.segments import count
from notify.rendering import FileTemplates, load_catalogue
from notify.settings import Settings
from notify.usecases.campaigns.sms_costs import SmsCosts
from tests.template_shop import TEMPLATES

LINK = "https://notify.example.org/u/abc"
LONG = " a" * 40


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Reçu : vos sacs sont prêts, Noël à l’hôtel", "Reçu : vos sacs sont prêts, Noël à l’hôtel"),
        (
            f"Reçu, prêt, Noël, où, cœur, Œuvre, À l’hôtel{LONG}",
            f"Recu, pret, Noel, où, coeur, OEuvre, A l'hotel{LONG}",
        ),
        (f"« Été » – l’an… n° 5 • “un” 3\u00a0€{LONG}", f'"Été" - l\'an... no 5 - "un" 3 €{LONG}'),
        (f"é è à ù Ç ñ ü restent, ê non{LONG}", f"é è à ù Ç ñ ü restent, e non{LONG}"),
        (f"Fête 🎉 reçu{LONG}", f"Fête 🎉 reçu{LONG}"),  # the emoji costs as much alone
        (f"fête {LINK}/ça-va?é=ê{LONG}", f"fête {LINK}/ça-va?é=ê{LONG}"),  # the link needs its own letters
        (f"fête smarttontine.org/wax et {LINK}{LONG}", f"fete smarttontine.org/wax et {LINK}{LONG}"),
        (f"plain{LONG}", f"plain{LONG}"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert count(folded).segments <= count(text).segments


def test_templates_fold_where_it_is_set(tmp_path: Path) -> None:
    links = Links(LINK)
    data = {"sms": f"reçu, prêt{LONG}"}
    catalogue = load_catalogue(TEMPLATES)
    for fold_sms, expected in ((False, "reçu, prêt"), (True, "recu, pret")):
        templates = FileTemplates(TEMPLATES, catalogue, fold_sms=fold_sms)
        text = templates.sms("newsletter", "fr", data, links)
        assert expected in text
        assert LINK in text


def test_prices() -> None:
    text = '{"currency": "XOF", "SN": "28.5", "FR": 45, "CI": 0.1, "*": "52"}'
    prices = Settings(NOTIFY_DATA_DIR=TEMPLATES, sms_prices=text).sms_prices  # type: ignore[call-arg,arg-type]
    found = [prices.of(country, 3) for country in ("SN", "FR", "CI", "GH", None)]
    assert found == [Money(Decimal(amount), "XOF") for amount in ("85.5", "135", "0.3", "156", "156")]
    assert SmsPrices().of("SN", 3) is None


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("0.05", "SMS_PRICES: must be a JSON object"),
        ("{", "SMS_PRICES: must be JSON"),
        ('{"SN": "0.045"}', '"currency" must be'),
        ('{"currency": "EUR", "Senegal": "0.045"}', '"Senegal" must be'),
        ('{"currency": "EUR", "SN": "cheap"}', '"SN" must be the price'),
        ('{"currency": "EUR", "SN": -1}', '"SN" must be the price'),
        ('{"currency": "EUR", "SN": true}', '"SN" must be the price'),
        ('{"currency": "EUR", "SN": "NaN"}', '"SN" must be the price'),
    ],
)
def test_a_wrong_price_is_named(given: str, names: str, tmp_path: Path) -> None:
    answer = CliRunner(env={"SMS_PRICES": given}).invoke(notify, ["status", "--data-dir", str(tmp_path)])
    assert isinstance(answer.exception, ConfigurationError)
    assert names in str(answer.exception)


def test_of_texts_that_cost_alike_the_longest_is_shown() -> None:
    catalogue = load_catalogue(TEMPLATES)
    templates = FileTemplates(TEMPLATES, catalogue)
    lengths = {"FR": 3, "SN": 9, "CI": 5, "GH": 1, "ML": 8, "TG": 2, "BJ": 7, None: 4}

    def links(_topic: int, country: str | None) -> tuple[Links, Links]:
        one = Links(f"{LINK}{'x' * lengths[country]}")
        return one, one

    pinned = templates.pin("newsletter", catalogue["product_offers"], {"fr": {"sms": "Soldes"}}, mailto=False)
    shown = SmsCosts(templates, links, SmsPrices())(pinned, 3, {("fr", country): 1 for country in lengths})
    longest = templates.sms_for(pinned, "fr", Person(links(3, "SN")[0]))
    assert {one["segments"] for one in shown["countries"]} == {1}
    assert shown["texts"]["fr"]["characters"] == len(longest)
