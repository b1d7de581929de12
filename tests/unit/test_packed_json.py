import json
import zlib

import pytest

from notify.domain.packed_json import PackedJson


@pytest.mark.parametrize("indent", [None, 2])
def test_what_is_added_comes_out_whole_however_large(indent: int | None) -> None:
    rows = [{"text": "é" * 5_000, "number": number} for number in range(200)]
    told = PackedJson(indent)
    told.add("name", "Awa « Diop »")
    told.add_list("rows", iter(rows))
    told.add_list("none", [])
    told.close()
    pieces = list(told.pieces())
    assert json.loads(b"".join(pieces)) == {"name": "Awa « Diop »", "rows": rows, "none": []}
    assert told.length == sum(map(len, pieces)) > 2_000_000
    assert max(map(len, pieces)) <= 65_536
    packed = b"".join(told.packed())
    assert zlib.decompress(packed, wbits=31) == b"".join(pieces)
    assert len(packed) < told.length / 50


def test_nothing_added_is_an_empty_object() -> None:
    told = PackedJson()
    told.close()
    assert json.loads(b"".join(told.pieces())) == {}


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        PackedJson().add("number", float("nan"))
