import base64
import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from notify.domain.catalogue import Channel
from notify.domain.errors import ConfigurationError, InvalidTokenError
from notify.domain.token_claims import CentreClaim, OptOutClaim
from notify.ports import Tokens
from notify.tokens import SignedTokens, parse_secret_keys

OLD = "an-old-secret-key-of-32-characters-or-more"
NEW = "the-new-secret-key-of-32-characters-or-more"
BASE64URL = string.ascii_letters + string.digits + "-_"

tokens: Tokens = SignedTokens([NEW])
numbers = st.integers(0, 2**63 - 1)
opt_outs = st.builds(
    OptOutClaim,
    recipient=numbers,
    topic=st.integers(1, 255),
    channel=st.sampled_from(Channel),
    message=numbers,
)
centres = st.builds(CentreClaim, recipient=numbers, message=numbers)
CLAIM = OptOutClaim(recipient=1042, topic=1, channel=Channel.EMAIL, message=99812)


@given(opt_outs)
def test_an_opt_out_token_says_what_was_signed(claim: OptOutClaim) -> None:
    assert tokens.read_opt_out(tokens.opt_out(claim)) == claim
    assert tokens.read_mailbox(tokens.mailbox(claim)) == claim
    assert tokens.read_mailbox(tokens.mailbox(claim).upper()) == claim


@given(centres)
def test_a_centre_token_says_what_was_signed(claim: CentreClaim) -> None:
    assert tokens.read_centre(tokens.centre(claim)) == claim


@given(opt_outs, opt_outs)
def test_two_claims_never_share_a_token(one: OptOutClaim, other: OptOutClaim) -> None:
    assume(one != other)
    assert tokens.opt_out(one) != tokens.opt_out(other)


@pytest.mark.parametrize(
    ("largest", "length"), [(0, 14), (10**4, 20), (2**35, 26), (2**42, 28), (2**63 - 1, 35)]
)
def test_a_token_fits_into_an_sms(largest: int, length: int) -> None:
    claim = OptOutClaim(recipient=largest, topic=255, channel=Channel.SMS, message=largest)
    assert len(tokens.opt_out(claim)) <= length
    assert len(tokens.centre(CentreClaim(recipient=largest, message=largest))) <= 48


@given(opt_outs, st.text(min_size=32, max_size=40))
def test_programs_that_turn_text_into_links_keep_all_of_it(claim: OptOutClaim, secret: str) -> None:
    signer = SignedTokens([secret])
    assert re.fullmatch(r"[A-Za-z0-9_-]*[A-Za-z0-9]", signer.opt_out(claim))
    assert re.fullmatch(r"[a-z2-7]+", signer.mailbox(claim))


@given(opt_outs, st.data())
def test_no_other_character_will_do(claim: OptOutClaim, data: st.DataObject) -> None:
    token = tokens.opt_out(claim)
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(BASE64URL + " .=+/%é\n"))
    assume(other != token[position])
    with pytest.raises(InvalidTokenError):
        tokens.read_opt_out(token[:position] + other + token[position + 1 :])


@given(opt_outs, st.data())
def test_no_other_character_will_do_in_a_mail_address(claim: OptOutClaim, data: st.DataObject) -> None:
    token = tokens.mailbox(claim)
    position = data.draw(st.integers(0, len(token) - 1))
    # The Kelvin sign and the long s become k and s when folded without care.
    other = data.draw(st.sampled_from(string.ascii_lowercase + string.digits + " =-_.\n\u212a\u017f"))
    assume(other != token[position])
    with pytest.raises(InvalidTokenError):
        tokens.read_mailbox(token[:position] + other + token[position + 1 :])


@given(opt_outs, centres, st.text(max_size=3), st.text(max_size=3))
def test_a_token_has_one_spelling(
    claim: OptOutClaim, centre_claim: CentreClaim, before: str, after: str
) -> None:
    assume(before or after)
    for read, token in (
        (tokens.read_opt_out, tokens.opt_out(claim)),
        (tokens.read_centre, tokens.centre(centre_claim)),
        (tokens.read_mailbox, tokens.mailbox(claim)),
    ):
        with pytest.raises(InvalidTokenError):
            read(before + token + after)


@given(opt_outs)
def test_every_other_spelling_of_the_same_bytes_is_another_token(claim: OptOutClaim) -> None:
    token = tokens.opt_out(claim)
    signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    spellings = {
        base64.urlsafe_b64encode(signed).decode(),
        base64.b64encode(signed).decode().rstrip("="),
        token.swapcase(),
        token.lower(),
        token.upper(),
        *(token[:-1] + last for last in BASE64URL),
    }
    for spelling in spellings - {token}:
        with pytest.raises(InvalidTokenError):
            tokens.read_opt_out(spelling)


