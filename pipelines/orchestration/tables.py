"""Small tables and plots for Dagster's metadata panes. Nothing is computed here that anybody relies on."""

import base64
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL_LENGTH = 120


def rows_as_markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A markdown table; cells that would break it are shortened and escaped."""
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def plot_as_markdown(dates: Sequence[date], values: Sequence[float], *, label: str) -> str:
    """A bar a day, as an image inside markdown."""

    def draw(axes: "Axes") -> None:
        axes.bar(dates, values, width=0.9, color="#4477aa")
        axes.set_ylabel(label, fontsize=8)
        axes.figure.autofmt_xdate(rotation=0, ha="center")

    return figure_as_markdown(draw, label=label)


def figure_as_markdown(draw: Callable[["Axes"], None], *, label: str, size: tuple[float, float] = (6, 1.8)) -> str:
    """What `draw` puts on the axes, as an image inside markdown. No window system, no global state: several may be drawn at once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=80, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.tick_params(labelsize=7)
    draw(axes)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return f"![{label}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"


def _cell(value: object) -> str:
    text = "" if value is None else value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    text = " ".join(text.split()).replace("|", "\\|")
    return text if len(text) <= _CELL_LENGTH else text[: _CELL_LENGTH - 1] + "…"
