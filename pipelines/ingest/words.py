"""Words of a file to words of ours: columns, constants, templates, maps, foreign identifiers, parameter names.

A column of two million cells has a few hundred distinct words: every word is resolved once, and cells
follow by position. Which canonical column a word is for, and what an unresolved one means, is the caller's.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.contracts.feed import ColumnSource
from pipelines.contracts.records import WASTE_CODE
from pipelines.ingest.references import References, Unresolved
from pipelines.ingest.refusals import Refusals

MAX_LISTED = 12
_FOREVER = date(9999, 12, 31)


@dataclass(frozen=True)
class Refusal:
    """A word that could not be resolved: the rule it breaks and what would be right."""

    rule: str
    reason: str


def texts_of(rows: pl.DataFrame, source: ColumnSource) -> pl.Series:
    """Raw texts of a source, one per row; a constant is repeated, a template is null where one of its columns is."""
    if source.column is not None:
        return rows[source.column].alias("text")
    if source.template is not None:
        literals = re.split(r"\{[^{}]+\}", source.template)
        pieces = [pl.lit(literals[0])]
        for name, literal in zip(source.source_columns, literals[1:], strict=True):
            pieces += [pl.col(name).str.strip_chars(), pl.lit(literal)]
        return rows.select(text=pl.concat_str(pieces)).to_series()
    return pl.Series("text", [source.value], pl.String).new_from_index(0, rows.height)


def column_of(source: ColumnSource, canonical: str) -> str:
    """What quarantine calls the place a value came from."""
    if source.column is not None:
        return source.column
    return source.template if source.template is not None else canonical


def look_up(texts: pl.Series, column: str, resolve: Callable[[str], str | Refusal | None]) -> tuple[pl.Series, Refusals]:
    """Resolve each distinct word once. Returns an Enum series of resolved words and the refused positions.

    `resolve` returns our word, None for a word that means nothing, or a Refusal.
    """
    distinct = texts.unique(maintain_order=True).drop_nulls()
    words = distinct.to_list()
    answers = [resolve(word) for word in words]
    ours = list(dict.fromkeys(answer for answer in answers if isinstance(answer, str)))
    dtype = pl.Enum(ours)
    refusals = Refusals()
    if not words:
        return pl.Series(column, [None], dtype).new_from_index(0, texts.len()), refusals
    codes = texts.cast(pl.Enum(distinct)).to_physical()
    mapped = pl.Series([answer if isinstance(answer, str) else None for answer in answers], dtype=dtype)
    refused = pl.Series([isinstance(answer, Refusal) for answer in answers])
    if refused.any():
        at = refused.gather(codes).fill_null(False).arg_true()
        rules = pl.Series([answer.rule if isinstance(answer, Refusal) else None for answer in answers], dtype=pl.String)
        reasons = pl.Series([answer.reason if isinstance(answer, Refusal) else None for answer in answers], dtype=pl.String)
        there = codes.gather(at)
        refusals.add(at, column=column, rule=rules.gather(there), reason=reasons.gather(there), raw=texts.gather(at))
    return mapped.gather(codes).alias(column), refusals


def mapped_word(source: ColumnSource, null_words: Sequence[str]) -> Callable[[str], str | Refusal | None]:
    """What a source makes of a raw word: its map's word, nothing for a null word, or the word without outer blanks."""
    # A constant says what it says: line_id "-" is no empty cell.
    nulls = {word.strip() for word in null_words} | {""} if source.value is None else set()
    table = None if source.map is None else {key.strip(): value for key, value in source.map.items()}

    def resolve(word: str) -> str | Refusal | None:
        stripped = word.strip()
        if table is None:
            return None if stripped in nulls else stripped
        if stripped in table:
            return table[stripped]
        if stripped in nulls:
            return None
        return Refusal("unmapped_word", f"the contract's map knows {listed(list(table))}")

    return resolve


def allowed_word(allowed: Sequence[str]) -> Callable[[str], str | Refusal]:
    known = set(allowed)

    def resolve(word: str) -> str | Refusal:
        return word if word in known else Refusal("word_not_allowed", f"right would be one of {listed(list(allowed), len(allowed))}")

    return resolve


def parameter_word(references: References, scheme: str | None) -> Callable[[str], str | Refusal]:
    unknown = 0

    def resolve(word: str) -> str | Refusal:
        nonlocal unknown
        found = references.parameter(word, scheme, hint=unknown < MAX_LISTED)
        if isinstance(found, Unresolved):
            unknown += 1
            return Refusal("unknown_parameter", str(found))
        return found.code

    return resolve


def material_word(references: References, scheme: str | None) -> Callable[[str], str | Refusal]:
    """A parameter by any of its names, or a code of the national lists of waste as it stands."""
    parameter = parameter_word(references, scheme)

    def resolve(word: str) -> str | Refusal:
        return word if re.match(WASTE_CODE, word) else parameter(word)

    return resolve


def metric_word(references: References) -> Callable[[str], str | Refusal]:
    """A metric, or `item:` or `mass:` before a parameter by any of its names."""
    parameter = parameter_word(references, None)

    def resolve(word: str) -> str | Refusal:
        kind, colon, name = word.partition(":")
        if colon and kind in ("item", "mass"):
            found = parameter(name.strip())
            return found if isinstance(found, Refusal) else f"{kind}:{found}"
        if word in references.metric_units:
            return word
        near = difflib.get_close_matches(word, list(references.metric_units), n=3, cutoff=0.6)
        hint = f"near are {', '.join(near)}; " if near else ""
        return Refusal(
            "unknown_metric", f"{hint}right would be a metric of metrics.csv, item:CODE for a quantity or mass:CODE for an emission"
        )

    return resolve