@given(opt_outs, centres)
def test_one_kind_never_passes_for_another(claim: OptOutClaim, centre_claim: CentreClaim) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.read_centre(tokens.opt_out(claim))
    with pytest.raises(InvalidTokenError):
        tokens.read_opt_out(tokens.centre(centre_claim))
    with pytest.raises(InvalidTokenError):
        tokens.read_opt_out(tokens.mailbox(claim))


@given(st.text(max_size=80))
def test_whatever_else_comes_is_refused(text: str) -> None:
    for read in (tokens.read_opt_out, tokens.read_centre, tokens.read_mailbox):
        with pytest.raises(InvalidTokenError):
            read(text)


@given(opt_outs, st.lists(st.text(min_size=32, max_size=40), min_size=1, max_size=4, unique=True))
def test_a_token_survives_key_rotation(claim: OptOutClaim, newer: list[str]) -> None:
    assume(OLD not in newer)
    token = SignedTokens([OLD]).opt_out(claim)
    assert SignedTokens([*newer, OLD]).read_opt_out(token) == claim
    with pytest.raises(InvalidTokenError):
        SignedTokens(newer).read_opt_out(token)


def test_keys_that_share_an_id_are_both_tried() -> None:
    last = SignedTokens([OLD]).opt_out(CLAIM)[-1]
    namesake = next(
        secret
        for secret in (f"another-secret-key-of-32-characters-{n}" for n in range(10_000))
        if SignedTokens([secret]).opt_out(CLAIM)[-1] == last
    )
    both = SignedTokens([namesake, OLD])
    assert both.read_opt_out(both.opt_out(CLAIM)) == CLAIM
    assert both.read_opt_out(SignedTokens([OLD]).opt_out(CLAIM)) == CLAIM


def test_links_in_mails_that_were_sent_stay_valid() -> None:
    # Tokens never expire: if this fails, every link that is out there has died.
    centre = CentreClaim(recipient=1042, message=99812)
    assert tokens.opt_out(CLAIM) == "AQJRzrci5qew2UFbF4UG"
    assert tokens.mailbox(CLAIM) == "aebfdtvxeltkpmgzifnrpbig"
    assert tokens.centre(centre) == "AlHOtyIHFW3w9l0W-9wVX54H5cjRDA"
    # Those of before 0.2, with another MAC.
    assert tokens.read_opt_out("AQJRzrciCKM0E_P6qA8G") == CLAIM
    assert tokens.read_mailbox("aebfdtvxeiekgnat6p5kqdyg") == CLAIM
    assert tokens.read_centre("AlHOtyJSkVlZ373Wh-uvtxO7WrQJDA") == centre


@pytest.mark.parametrize(
    "change",
    [
        {"topic": 0},
        {"topic": 256},
        {"recipient": -1},
        {"recipient": 2**63},
        {"message": -1},
        {"message": 2**63},
    ],
)
def test_numbers_out_of_range_are_not_signed(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="from"):
        tokens.opt_out(CLAIM._replace(**change))  # type: ignore[arg-type]


def test_reads_secret_keys() -> None:
    assert parse_secret_keys(f" {NEW} , {OLD}") == [NEW, OLD]


@pytest.mark.parametrize("bad", ["", "too-short", "x" * 31])
def test_a_short_secret_is_named_by_position_and_not_shown(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="key 2") as caught:
        parse_secret_keys(f"{OLD},{bad}")
    assert not bad or bad not in str(caught.value)


def test_at_least_one_secret_is_needed() -> None:
    with pytest.raises(ConfigurationError):
        SignedTokens([])


@pytest.mark.parametrize("mailbox", [True, False])
def test_an_email_s_tokens_are_those_of_its_claims(*, mailbox: bool) -> None:
    claim = CLAIM._replace(channel=Channel.EMAIL)
    made = tokens.of_email(claim.recipient, claim.topic, claim.message, mailbox=mailbox)
    centre = tokens.centre(CentreClaim(claim.recipient, claim.message))
    assert made == (tokens.opt_out(claim), centre, tokens.mailbox(claim) if mailbox else None)


def test_an_email_of_no_possible_topic_gets_no_token() -> None:
    with pytest.raises(ValueError, match="topic"):
        tokens.of_email(1, 256, 1, mailbox=False)
