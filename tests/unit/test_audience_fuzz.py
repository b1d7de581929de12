"""Whatever JSON a filter is made of, it is read or refused."""

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notify.domain.audience import Audience, Op, parse_audience
from notify.domain.errors import InvalidRequestError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
CONDITION = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["id", "name", "customer_since", "attributes.orders"]) | JSON,
        "op": st.sampled_from(list(map(str, Op))) | JSON,
        "value": JSON,
    }
)


@given(
    st.fixed_dictionaries(
        {}, optional={"all": st.lists(CONDITION | JSON, max_size=3) | JSON, "failed_in": JSON, "any": JSON}
    )
)
def test_no_json_makes_a_filter_fail(written: dict[str, Any]) -> None:
    with suppress(InvalidRequestError):
        assert isinstance(parse_audience(written), Audience)
