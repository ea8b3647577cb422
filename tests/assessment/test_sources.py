"""The frames that tests make by hand have the columns of the models they stand for."""

from tests.assessment.frames import UNTYPED
from tests.assessment.test_methods import columns_of_tables


def test_hand_written_columns_are_the_models_own() -> None:
    described = columns_of_tables()
    for table, columns in UNTYPED.items():
        assert {word.partition(":")[0] for word in columns.split()} <= described[table], table
