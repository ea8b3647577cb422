"""Lay out a home for the park of real feeds: copies the files, completes the registers.

The files stay outside the project (they are read from --realdata); committed are contracts, registers
and this. The 1,000 facilities of the annual inventory are named nowhere but in its files, so their register
rows are derived from them.
"""

from pathlib import Path

import polars as pl
import typer

HERE = Path(__file__).parent
FOLDERS = ("uci_steel_energy", "epa_cems_al_1995_daily", "memphis_wwtp_scada", "uci_water_treatment", "uci_air_quality", "epa_tri_illinois")
EVER = "1987-01-01"


def assemble(realdata: Path, home: Path) -> None:
    """Fill `home/raw`; running it again changes nothing that is already there."""
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
