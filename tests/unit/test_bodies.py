import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.web.api.bodies import (
    BAD_TEXT,
    MAX_DEPTH,
    MAX_PROBLEMS,
    NOT_FINITE,
    TOO_DEEP,
    TOO_LONG,
    Body,
    escaped,
    parsed,
)
from notify.web.api.idempotency import canonical
from notify.web.refusals import MalformedBodyError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"])), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_ordinary_json_is_read_as_it_is(value: object) -> None:
    assert parsed(json.dumps(value).encode()) == Body(value)
    assert parsed(json.dumps(value, ensure_ascii=False).encode()) == Body(value)


@pytest.mark.parametrize(
    ("raw", "pointer", "detail"),
    [
        (b'{"a": {"b": 1, "b": 2}}', "/a/b", "is given more than once"),
        (b'{"a": [NaN]}', "/a/0", NOT_FINITE),
        (b'{"a": -Infinity}', "/a", NOT_FINITE),
        (b'{"a": 1e999}', "/a", NOT_FINITE),
        (b'{"a": 9223372036854775808}', "/a", TOO_LONG),
        (b'{"a": ' + b"9" * 5000 + b"}", "/a", TOO_LONG),
        (rb'{"a": "x\u0000"}', "/a", BAD_TEXT),
        (rb'{"a": "\ud800"}', "/a", BAD_TEXT),
        (rb'{"a/b~": "\udfff"}', "/a~1b~0", BAD_TEXT),
        (rb'{"\ud800": 1}', "/?", f"the name {BAD_TEXT}"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "/a" * MAX_DEPTH, TOO_DEEP),
    ],
)
def test_what_json_allows_and_we_do_not_is_named_with_its_place(
    raw: bytes, pointer: str, detail: str
) -> None:
    body = parsed(raw)
    assert body.problems == (FieldProblem(pointer, detail),)
    with pytest.raises(InvalidRequestError):
        body.checked()


def test_all_flaws_are_named_at_once() -> None:
    body = parsed(b'{"a": NaN, "b": {"c": 1, "c": 2}, "d": [1e400]}')
    assert [problem.pointer for problem in body.problems] == ["/a", "/b/c", "/d/0"]


def test_a_flood_of_flaws_is_cut_short() -> None:
    assert len(parsed(b"[" + b"NaN," * 500 + b"1]").problems) == MAX_PROBLEMS


@pytest.mark.parametrize("raw", [rb'"\ud83d\ude00"', rb'"\\u0000"', rb'"\\ud800"', '"😀"'.encode()])
def test_honest_escapes_pass(raw: bytes) -> None:
    assert parsed(raw).problems == ()


def test_sixteen_levels_pass() -> None:
    assert parsed(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).problems == ()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{\n "a": }', "line 2, column 7"),
        (b"", "line 1, column 1"),
        (b'{"a": "secret', "line 1, column 7"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 1} x', "line 1, column 10"),
        (b'"\x01"', "line 1, column 2"),
        (b"\xff", "not UTF-8 at byte 1"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
        ("{}".encode("utf-16"), "not UTF-8 at byte 1"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place_but_never_its_text(raw: bytes, words: str) -> None:
    with pytest.raises(MalformedBodyError) as refusal:
        parsed(raw)
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_that_would_exhaust_the_parser_is_refused(opening: bytes) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parsed(opening * 200_000)
    assert refusal.value.problems == (FieldProblem("", TOO_DEEP),)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(MalformedBodyError, InvalidRequestError):
        assert isinstance(parsed(raw), Body)


@given(JSON)
def test_the_canonical_form_does_not_depend_on_how_the_json_was_written(value: object) -> None:
    one = canonical("POST", "/v1/notifications", parsed(json.dumps(value, indent=3).encode()).value)
    two = canonical("POST", "/v1/notifications", parsed(json.dumps(value, ensure_ascii=False).encode()).value)
    assert one == two


def test_the_canonical_form_knows_paths_values_and_not_the_order_of_names() -> None:
    assert canonical("POST", "/a", {"x": 1, "y": 2}) == canonical("POST", "/a", {"y": 2, "x": 1})
    assert canonical("POST", "/a", {"x": 1}) != canonical("POST", "/b", {"x": 1})
    assert canonical("POST", "/a", {"x": 1}) != canonical("POST", "/a", {"x": "1"})
    assert canonical("POST", "/a", parsed(b'{"x": NaN}').value)


def test_pointers_are_escaped_and_kept_short() -> None:
    assert escaped("a/b~c") == "a~1b~0c"
    assert len(escaped("x" * 10_000)) == 100
