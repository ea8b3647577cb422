"""Texts to numbers: decimals, thousands, sentinels, non-detects. No unit and no contract key but the format is known here.

A column is cast as a whole; only what the cast refuses is looked at as text, and each distinct text of
it once.
"""

from dataclasses import dataclass

import polars as pl

from pipelines.contracts.feed import Format, FormatKind

QUALIFIER = pl.Enum(["<", ">"])

NON_DETECTS = ("ND", "N.D.", "N.D", "BDL", "<DL", "<LOD", "<MDL", "未检出", "低于检出限", "小于检出限")
"""Words laboratories write for 'below the detection limit'. A number followed by L (0.05L) says the same
with the limit, as Chinese laboratory reports do."""


@dataclass
class Numbers:
    """A column of numbers beside the texts it was read from.

    `value` is null where `empty`, where `refused` has the position, and where a non-detect names no
    limit: those have qualifier `<` and no value.
    """

    value: pl.Series
    empty: pl.Series
    qualifier: pl.Series | None
    refused_at: pl.Series
    refused_reason: pl.Series


def read_numbers(texts: pl.Series, file_format: Format) -> Numbers:
    """Read a column. Empty are blank cells, the format's null words, and numbers equal to a null word that is one."""
    texts = texts.cast(pl.String).alias("text")
    value = _cast(texts, file_format)
    sentinels = [number for word in file_format.null_values if (number := _as_number(word, file_format)) is not None]
    # NaN and infinity are words to a cast; here they are texts like any other, refused unless the contract calls them null.
    odd = ((value.is_null() | ~value.is_finite()) & texts.is_not_null()).fill_null(False)
    empty = texts.is_null()
    nothing = pl.Series([], dtype=pl.UInt32)
    qualifier, refused_at, refused_reason = None, nothing, pl.Series([], dtype=pl.String)
    if odd.any():
        at = odd.arg_true()
        read = _read_texts(texts.gather(at), file_format)
        value = value.scatter(at, read["value"])
        if read["empty"].any():
            empty = empty.scatter(at.filter(read["empty"]), True)
        if read["qualifier"].null_count() < at.len():
            qualifier = pl.Series([None], dtype=QUALIFIER).new_from_index(0, texts.len()).scatter(at, read["qualifier"].cast(QUALIFIER))
        wrong = read["reason"].is_not_null()
        refused_at, refused_reason = at.filter(wrong), read["reason"].filter(wrong)
    if sentinels:
        # Compared as numbers: -200 is written -200,0 or -200.0 by the next export.
        hit = value.is_in(sentinels).fill_null(False)
        if hit.any():
            empty = empty | hit
            value = value.set(hit, None)
    return Numbers(value, empty, qualifier, refused_at, refused_reason)


def converted(numbers: pl.Series, scale: float | pl.Series, offset: float | pl.Series) -> pl.Series:
    """`numbers * scale + offset`, by a division where the scale is a whole number's inverse: 9 ug are 0.009 mg, not 0.009000000000000001."""
    if isinstance(scale, float):
        if (scale, offset) == (1.0, 0.0):
            return numbers
        inverse = 1 / scale
        if scale < 1 and inverse == round(inverse):
            # By a column: polars turns a division by a number into the very multiplication that is to be avoided.
            scaled = numbers / pl.Series([inverse]).new_from_index(0, numbers.len())
        else:
            scaled = numbers * scale
        return scaled if offset == 0.0 else scaled + offset
    inverse = pl.Series([1.0]).new_from_index(0, numbers.len()) / scale
    divides = ((scale < 1) & (inverse == inverse.round(0))).fill_null(False)
    return (numbers / inverse).zip_with(divides, numbers * scale) + offset


def holds_word(texts: pl.Series, words: list[str], file_format: Format) -> pl.Series:
    """Whether a cell is one of these words; numbers compare as numbers."""
    numbers = read_numbers(texts, file_format).value
    wanted = read_numbers(pl.Series(words, dtype=pl.String), file_format).value.drop_nulls()
    same = texts.str.strip_chars().is_in([word.strip() for word in words]).fill_null(False)
    return same | numbers.is_in(wanted.implode()).fill_null(False)


