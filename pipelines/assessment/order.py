"""What is made from several is as strong as its weakest part: states and verification statuses in their order."""

from collections.abc import Iterable

import polars as pl

from pipelines.contracts.states import State, VerificationStatus

WEAKEST_FIRST = (State.MISSING, State.SELF_REPORTED, State.ESTIMATED, State.SUBSTITUTED, State.STOPPED, State.MEASURED)
"""In the order of the marts; not_applicable has no part in it."""

_STATES = {state.value: rank for rank, state in enumerate(WEAKEST_FIRST)}
_STATUSES = {status.value: rank for rank, status in enumerate(VerificationStatus)}
_STATUS_OF_RANK = {rank: word for word, rank in _STATUSES.items()}


def weakest(state: pl.Expr) -> pl.Expr:
    """The weakest state of a group; not_applicable where no other is in it."""
    rank = state.replace_strict(_STATES, default=None, return_dtype=pl.Int64).min()
    return rank.replace_strict({rank: word for word, rank in _STATES.items()}, default=State.NOT_APPLICABLE.value, return_dtype=pl.String)


def least_sure(status: pl.Expr) -> pl.Expr:
    """The least sure verification status of a group; null where there is none."""
    rank = status.replace_strict(_STATUSES, default=None, return_dtype=pl.Int64).max()
    return _as_status(rank)


def least_sure_of(*columns: str) -> pl.Expr:
    """The least sure verification status of a row's columns; nulls have no say."""
    ranks = (pl.col(name).replace_strict(_STATUSES, default=None, return_dtype=pl.Int64) for name in columns)
    return _as_status(pl.max_horizontal(*ranks))


def least_sure_among(statuses: Iterable[str | None]) -> str | None:
    """The least sure of some verification statuses; None of none."""
    ranked = [_STATUSES[status] for status in statuses if status is not None]
    return _STATUS_OF_RANK[max(ranked)] if ranked else None


def _as_status(rank: pl.Expr) -> pl.Expr:
    return rank.replace_strict(_STATUS_OF_RANK, default=None, return_dtype=pl.String)
