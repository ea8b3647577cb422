"""What compares tables in other tests must itself see what differs."""

import duckdb
import pytest

from tests.comparison import differing_rows


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("('a', 1.0), ('b', null)", "('b', null), ('a', 1.0)", []),
        # one sum in two orders, on either side of a half at the ninth digit
        ("('a', 139.3735500005)", "('a', 139.3735499995)", []),
        ("('a', 1.0)", "('a', 1.001)", ["{'x': [1.0, 1.001]} in ['a']"]),
        ("('a', 1.0)", "('a', null)", ["{'x': [1.0, None]} in ['a']"]),
        ("('a', 1.0)", "('a', 1.0), ('a', 1.0)", ["1 rows in l, 2 in r"]),
        ("('a', 1.0)", "('a', 1.0), ('b', 2.0)", ["only in r: {'k': 'b', 'x': 2.0}"]),
    ],
)
def test_differing_rows(left: str, right: str, said: list[str]) -> None:
    with duckdb.connect() as con:
        for name, rows in (("l", left), ("r", right)):
            con.execute(f"create table {name} as select k, x::double as x from (values {rows}) as t(k, x)")
        assert differing_rows(con, "l", "r") == said
