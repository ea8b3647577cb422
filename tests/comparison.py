"""Two tables that should be alike, row for row. No fixtures and no expectations of what is in them."""

import duckdb
import pytest


def differing_rows(con: duckdb.DuckDBPyConnection, left: str, right: str) -> list[str]:
    """What tells `left` from `right` (each what may stand after `from`), a line a row, by more than the order in which numbers were added.

    Threads add the same numbers in another order each time, and a sum cut at nine digits may fall on either side of a half:
    rows that differ there are held against each other number by number.
    """
    columns = [(name, kind) for name, kind, *_ in con.execute(f"describe from {left}").fetchall()]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    cut = ", ".join(f"printf('%.9g', \"{name}\")" if kind == "DOUBLE" else f'"{name}"' for name, kind in columns)
    ours, theirs = (
        con.execute(
            f"select {names} from (select *, row({cut}) as cut from {one}) anti join (select row({cut}) as cut from {other}) using (cut)"
        ).fetchall()
        for one, other in ((left, right), (right, left))
    )
    exact = [index for index, (_, kind) in enumerate(columns) if kind != "DOUBLE"]
    for rows in (ours, theirs):
        rows.sort(key=lambda row: ([str(row[index]) for index in exact], [str(value) for value in row]))
    if len(ours) != len(theirs):
        return [f"only in {table}: {_shown(columns, row)}" for table, rows in ((left, ours), (right, theirs)) for row in rows]
    found = []
    for our, their in zip(ours, theirs, strict=True):
        unlike = {name: pair for (name, _), *pair in zip(columns, our, their, strict=True) if not _alike(*pair)}
        if unlike:
            found.append(f"{unlike} in {[our[index] for index in exact if our[index] is not None]}")
    [counts] = con.execute(f"select (select count(*) from {left}), (select count(*) from {right})").fetchall()
    if counts[0] != counts[1]:
        found.append(f"{counts[0]} rows in {left}, {counts[1]} in {right}")
    return found


def _shown(columns: list[tuple[str, str]], row: tuple) -> dict[str, object]:
    return {name: value for (name, _), value in zip(columns, row, strict=True) if value is not None}


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-8, abs=1e-9)
    return one == other
