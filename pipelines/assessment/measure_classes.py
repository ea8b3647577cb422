"""How much of the savings is made at the source (源头削减), by recycling, and at the end of the pipe: verified, promised, and in money.

What a measure saved is decided in `measure_effect`.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipelines.contracts.states import State
from pipelines.contracts.units import UnitError, Units


def class_shares(
    effects: pl.DataFrame, measures: pl.DataFrame, totals: Mapping[str, str | None], units: Units, park_id: str
) -> pl.DataFrame:
    """Annual savings by class of measure, of the park and of every enterprise: verified, promised, and in money.

    A class whose measures used more than before makes the shares meaningless; they are null then. Promises in units that do not convert
    to their item's are left out and counted.

    Args:
        effects: Rows of `measure_effect`.
        measures: Rows of the record, of any status.
        totals: Unit of totals by parameter.
    """
    implemented = measures.filter(pl.col("status") == "implemented")
    subject = ("enterprise_id", "measure_class")
    verified = effects.filter(pl.col("counts_in_total") & pl.col("annual_saving_quantity").is_not_null()).select(
        *subject,
        basis=pl.lit("verified"),
        item_code=pl.col("parameter_code"),
        unit=pl.col("unit"),
        amount=pl.col("annual_saving_quantity"),
        is_left_out=pl.lit(False),
    )
    promised = pl.DataFrame(
        [_promise(row, totals, units) for row in implemented.filter(pl.col("promised_item").is_not_null()).iter_rows(named=True)],
        schema=verified.schema,
        orient="row",
    )
    money = implemented.filter(pl.col("annual_saving_cny").is_not_null()).select(
        *subject,
        basis=pl.lit("money"),
        item_code=pl.lit("-"),
        unit=pl.lit("CNY"),
        amount=pl.col("annual_saving_cny"),
        is_left_out=pl.lit(False),
    )
    every = pl.concat([verified, promised, money])
    both = pl.concat(
        [
            every.with_columns(subject_kind=pl.lit("enterprise"), subject_id=pl.col("enterprise_id")),
            every.with_columns(subject_kind=pl.lit("park"), subject_id=pl.lit(park_id)),
        ]
    )
    group = ["subject_kind", "subject_id", "basis", "item_code"]
    counted = ~pl.col("is_left_out")
    by_class = both.group_by(*group, "measure_class").agg(
        unit=pl.col("unit").filter(counted).first(),
        annual_saving=pl.when(counted.any()).then(pl.col("amount").filter(counted).sum()),
        measures=counted.sum(),
        left_out=pl.col("is_left_out").sum(),
    )
    total = pl.col("annual_saving").sum().over(group)
    is_shareable = (pl.col("annual_saving").min().over(group) >= 0) & (total > 0)
    return by_class.with_columns(
        share=pl.when(is_shareable).then(pl.col("annual_saving") / total),
        state=pl.when(pl.col("annual_saving").is_null())
        .then(pl.lit(State.MISSING.value))
        .when(pl.col("basis") == "verified")
        .then(pl.lit(State.ESTIMATED.value))
        .otherwise(pl.lit(State.SELF_REPORTED.value)),
    ).sort(*group, "measure_class")


def _promise(measure: Mapping[str, Any], totals: Mapping[str, str | None], units: Units) -> dict[str, Any]:
    unit = totals.get(measure["promised_item"]) or measure["unit"]
    amount = None
    if measure["promised_quantity"] is not None and measure["unit"] is not None and unit is not None:
        try:
            amount = measure["promised_quantity"] * units.convert(measure["unit"], unit)[0]
        except UnitError:
            amount = None
    return {
        "enterprise_id": measure["enterprise_id"], "measure_class": measure["measure_class"], "basis": "promised", "item_code": measure["promised_item"],
        "unit": unit, "amount": amount, "is_left_out": amount is None,
    }  # fmt: skip
