"""Great Expectations on the pipeline's own DuckDB connection, pushed down into the database.

Through SQLAlchemy as it comes, every expectation fails ("list index out of range"): the engine closes
its connection before the result is fetched. Here one connection stays open, and it is a cursor of the
pipeline's: no second opener of the file exists, so dbt can open it once `release` has been called.
No rule and no table name belongs here.

Remove when a native DuckDB engine ships (great_expectations pull request 12084).
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self

import duckdb

from pipelines.settings import TELEMETRY_OFF

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult


@cache
def _register_datasource() -> type:
    """Define the datasource type `duckdb`; doing so registers it, hence once per process."""
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine

    class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
        """Keeps its connection open, as Great Expectations itself does for SQLite."""

        @contextmanager
        def get_connection(self) -> Iterator[Any]:
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

    class DuckDBDatasource(SQLDatasource):
        """A SQL datasource with that engine, and with no second SQLAlchemy engine for its connection tests."""

        type: Literal["duckdb"] = "duckdb"

        @property
        def execution_engine_type(self) -> Any:  # `type` is the field above in here
            return DuckDBExecutionEngine

        def get_engine(self) -> Any:
            return self.get_execution_engine().engine

    return DuckDBDatasource


def _shared(connection: duckdb.DuckDBPyConnection) -> Any:
    """The connection as duckdb-engine wants it, every statement its own transaction.

    Gates only read and fill temporary tables. In one long transaction the first expectation that raised
    would abort it, and with it every expectation after ("current transaction is aborted").
    """
    import duckdb_engine

    class SharedConnection(duckdb_engine.ConnectionWrapper):
        def begin(self) -> None: ...

        def commit(self) -> None: ...

        def rollback(self) -> None: ...

    return SharedConnection(connection)


class GateSource:
    """One ephemeral Great Expectations context over a cursor of the pipeline's connection.

    `cursor` is for the gate's own SQL: temporary tables made on it are what expectations see. It does
    not see what the pipeline's connection has not committed. Great Expectations is imported by the first
    validation, not before.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.cursor = con.cursor()
        self.cursor.execute("set TimeZone = 'UTC'")  # a cursor starts from the defaults, not from its parent's settings
        self._context: Any = None
        self._datasource: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _start(self) -> None:
        for name, value in TELEMETRY_OFF.items():
            os.environ.setdefault(name, value)
        import great_expectations
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from sqlalchemy.pool import StaticPool

        # Failed metrics are retried and each attempt logged; the verdict rows say it once.
        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
        _register_datasource()
        self._context = great_expectations.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        shared = _shared(self.cursor)
        self._datasource = self._context.data_sources.add_duckdb(
            name="warehouse", connection_string="duckdb://", kwargs={"creator": lambda: shared, "poolclass": StaticPool}
        )

    def validate(
        self, table: str, suite: "ExpectationSuite", *, rows_named: int, index_columns: list[str] | None = None
    ) -> "ExpectationSuiteValidationResult":
        """Run a suite over a table or view that the cursor sees by its bare name.

        `rows_named` is how many broken rows are named: Great Expectations cuts the list there without a
        word, so callers that must know all of them compare its length with the count.
        """
        if self._context is None:
            self._start()
        name = f"{table} {len(self._datasource.assets)}"
        batch = self._datasource.add_table_asset(name, table_name=table).add_batch_definition_whole_table(name).get_batch()
        suite = type(suite)(name=suite.name, expectations=[copy(expectation) for expectation in suite.expectations])
        result_format: dict[str, Any] = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": rows_named,
            "include_unexpected_rows": True,
            "return_unexpected_index_query": False,
        }
        if index_columns:
            result_format["unexpected_index_column_names"] = index_columns
        # Not through a validation definition: its result store serialises every named row, a millisecond each.
        return batch.validate(suite, result_format=result_format)

    def release(self) -> None:
        """Close the cursor and everything that holds it, so that another process can open the file."""
        if self._datasource is not None:
            engine = self._datasource.get_execution_engine()
            if engine._connection is not None:
                engine._connection.close()
                engine._connection = None
            engine.close()
            self._datasource.get_engine().dispose()
            self._context = self._datasource = None
        self.cursor.close()
