"""What of the dbt project a night need not build again: nodes whose rows, or whose definition, cannot have changed.

A pure function over the manifest's graph. It holds when code, models and standards are those of a build that ended well on this
warehouse; whether they are is the orchestration's question. No node is named here.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

_OF_THE_BUILD = re.compile(
    r"\b(run_query|statement|load_result|env_var|invocation_id|run_started_at|lowest_watermark|through_change_seq"
    r"|now|today|age(?=\()|current_(date|time|timestamp)|get_current_time(stamp)?|localtime(stamp)?|random|uuid|nextval)(?!\w)"
)
"""Words in a model or macro that let it come out otherwise in another build though nothing it reads has changed."""
_WORD = re.compile(r"\b[a-zA-Z_]\w*\b")
_CONSUMES = "touched"


def standing_nodes(manifest: Mapping[str, Any], changed_sources: Collection[str], must_run: Collection[str] = ()) -> frozenset[str]:
    """Ids of the nodes that stand as they are.

    A seed stands. A table stands when everything it is made of does; a view stands as soon as its text is the same in every
    build, whatever it shows; a test when all it looks at shows the same rows. A model that consumes changes never stands: its
    watermark has to follow them.

    Args:
        changed_sources: ids of the sources whose rows may differ from those of the last build.
        must_run: ids of nodes that are not left out in any case, as tests that warned.
    """
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    made_anew = _made_anew_by(manifest["macros"])

    @cache
    def shows_the_same(unique_id: str) -> bool:
        if unique_id not in nodes:
            return unique_id in manifest["sources"] and unique_id not in changed_sources
        node = nodes[unique_id]
        if node["resource_type"] == "seed":
            return True
        return not made_anew(node) and all(shows_the_same(parent) for parent in _parents(node))

    def stands(node: Mapping[str, Any]) -> bool:
        kind = node["resource_type"]
        if kind == "seed":
            return True
        if kind == "test":
            return bool(_parents(node)) and shows_the_same(node["unique_id"])
        if kind != "model" or node["config"].get("incremental_strategy") == _CONSUMES:
            return False
        if node["config"]["materialized"] == "view":
            return not made_anew(node)
        return node["config"]["materialized"] == "table" and shows_the_same(node["unique_id"])

    return frozenset(unique_id for unique_id, node in nodes.items() if unique_id not in must_run and stands(node))


def relations_of(manifest: Mapping[str, Any], unique_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Schema and name of the relation of each seed and model among them; tests have none."""
    found = ((unique_id, manifest["nodes"][unique_id]) for unique_id in unique_ids)
    return {unique_id: (node["schema"], node.get("alias") or node["name"]) for unique_id, node in found if node["resource_type"] != "test"}


def selectors_of(manifest: Mapping[str, Any], unique_ids: Collection[str]) -> list[str]:
    """The nodes as dbt's `--exclude` takes them, in a stable order."""
    return sorted(f"fqn:{'.'.join(manifest['nodes'][unique_id]['fqn'])}" for unique_id in unique_ids)


def _parents(node: Mapping[str, Any]) -> list[str]:
    return node["depends_on"].get("nodes", [])


def _made_anew_by(macros: Mapping[str, Mapping[str, Any]]) -> Any:
    """A function that says of a node whether its text depends on the build.

    By words, through every macro that a text names: dbt's own list of a node's macros knows only those that were called while it
    parsed, when nothing is executed yet.
    """
    texts: dict[str, list[str]] = {}
    for macro in macros.values():
        if macro["package_name"] not in ("dbt", "dbt_duckdb", "dbt_spark"):
            # A dispatched macro is called by the name behind its engine's.
            texts.setdefault(macro["name"].rsplit("__", 1)[-1], []).append(macro["macro_sql"])

    def names_the_build(text: str, seen: set[str]) -> bool:
        if _OF_THE_BUILD.search(text):
            return True
        for word in set(_WORD.findall(text)) & texts.keys():
            if word not in seen:
                seen.add(word)
                if any(names_the_build(macro, seen) for macro in texts[word]):
                    return True
        return False

    return lambda node: names_the_build(node.get("raw_code") or "", set())
