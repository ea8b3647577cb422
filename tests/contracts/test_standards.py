"""Loading standards: what is refused, and in which words."""

from pathlib import Path

import pytest

from pipelines.contracts.standards import Standards, StandardsError, load_standards

HEADER = "unit,pint_definition,quantity_kind,description,valid_from,valid_to,version,source_ref,verification_status"
KG = "kg,kilogram,mass,Kilogram.,1900-01-01,,SI,SI brochure,recalled"


def folder(path: Path, *rows: str, name: str = "units.csv", header: str = HEADER) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def problems(base: Path, own: Path | None = None) -> list[str]:
    with pytest.raises(StandardsError) as refused:
        load_standards(base, own)
    return [str(problem) for problem in refused.value.problems]


def test_texts_with_empty_cells_as_null(tmp_path: Path) -> None:
    standards = load_standards(folder(tmp_path, KG))
    assert standards.seed("units").row(0, named=True) == {
        "unit": "kg", "pint_definition": "kilogram", "quantity_kind": "mass", "description": "Kilogram.", "valid_from": "1900-01-01",
        "valid_to": None, "version": "SI", "source_ref": "SI brochure", "verification_status": "recalled",
    }  # fmt: skip


def test_own_rows_come_behind_the_seed(tmp_path: Path) -> None:
    base = folder(tmp_path / "seeds", KG)
    own = folder(tmp_path / "own", "梱,200 * kilogram,mass,Bale.,2026-01-01,,1,delivery terms,primary_source")
    standards = load_standards(base, own)
    assert standards.seed("units")["unit"].to_list() == ["kg", "梱"]
    assert standards.own("units")["unit"].to_list() == ["梱"]
    assert load_standards(base).own("units").is_empty()
    assert load_standards(base).own("units").columns == standards.own("units").columns


def test_the_hash_follows_every_cell(tmp_path: Path) -> None:
    def of(*rows: str) -> str:
        return load_standards(folder(tmp_path, *rows)).hash

    same, changed = of(KG), KG.replace("Kilogram.", "Kilogramme.")
    assert of(KG) == same
    assert of(changed) != same
    assert of(KG, "g,gram,mass,Gram.,1900-01-01,,SI,SI brochure,recalled") != same


def test_a_null_is_not_an_empty_word_to_the_hash(tmp_path: Path) -> None:
    """Cells must not run into each other: (a, null, b) and (a, b, null) differ."""
    header = "a,b," + HEADER.split(",", 4)[4]
    rest = "1900-01-01,,1,x,recalled"
    one = load_standards(folder(tmp_path / "1", f"x,,{rest}", name="s.csv", header=header)).hash
    other = load_standards(folder(tmp_path / "2", f",x,{rest}", name="s.csv", header=header)).hash
    assert one != other


def test_all_problems_at_once(tmp_path: Path) -> None:
    found = problems(
        folder(
            tmp_path,
            "a,kilogram,mass,,2026-13-01,,1,x,recalled",
            "b,kilogram,mass,,2026-01-01,2025-01-01,1,x,recalled",
            "c,kilogram,mass,,2026-01-01,,,x,recalled",
            "d,kilogram,mass,,2026-01-01,,1,x,certain",
            "e,kilogram,mass,1,000 g,2026-01-01,,1,x,recalled",
        )
    )
    assert found == [
        "units.csv row 2: valid_from = '2026-13-01': must be a date like 2026-01-31",
        "units.csv row 3: valid_to = '2025-01-01': is exclusive and must be after valid_from, 2026-01-01",
        "units.csv row 4: version = '': may not be empty: which edition, from where?",
        "units.csv row 5: verification_status = 'certain': must be one of primary_source, secondary_source, recalled, unverified",
        "units.csv row 6: (the row) = 'e,kilogram,mass,1,000 g,2026-01-01,,1,x,recalled': has 10 fields, the header 9: is a comma missing its quotes?",
    ]


def test_a_lookup_key_may_stand_once_on_a_date(tmp_path: Path) -> None:
    first = "kg,kilogram,mass,,1900-01-01,2020-01-01,1,x,recalled"
    second = "kg,kilogram,mass,,2020-01-01,,2,x,recalled"
    assert load_standards(folder(tmp_path / "following", first, second)).seed("units").height == 2
    overlapping = second.replace("2020-01-01", "2019-12-31", 1)
    assert problems(folder(tmp_path / "overlapping", first, overlapping)) == [
        "units.csv row 3: unit = 'kg': stands also in row 2, and both hold on 2019-12-31; end one of them with valid_to"
    ]


def test_an_own_row_may_not_contradict_a_seed_row(tmp_path: Path) -> None:
    [found] = problems(folder(tmp_path / "seeds", KG), folder(tmp_path / "own", KG.replace("kilogram", "pound")))
    assert found == "own units.csv row 2: unit = 'kg': stands also in row 2, and both hold on 1900-01-01; end one of them with valid_to"


def test_own_files_need_the_seeds_names_and_columns(tmp_path: Path) -> None:
    base = folder(tmp_path / "seeds", KG)
    own = folder(tmp_path / "own", KG, name="untis.csv")
    folder(own, KG.rsplit(",", 1)[0] + ",x,recalled", header=HEADER.replace("source_ref", "source_ref,page"))
    assert problems(base, own) == [
        f"own/units.csv: (the header) = 'page': must have the seed's columns: {', '.join(HEADER.split(','))}",
        "own/untis.csv: (the file) = 'untis': no seed has this name; seeds are units",
    ]


def test_a_seed_without_provenance_is_refused(tmp_path: Path) -> None:
    [found] = problems(folder(tmp_path, "1,2", header="a,valid_from"))
    assert "lacks valid_to, version, source_ref, verification_status" in found


def test_an_empty_folder_and_an_unknown_seed(tmp_path: Path) -> None:
    assert "holds no seed files" in problems(tmp_path)[0]
    with pytest.raises(KeyError, match="there is no seed 'unit'; there are units"):
        Standards(load_standards(folder(tmp_path, KG)).base).seed("unit")


def test_not_utf8(tmp_path: Path) -> None:
    folder(tmp_path, KG)
    (tmp_path / "units.csv").write_bytes("unit,千克".encode("gb18030"))
    assert "is not a UTF-8 CSV file" in problems(tmp_path)[0]
