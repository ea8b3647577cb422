"""The field's units on top of pint: one scale and offset per pair of units, from the seed `units`.

A spelling is known when a row of the seed has it; its definition is written in pint's language. Two
units convert when pint finds a path and their kinds of quantity agree: kWh and kVarh have one
dimension and are never the same quantity. No number of a unit stands here, and nothing is converted
per row: callers multiply whole columns.
"""

import difflib
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.contracts.standards import Standards

if TYPE_CHECKING:
    import pint


class UnitError(ValueError):
    """A unit is unknown or has no path to the other; the message names both and what would be right."""


class Units:
    """All units of the standards. Cheap to make; the registry is built when the first conversion asks for it."""

    def __init__(self, standards: Standards) -> None:
        rows = standards.seed("units").select("unit", "pint_definition", "quantity_kind").iter_rows()
        self._definitions: dict[str, tuple[str, str]] = {unit: (definition, kind) for unit, definition, kind in rows}
        self._paths: dict[tuple[str, str], tuple[float, float]] = {}
        self._quantities: dict[str, pint.Quantity] = {}

    def __contains__(self, unit: object) -> bool:
        return unit in self._definitions

    @property
    def spellings(self) -> list[str]:
        return list(self._definitions)

    def kind(self, unit: str) -> str:
        """Kind of quantity, as mass or energy. Raises UnitError for an unknown spelling."""
        if unit not in self._definitions:
            raise UnitError(self._unknown(unit))
        return self._definitions[unit][1]

    def convert(self, unit_from: str, unit_to: str) -> tuple[float, float]:
        """Scale and offset: `value_to = value_from * scale + offset`. Raises UnitError when there is no path."""
        if (pair := (unit_from, unit_to)) not in self._paths:
            self._paths[pair] = self._path(unit_from, unit_to)
        return self._paths[pair]

    @cached_property
    def _registry(self) -> "pint.UnitRegistry":
        # Imported here: a night with nothing new converts nothing, and pint costs a fifth of a second.
        import pint

        # Decimal inside, so that a scale is rounded once, when it becomes a float: 2000 lb are 0.90718474 t, not 0.9071847399999999.
        registry = pint.UnitRegistry(non_int_type=Decimal)
        for definition, _ in self._definitions.values():
            if "=" in definition:
                registry.define(definition)
        return registry

    def _path(self, unit_from: str, unit_to: str) -> tuple[float, float]:
        if self.kind(unit_from) != self.kind(unit_to):
            raise UnitError(self._no_path(unit_from, unit_to))
        if unit_from == unit_to:
            return 1.0, 0.0
        import pint

        source, target = self._quantity(unit_from), self._quantity(unit_to)
        try:
            zero, one = (
                self._registry.Quantity(number * source.magnitude, source.units).to(target.units).magnitude / target.magnitude
                for number in (Decimal(0), Decimal(1))
            )
        except pint.DimensionalityError as error:
            raise UnitError(self._no_path(unit_from, unit_to)) from error
        return float(one - zero), float(zero)

    def _quantity(self, unit: str) -> "pint.Quantity":
        import pint

        if unit not in self._quantities:
            definition = self._definitions[unit][0]
            name = definition.split("=")[0].strip() if "=" in definition else definition
            try:
                self._quantities[unit] = self._registry.Quantity(name)
            except (pint.errors.PintError, pint.errors.PintTypeError, SyntaxError, ValueError, TypeError) as error:
                raise UnitError(f"unit {unit!r}: pint does not understand its definition {definition!r}: {error}") from error
        return self._quantities[unit]

    def _unknown(self, unit: str) -> str:
        near = difflib.get_close_matches(unit, self.spellings, n=5, cutoff=0.4)
        hint = f"; near spellings are {', '.join(near)}" if near else ""
        return f"unit {unit!r} is not in the seed units.csv{hint}"

    def _no_path(self, unit_from: str, unit_to: str) -> str:
        kind_from, kind_to = self.kind(unit_from), self.kind(unit_to)
        known = [unit for unit, (_, kind) in self._definitions.items() if kind == kind_to]
        return (
            f"no path from {unit_from!r} ({kind_from}) to {unit_to!r} ({kind_to}); "
            f"what converts to {unit_to!r} is {', '.join(known[:20])}{' …' if len(known) > 20 else ''}"
        )
