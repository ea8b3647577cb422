"""`park-audit docs`: dbt's documentation of the models, as one static page beside the publication."""

import shutil
import tempfile
from pathlib import Path

from pipelines.cli.shared import Home, expected_errors, load_settings, out


def docs(home: Home = None) -> None:
    """Write published/dbt_docs.html: every model and column, lineage and tests. Needs a warehouse, so one nightly before."""
    settings = load_settings(home)
    settings.make_folders()
    with expected_errors():
        from pipelines.transform.dbt import dbt_arguments, run_dbt
        from pipelines.warehouse.lock import Holder, write_lock

        page = settings.published / "dbt_docs.html"
        arguments = dbt_arguments("docs", park_id=settings.park.park_id, park_zone=settings.park.zone)
        with write_lock(settings, Holder("park-audit docs")), tempfile.TemporaryDirectory(dir=settings.logs) as target:
            run_dbt(settings, ["docs", "generate", "--static", *arguments[1:]], target=Path(target), build_id="docs", through_change_seq=0)
            shutil.copyfile(Path(target) / "static_index.html", page.with_suffix(".new"))
        page.with_suffix(".new").replace(page)
    out().print(str(page), markup=False)
