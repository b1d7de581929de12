"""Profiles: the first is what merging into nothing gives."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from notify.domain.recipients import Profile, ProfilePatch, first, merged

texts = st.none() | st.sampled_from(["a", "b"])
patches = st.fixed_dictionaries(
    {},
    optional={
        "email": texts,
        "phone": texts,
        "name": texts,
        "locale": texts,
        "country": texts,
        "timezone": texts,
        "customer_since": st.none() | st.just(date(2026, 1, 1)),
        "attributes": st.dictionaries(st.sampled_from("xyz"), st.none() | st.integers()),
    },
)


@given(patches, texts)
def test_the_first_profile_is_what_merging_into_nothing_gives(
    patch: ProfilePatch, phone_country: str | None
) -> None:
    assert first(patch, phone_country) == merged(Profile(), patch, phone_country)
