"""The bench's row about HJ 212: what is measured is a real log, decoded whole, and more is better."""

from dataclasses import replace
from pathlib import Path

from pipelines.bench import decode
from pipelines.bench.run import decoding
from pipelines.hj212 import decode_files

FRAMES = 400
VALUES_A_FRAME = 24


def test_the_log_is_a_log(tmp_path: Path) -> None:
    log = tmp_path / "receiver.log"
    decode.write_log(log, FRAMES)
    decoded = decode_files([log])
    assert decoded.frames["verdict"].unique().to_list() == ["ok"]
    assert not decoded.frames["is_duplicate"].any()
    assert decoded.frames["received_local"].null_count() == 0
    assert decoded.values.height == FRAMES * VALUES_A_FRAME


def test_the_figure_counts_values_a_second_and_misses_its_budget_from_below(tmp_path: Path) -> None:
    [figure] = decoding(tmp_path, FRAMES, repeats=1)
    assert f"{FRAMES * VALUES_A_FRAME:,} values" in figure.note
    assert figure.value > 0
    assert (figure.unit, figure.budget) == ("values/s", 1e6)
    assert replace(figure, value=1.2e6).within is True
    assert replace(figure, value=0.8e6).within is False
    assert replace(figure, value=0.8e6, more_is_better=False).within is True
