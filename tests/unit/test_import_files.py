"""Files of recipients, read in pieces of any size: NDJSON and CSV, whole and broken."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.catalogue import Channel
from notify.domain.errors import InvalidRequestError
from notify.domain.imports import BarredFor, ImportedRow, RefusedRow
from notify.web.imports import CSV, NDJSON, READERS
from notify.web.imports.lines import MAX_LINE, TOO_LONG, numbered_lines


def read(media_type: str, text: str | bytes) -> list[ImportedRow | RefusedRow]:
    raw = text.encode() if isinstance(text, str) else text
    return list(READERS[media_type](iter([raw])))


def row(media_type: str, text: str | bytes) -> ImportedRow:
    (found,) = read(media_type, text)
    assert isinstance(found, ImportedRow), found
    return found


def words(media_type: str, text: str | bytes) -> list[tuple[int, str]]:
    return [(one.line, one.words) for one in read(media_type, text) if isinstance(one, RefusedRow)]


def pieces(raw: bytes, size: int) -> Iterator[bytes]:
    return (raw[at : at + size] for at in range(0, len(raw), size))


class TestLines:
    @given(st.binary(max_size=40).map(lambda raw: raw.replace(b"\r", b"\n")), st.integers(1, 7))
    def test_pieces_of_any_size_are_cut_at_the_ends_of_lines(self, raw: bytes, size: int) -> None:
        whole = raw.split(b"\n")
        if whole[-1] == b"":
            whole.pop()
        assert list(numbered_lines(pieces(raw, size))) == list(enumerate(whole, start=1))

    def test_a_line_without_end_is_forgotten_and_the_next_one_read(self) -> None:
        endless = (b"x" * 60_000 for _ in range(100))
        lines = list(numbered_lines([b"a\r\n", *endless, b"\nb\n", b"y" * (MAX_LINE + 1), b"\n", b"c"]))
        assert lines == [(1, b"a"), (2, TOO_LONG), (3, b"b"), (4, TOO_LONG), (5, b"c")]

    def test_a_byte_order_mark_is_no_part_of_the_first_line(self) -> None:
        assert list(numbered_lines([b"\xef", b"\xbb\xbfa\n", b"\xef\xbb\xbfb"])) == [
            (1, b"a"),
            (2, b"\xef\xbb\xbfb"),
        ]


class TestJsonLines:
    def test_reads_a_recipient_with_all_that_comes_along(self) -> None:
        found = row(
            NDJSON,
            json.dumps(
                {
                    "id": "C-1",
                    "email": "awa@example.com",
                    "attributes": {"orders": 7, "vip": True, "gone": None},
                    "consent": {
                        "policy_version": "2",
                        "accepted_at": "2026-01-01T00:00:00Z",
                        "source": "checkout",
                    },
                    "preferences": [
                        {"topic": "surveys", "channel": "email", "subscribed": True},
                        {
                            "topic": "surveys",
                            "channel": "sms",
                            "subscribed": False,
                            "proof": {"source": "phone call"},
                        },
                    ],
                    "proof": {"source": "sign-up form"},
                    "suppressed": ["sms", {"channel": "email", "reason": "hard_bounce"}],
                }
            ),
        )
        assert found.recipient.profile == {
            "email": "awa@example.com",
            "attributes": {"orders": 7, "vip": True, "gone": None},
        }
        assert found.recipient.consent is not None
        assert found.recipient.consent.policy_version == "2"
        assert [
            (one.topic, one.channel, one.subscribed, proof and proof.source) for one, proof in found.choices
        ] == [
            ("surveys", Channel.EMAIL, True, "sign-up form"),
            ("surveys", Channel.SMS, False, "phone call"),
        ]
        assert found.suppressed == {Channel.SMS: BarredFor.MANUAL, Channel.EMAIL: BarredFor.HARD_BOUNCE}

    def test_suppressed_stands_for_the_addresses_of_the_row(self) -> None:
        assert row(NDJSON, '{"id": "C-1", "email": "a@example.com", "suppressed": true}').suppressed == {
            Channel.EMAIL: BarredFor.MANUAL
        }
        assert row(NDJSON, '{"id": "C-1", "suppressed": false}').suppressed == {}

    def test_each_broken_line_is_one_refused_row(self) -> None:
        good = b'{"id": "C-1"}'
        lines = [
            good,
            b"",
            b"{oops}",
            b'{"id": "\xff"}',
            b"[]",
            b'{"id": "C-1", "id": "C-2"}',
            b"9" * 5000,
            good,
        ]
        found = read(NDJSON, b"\n".join([*lines, b'"' + b"x" * 10_000_000, good]))
        assert [one.line for one in found if isinstance(one, ImportedRow)] == [1, 8, 10]
        assert [(one.line, one.words) for one in found if isinstance(one, RefusedRow)] == [
            (3, "The line is not valid JSON: Expecting property name enclosed in double quotes at column 2"),
            (4, "The line is not UTF-8 at byte 9"),
            (5, "must be an object"),
            (6, "/id: is given more than once"),
            (7, "is an integer of more than 64 bits; send it as a string"),
            (9, "The line is longer than 1,000,000 bytes"),
        ]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ('"email": 7', "/email: must be a string"),
            ('"emial": "a@example.com"', "/emial: is not a field of this request"),
            ('"name": "4111 1111 1111 1111"', "/name: holds what reads as a payment card number"),
            ('"suppressed": "yes"', "/suppressed: must be true, false or a list of channels"),
            ('"suppressed": ["fax"]', "/suppressed: each must be a channel (email, sms)"),
            ('"suppressed": [{"reason": "stop"}]', "/suppressed: each must be a channel"),
            ('"suppressed": [{"channel": "sms", "reason": "why"}]', "/suppressed: each must be a channel"),
            ('"suppressed": [7]', "/suppressed: each must be a channel"),
            ('"suppressed": true', "/suppressed: the row has no address to suppress"),
            (
                '"preferences": [{"topic": "surveys", "channel": "email"}]',
                "/preferences/0/subscribed: is required",
            ),
        ],
    )
    def test_says_what_is_wrong_with_a_row(self, given: str, said: str) -> None:
        ((line, told),) = words(NDJSON, f'{{"id": "C-1", {given}}}')
        assert line == 1
        assert told.startswith(said)

    def test_no_more_problems_are_named_than_one_reads(self) -> None:
        ((_, told),) = words(NDJSON, json.dumps({"id": "C-1"} | {f"f{n}": 1 for n in range(8)}))
        assert told.count("is not a field") == 5
        assert told.endswith("; and 3 more")


class TestTables:
    def test_reads_every_kind_of_column(self) -> None:
        found = row(
            CSV,
            "id,email,phone,name,attributes.city,attributes.orders:number,attributes.vip:boolean,"
            "consent.policy_version,consent.accepted_at,consent.source,preferences.surveys.email,"
            "preferences.company_news.sms,proof.source,suppressed.sms\n"
            'C-1,awa@example.com,+221771234567,"Diop, Awa",Thiès,7,oui,2,2026-01-01T00:00:00Z,checkout,'
            "TRUE,false,sign-up form,stop\n",
        )
        assert found.line == 2
        assert found.recipient.profile == {
            "email": "awa@example.com",
            "phone": "+221771234567",
            "name": "Diop, Awa",
            "attributes": {"city": "Thiès", "orders": 7, "vip": True},
        }
        assert found.recipient.consent is not None
        assert [
            (one.topic, one.channel, one.subscribed, proof and proof.source) for one, proof in found.choices
        ] == [
            ("surveys", Channel.EMAIL, True, "sign-up form"),
            ("company_news", Channel.SMS, False, "sign-up form"),
        ]
        assert found.suppressed == {Channel.SMS: BarredFor.STOP}

    def test_empty_cells_are_left_out_and_empty_rows_no_rows(self) -> None:
        assert row(CSV, "\n\nid,email,attributes.city\r\n,,\r\n  C-1 ,, \r\n\r\n").recipient.profile == {}

    def test_reads_what_french_excel_writes(self) -> None:
        found = row(CSV, "\ufeffid;name;attributes.spent:number;suppressed\r\nC-1;Awa, Diop;1234,5;FAUX\r\n")
        assert found.recipient.profile == {"name": "Awa, Diop", "attributes": {"spent": 1234.5}}
        assert found.suppressed == {}

    @given(
        st.lists(
            st.text(alphabet='a,;"\n é', min_size=1, max_size=12).map(str.strip), min_size=1, max_size=4
        ),
        st.sampled_from(",;"),
        st.integers(1, 9),
    )
    def test_reads_back_what_python_writes(self, cells: list[str], delimiter: str, size: int) -> None:
        told = io.StringIO()
        names = ["id", "attributes.last:number", *(f"attributes.c{n}" for n, _ in enumerate(cells))]
        writer = csv.writer(told, delimiter=delimiter)
        writer.writerows([names, ["C-1", "1", *(cell.replace("\n", " ") for cell in cells)]])
        (found,) = READERS[CSV](pieces(told.getvalue().encode(), size))
        assert isinstance(found, ImportedRow)
        kept: dict[str, Any] = {f"c{n}": cell.replace("\n", " ") for n, cell in enumerate(cells) if cell}
        assert found.recipient.profile["attributes"] == {"last": 1, **kept}

    def test_a_cell_in_quotes_may_hold_line_breaks(self) -> None:
        header = "id,proof.source,proof.wording,preferences.surveys.email\n"
        text = header + 'C-1,form,"Oui\n\nje ""veux""",true\nC-2,,,\n'
        first, second = read(CSV, text)
        assert isinstance(first, ImportedRow)
        assert first.choices[0][1] is not None
        assert first.choices[0][1].wording == 'Oui\n\nje "veux"'
        assert (first.line, second.line) == (2, 5)

    def test_a_stray_quote_costs_no_row_but_its_own(self) -> None:
        lines = ["id,name", 'C-1,"Awa', *(f"C-{n},Awa" for n in range(2, 300)), 'C-300,Awa"', "C-301,Awa"]
        found = read(CSV, "\n".join(lines))
        assert [one.line for one in found if isinstance(one, RefusedRow)] == [2, 301]
        assert len(found) == 301

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            (b"C-1,a@example.com,7,1,", "The line has 5 cells, and the first line names 4 columns"),
            (b"C-1", "The line has 1 cells, and the first line names 4 columns"),
            (b"C-1,\xff,,", "The line is not UTF-8"),
            (b"C-1,a\0b,,", "The line holds a NUL character or half of a surrogate pair"),
            (b"C-1,,seven,", "/attributes/orders: must be a number"),
            (b"C-1,,,perhaps", "/preferences/surveys/email: must be true or false"),
            (b"C-1," + b"x" * 2_000_000 + b",,", "The line is longer than 1,000,000 bytes"),
            (b'C-1,"' + b"x" * 200_000 + b'",,', "The line is not valid CSV: its quotes do not match"),
        ],
    )
    def test_each_broken_line_is_one_refused_row(self, line: bytes, said: str) -> None:
        header = b"id,email,attributes.orders:number,preferences.surveys.email\n"
        found = read(CSV, header + line + b"\nC-2,,,\n")
        assert isinstance(found[1], ImportedRow)
        assert words(CSV, header + line) == [(2, said)]

    @pytest.mark.parametrize(
        ("header", "said"),
        [
            ("id,emial", "has a column that is not known here: number 2 of its first line"),
            ("id,email,email", "has a column twice: number 3 of its first line"),
            ("id,attributes.a,attributes.a:number", "has a column twice: number 3 of its first line"),
            ("email", "has no column id: its first line must name the columns"),
            ('id,"email', "cannot be read: The line is not valid CSV: its quotes do not match"),
        ],
    )
    def test_a_header_that_is_not_understood_refuses_the_file(self, header: str, said: str) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            read(CSV, f"{header}\nC-1,a@example.com\n")
        assert said in [one.detail for one in caught.value.problems]

    def test_a_row_that_may_be_cut_off_is_refused(self) -> None:
        cut = list(READERS[CSV]([b"id,phone\nC-1,+221771234567\nC-2,+22177123"], may_be_cut=True))
        assert [one.words for one in cut if isinstance(one, RefusedRow)] == [
            "The line has no end: it may have been cut off"
        ]
        whole = list(READERS[NDJSON]([b'{"id": "C-1"}\n{"id": "C-2"}'], may_be_cut=True))
        assert all(isinstance(one, ImportedRow) for one in whole)

    def test_a_first_row_of_data_is_not_repeated(self) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            read(CSV, "C-1,awa@example.com\n")
        assert "awa" not in str(caught.value)


def test_the_examples_in_the_documentation_are_read() -> None:
    text = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
    part = text.partition("## Importing recipients")[2].partition("\n## ")[0]
    found = dict(re.findall(r"```(json|csv)\n(.*?)```", part, re.DOTALL))
    for media_type, example in ((NDJSON, found["json"]), (CSV, found["csv"])):
        assert [type(one) for one in read(media_type, example)] == [ImportedRow, ImportedRow]


@given(st.sampled_from([NDJSON, CSV]), st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_break_a_reader(media_type: str, raw: bytes, size: int) -> None:
    header = b"id,name,suppressed\n" if media_type == CSV else b""
    for one in READERS[media_type](pieces(header + raw, size)):
        assert one.line >= 1