def _comma(file_format: Format) -> bool:
    # JSON, Parquet and Excel have numbers of their own, which never have a comma; texts among them may.
    return file_format.decimal == ","


def _cast(texts: pl.Series, file_format: Format) -> pl.Series:
    if not _comma(file_format):
        return texts.cast(pl.Float64, strict=False)
    if file_format.kind is not FormatKind.CSV:
        pointed = texts.cast(pl.Float64, strict=False)
        return pointed.zip_with(pointed.is_not_null(), texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False))
    has_point = texts.str.contains(".", literal=True)
    comma = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return comma.set(has_point.fill_null(False), None) if has_point.any() else comma


def _as_number(word: str, file_format: Format) -> float | None:
    text = word.replace(",", ".") if _comma(file_format) else word
    try:
        return float(text)
    except ValueError:
        return None


def _read_texts(texts: pl.Series, file_format: Format) -> pl.DataFrame:
    """value, empty, qualifier and reason for texts that are no plain numbers, in their order."""
    decimal, thousands = (",", ".") if _comma(file_format) else (".", ",")
    # Exports group digits by a comma or point, a blank (no-break ones are folded to it) or an apostrophe.
    groups = rf"\d{{1,3}}(?:[{thousands} '’]\d{{3}})+"
    number = rf"[+\-]?(?:{groups}(?:\{decimal}\d+)?|\d+(?:\{decimal}\d*)?|\{decimal}\d+)(?:[eE][+\-]?\d+)?"
    nulls = [word.strip() for word in file_format.null_values]
    clean = pl.col("text").str.normalize("NFKC").str.strip_chars()
    # The minus sign of typesetting is no hyphen to a parser.
    clean = clean.str.replace_all("[−–]", "-")
    distinct = texts.unique(maintain_order=True).alias("text").to_frame().with_columns(clean=clean)
    read = distinct.with_columns(
        empty=(pl.col("clean") == "") | pl.col("clean").is_in(nulls) | pl.col("text").is_in(file_format.null_values),
        number=pl.col("clean").str.extract(rf"^[<>]?\s*({number})L?$"),
        sign=pl.when(pl.col("clean").str.contains(rf"^\s*{number}L$"))
        .then(pl.lit("<"))
        .otherwise(pl.col("clean").str.extract(r"^([<>])\s*[\d.,+\-]")),
        non_detect=pl.col("clean").str.to_uppercase().is_in(NON_DETECTS),
    ).with_columns(
        value=pl.col("number")
        .str.replace_all(rf"[{thousands} '’]", "")
        .str.replace(decimal, ".", literal=True)
        .cast(pl.Float64, strict=False),
    )
    finite = pl.col("value").is_finite().fill_null(False)
    doubled = pl.col("clean").str.contains(r"^[<>].*L$")
    good = ~pl.col("empty") & finite & ~doubled
    read = read.select(
        "text",
        "empty",
        value=pl.when(good).then(pl.col("value")),
        qualifier=pl.when(good).then(pl.col("sign")).when(~pl.col("empty") & pl.col("non_detect")).then(pl.lit("<")),
        reason=pl.when(~pl.col("empty") & ~good & ~pl.col("non_detect")).then(
            pl.when(pl.col("value").is_not_null() & ~finite).then(pl.lit("is no finite number")).otherwise(pl.lit(_expected(file_format)))
        ),
    )
    return texts.alias("text").to_frame().join(read, on="text", how="left", maintain_order="left")


def _expected(file_format: Format) -> str:
    example = "1234,5" if _comma(file_format) else "1234.5"
    return (
        f"is not a number; right would be {example} (decimal {file_format.decimal!r}), <0.05, ND, or one of the contract's null_values "
        f"({', '.join(repr(word) for word in file_format.null_values)})"
    )
