"""The program `park-audit`: puts the commands together. What a command needs is imported when it runs."""

import typer

from pipelines.cli import bench, dev, docs, doctor, feed, hj212, nightly, sample, sql

app = typer.Typer(
    name="park-audit",
    help="The nightly data pipeline for the overall cleaner-production audit (整体清洁生产审核) of an industrial park.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("nightly")(nightly.nightly)
app.command("sample")(sample.sample)
app.add_typer(feed.app, name="feed")
app.add_typer(hj212.app, name="hj212")
app.command("sql")(sql.sql)
app.command("doctor")(doctor.doctor)
app.command("dev")(dev.dev)
app.command("docs")(docs.docs)
app.command("bench")(bench.bench)
