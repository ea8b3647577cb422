"""Lay out a home for the park of real feeds: copies the files, completes the registers.

The files stay outside the project (they are read from --realdata); committed are contracts, registers
and this. About 1,000 facilities of the annual inventory, and the inventory's own substance groups, are
named nowhere but in its files, so their register and parameter rows are derived from them.
"""

from pathlib import Path

import polars as pl
import typer

HERE = Path(__file__).parent
FOLDERS = ("uci_steel_energy", "epa_cems_al_1995_daily", "memphis_wwtp_scada", "uci_water_treatment", "uci_air_quality", "epa_tri_illinois")
EVER = "1970-01-01"


def assemble(realdata: Path, home: Path) -> None:
    """Fill `home/raw` and `home/standards`; running it again changes nothing that is already there."""
    if missing := [name for name in FOLDERS if not (realdata / name).is_dir()]:
        raise typer.BadParameter(f"{realdata} lacks {', '.join(missing)}")
    raw = home / "raw"
    for name in FOLDERS:
        for file in sorted((realdata / name).iterdir()):
            if file.suffix in {".csv", ".data"} and not file.name.startswith("EXPECTED"):
                _put(raw / name / file.name, file.read_bytes())
    for file in sorted((HERE / "registers").glob("*.csv")):
        if file.stem != "enterprise":
            _put(raw / "registers" / file.name, file.read_bytes())

    inventory = pl.concat(
        [pl.read_csv(file, infer_schema=False) for file in sorted((realdata / "epa_tri_illinois").glob("*_il.csv"))],
        how="vertical",
    )
    known = pl.read_csv(HERE / "registers" / "enterprise.csv", infer_schema=False)
    facilities = inventory.group_by(pl.col("2. TRIFD").alias("enterprise_id")).agg(pl.len()).sort("enterprise_id")
    reporting = facilities.select(
        "enterprise_id",
        park_id=pl.lit(known["park_id"][0]),
        name=pl.format("Reporting facility {}", pl.col("enterprise_id")),
        confidentiality=pl.lit("public"),
        valid_from=pl.lit(EVER),
    )
    _put(raw / "registers" / "enterprise.csv", pl.concat([known, reporting], how="diagonal").write_csv().encode())

    # Substance groups (N100 copper compounds, …) have no CAS number and are nobody's code but this inventory's.
    groups = (
        inventory.select(code=pl.col("40. CAS#"), name=pl.col("37. CHEMICAL"))
        .filter(~pl.col("code").str.contains(r"^\d+-\d{2}-\d$"))
        .unique("code", keep="first", maintain_order=True)
        .sort("code")
    )
    columns = pl.read_csv(HERE.parent.parent / "dbt_project" / "seeds" / "parameters.csv", infer_schema=False, n_rows=0).columns
    own = groups.select(
        parameter_code="code",
        name="name",
        kind=pl.lit("pollutant"),
        unit=pl.lit("mg/m3"),
        total_unit=pl.lit("kg"),
        valid_from=pl.lit(EVER),
        version=pl.lit("1"),
        source_ref=pl.lit("names and codes as in the annual inventory itself"),
        verification_status=pl.lit("primary_source"),
    )
    if lacking := set(own.columns) - set(columns):
        raise RuntimeError(f"the parameters seed has no column {sorted(lacking)}")
    own = own.select(*(pl.col(c) if c in own.columns else pl.lit(None, pl.String).alias(c) for c in columns))
    _put(home / "standards" / "parameters.csv", own.write_csv().encode())


def _put(target: Path, content: bytes) -> None:
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def main(
    realdata: Path = typer.Option(..., exists=True, file_okay=False, help="folder with the public data sets"),
    home: Path = typer.Option(..., help="home to fill"),
) -> None:
    assemble(realdata, home)


if __name__ == "__main__":
    typer.run(main)