def chain(*steps: Callable[[str], str | Refusal | None]) -> Callable[[str], str | Refusal | None]:
    """One resolution after the other, ending at the first that yields no word."""

    def resolve(word: str) -> str | Refusal | None:
        answer: str | Refusal | None = word
        for step in steps:
            if not isinstance(answer, str):
                break
            answer = step(answer)
        return answer

    return resolve


def identified(
    texts: pl.Series, dates: pl.Series, references: References, *, scheme: str, kind: str, column: str
) -> tuple[pl.Series, Refusals]:
    """Foreign identifiers to our entities, by the identifier register as it holds on each row's date.

    A number may pass from one customer to the next, so the same word can mean two entities in one file.
    """
    register = references.register("identifier").filter(
        (pl.col("scheme") == scheme) & (pl.col("entity_kind") == kind) & pl.col("value").is_in(texts.unique().implode())
    )
    asked = pl.DataFrame({"text": texts.cast(pl.String), "date": dates}).with_row_index("at")
    found = (
        asked.join(register.select(text="value", entity_id="entity_id", first="valid_from", last="valid_to"), on="text")
        .filter(holds("date", "first", "last"))
        .unique(subset="at", keep="first", maintain_order=True)
    )
    ids = pl.Series(column, [None], pl.String).new_from_index(0, texts.len()).scatter(found["at"], found["entity_id"])
    refusals = Refusals()
    lost = (ids.is_null() & texts.is_not_null() & dates.is_not_null()).arg_true()
    if lost.len():
        spans = register.group_by("value").agg(pl.col("valid_from").min(), pl.col("valid_to").fill_null(_FOREVER).max())
        words = texts.gather(lost).cast(pl.String).alias("value").to_frame()
        reasons = (
            words.join(spans, on="value", how="left", maintain_order="left")
            .rechunk()
            .select(
                pl.when(pl.col("valid_from").is_null())
                .then(pl.format(f"{scheme} {{}} is no {kind} of the identifier register; the row loads when it is registered", "value"))
                .otherwise(pl.format(f"{scheme} {{}} is registered as a {kind} from {{}} to {{}} only", "value", "valid_from", "valid_to"))
            )
        )
        refusals.add(lost, column=column, rule="unknown_identifier", reason=reasons.to_series(), raw=texts.gather(lost))
    return ids, refusals


def registered(ids: pl.Series, dates: pl.Series, references: References, *, register: str, key: str, rule: str, column: str) -> Refusals:
    """Rows whose entity is not in its register on their date; a row without a date asks for any date."""
    refusals = Refusals()
    entities = references.register(register).select(pl.col(key).alias("id"), first="valid_from", last="valid_to").sort("id", "first")
    known = entities.group_by("id").agg(
        pl.col("first").min(),
        pl.col("last").fill_null(_FOREVER).max(),
        spans=pl.len(),
        said=pl.format("{} to {}", "first", pl.col("last").cast(pl.String).fill_null("now")).head(MAX_LISTED).str.join(", "),
    )
    used = (
        ids.unique(maintain_order=True)
        .drop_nulls()
        .cast(pl.String)
        .alias("id")
        .to_frame()
        .join(known, on="id", how="left", maintain_order="left")
    )
    unknown = used.filter(pl.col("first").is_null())["id"]
    if unknown.len():
        at = ids.is_in(unknown.implode()).fill_null(False).arg_true()
        # Near spellings are worth their search while the list is short enough to be a typing error.
        near = {word: difflib.get_close_matches(word, known["id"], n=3, cutoff=0.7) for word in unknown if unknown.len() <= MAX_LISTED}
        hints = pl.DataFrame({"id": unknown, "hint": [f"; near are {', '.join(near[word])}" if near.get(word) else "" for word in unknown]})
        reasons = (
            ids.gather(at)
            .cast(pl.String)
            .alias("id")
            .to_frame()
            .join(hints, on="id", maintain_order="left")
            .rechunk()
            .select(pl.format(f"{register} '{{}}' is not in the register{{}}; the row loads when it is registered", "id", "hint"))
        )
        refusals.add(at, column=column, rule=rule, reason=reasons.to_series(), raw=ids.gather(at))
    if (low := dates.min()) is None:
        return refusals
    # Only entities whose validity does not plainly cover the whole file are looked at row by row.
    partly = used.filter((pl.col("first") > low) | (pl.col("last") <= dates.max()) | (pl.col("spans") > 1))
    if partly.height:
        at = (ids.is_in(partly["id"].implode()) & dates.is_not_null()).fill_null(False).arg_true()
        asked = pl.DataFrame({"at": at, "id": ids.gather(at).cast(pl.String), "date": dates.gather(at)})
        covered = asked.join(entities, on="id").filter(holds("date", "first", "last")).select("at").unique()
        outside = asked.join(covered, on="at", how="anti", maintain_order="left").join(partly, on="id", maintain_order="left").rechunk()
        reasons = outside.select(pl.format(f"{register} '{{}}' is registered for {{}} only, and the row is of {{}}", "id", "said", "date"))
        refusals.add(outside["at"], column=column, rule=rule, reason=reasons.to_series(), raw=outside["id"])
    return refusals


def holds(date: str, first: str, last: str) -> pl.Expr:
    """Whether a half-open validity holds on a date."""
    return (pl.col(first) <= pl.col(date)) & (pl.col(last).is_null() | (pl.col(date) < pl.col(last)))


def listed(words: Sequence[str], most: int = MAX_LISTED) -> str:
    """Words for a sentence, the first few of them."""
    return ", ".join(repr(word) for word in words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
