"""The canonical record types: what a feed may deliver, declared once.

Feeds differ before this border and nothing differs after it. From these declarations come the polars
schemas of the lake, the DDL of `landing.*`, the keys that decide duplicate or revision, and the
dates a change touches. How bytes become records belongs in `ingest`, what records become in dbt.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import polars as pl

from pipelines.contracts.states import SourceKind, State, Statistic

TEXT = pl.String()
NUMBER = pl.Float64()
COUNT = pl.Int64()
DATE = pl.Date()
INSTANT = pl.Datetime("us")
"""Naive and always UTC: zone-aware columns come back in the session's zone (see `warehouse`)."""
BOOL = pl.Boolean()
TEXTS = pl.List(pl.String())

_DUCKDB_TYPES = {
    TEXT: "varchar",
    NUMBER: "double",
    COUNT: "bigint",
    DATE: "date",
    INSTANT: "timestamp",
    BOOL: "boolean",
    TEXTS: "varchar[]",
}


@dataclass(frozen=True)
class Column:
    """One column: polars type, whether it may be null, its closed vocabulary, and what it means.

    `names` is set where the words are identifiers: the register they stand in, the column of the row that says which register
    (as subject_kind), or a standard's: `parameter`, `material` (a parameter or a waste code), `metric`.
    """

    name: str
    dtype: pl.DataType
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    names: str | None = None

    @property
    def duckdb_type(self) -> str:
        return _DUCKDB_TYPES[self.dtype]


_NO_REGISTERS = ("parameter", "material", "metric")

WASTE_CODE = r"^(\d{3}-\d{3}-\d{2}|\d{3}-\d{3}-S\d{2}|SW\d{2})$"
"""Codes of the national lists: hazardous waste (国家危险废物名录), industrial solid waste in full (固体废物分类与代码目录) or its kind alone."""


class LoadMode(StrEnum):
    """What a delivery's silence about a key means."""

    UPSERT = "upsert"  # nothing
    REPLACES_PERIOD = "replaces_period"  # inside the period the file covers: withdrawn
    SNAPSHOT = "snapshot"  # anywhere in the feed: withdrawn


@dataclass(frozen=True)
class Touch:
    """Which entity a changed row touches and over which dates (design: incremental by touched dates).

    `dates` names one date column, or a half-open pair (first, end) whose open end means "until now".
    `kind_column` is set where the entity's kind is itself a column of the row.
    """

    entity_kind: str
    entity_column: str
    dates: tuple[str, ...]
    kind_column: str | None = None


@dataclass(frozen=True)
class Quantity:
    """Numbers that are kept in the canonical unit of what the same row is about, whatever unit they were sent in.

    Readings and self reports keep beside it what was sent, and have their own way there.
    """

    numbers: tuple[str, ...]
    about: str
    unit: str = "unit"


@dataclass(frozen=True)
class RecordType:
    """A record type: its grain sentence, columns, key and what a changed row touches.

    `occurs_on` is the column that says when what a row speaks of has happened; registers and targets may lie ahead and have
    none. What is `append_only` is never revised or taken back by another delivery: the first word on a key stands.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    touches: tuple[Touch, ...]
    default_load_mode: LoadMode = LoadMode.UPSERT
    is_register: bool = False
    occurs_on: str | None = None
    append_only: bool = False
    quantity: Quantity | None = None
    by_name: MappingProxyType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in self.columns}
        if len(by_name) != len(self.columns):
            raise ValueError(f"record {self.name}: a column is declared twice")
        named = {*self.key, *(column for touch in self.touches for column in touch.dates), self.occurs_on or self.key[0]}
        if self.quantity is not None:
            named |= {*self.quantity.numbers, self.quantity.about, self.quantity.unit}
        if unknown := named - by_name.keys():
            raise ValueError(f"record {self.name}: columns {sorted(unknown)} are named and not declared")
        object.__setattr__(self, "by_name", MappingProxyType(by_name))

    @property
    def schema(self) -> pl.Schema:
        """Column name → polars type, in order: the lake's schema, with `source_row`."""
        return pl.Schema({c.name: c.dtype for c in self.columns} | {"source_row": COUNT})

    @property
    def key_times(self) -> tuple[str, ...]:
        """Dates and instants of the key: where a row lies in time. None for what is one thing whenever it happens, as an event."""
        return tuple(name for name in self.key if self.by_name[name].dtype in (DATE, INSTANT))

    @property
    def id_column(self) -> str:
        """Of a register of entities: the column that identifies one."""
        return next(name for name in reversed(self.key) if name != "valid_from")

    @property
    def named_registers(self) -> tuple[str, ...]:
        """Registers that the row's identifiers stand in, `identifier` first: foreign numbers may stand for any of them."""
        kinds = ["identifier"]
        for column in self.columns:
            if column.names in self.by_name:
                kinds += self.by_name[column.names].allowed
            elif column.names not in (None, *_NO_REGISTERS):
                kinds.append(column.names)
        return tuple(dict.fromkeys(kinds))

    @property
    def value_columns(self) -> tuple[str, ...]:
        """Everything but the key: two rows of one key that agree here are duplicates."""
        return tuple(c.name for c in self.columns if c.name not in self.key)


LINEAGE = (
    Column("feed_id", TEXT, "Feed that delivered the row.", required=True),
    Column("delivery_id", TEXT, "Delivery that brought the row (audit.deliveries).", required=True),
    Column("source_row", COUNT, "Row of the source file, counted from 1 and including headers.", required=True),
    Column("known_from", INSTANT, "UTC time from which this was what we knew.", required=True),
    Column("known_to", INSTANT, "UTC time at which it was superseded or withdrawn; null while current."),
)
"""Columns every landing table has behind the record's own."""


def _words(enum: type[StrEnum]) -> tuple[str, ...]:
    return tuple(word.value for word in enum)


STATE = Column("state", TEXT, "Provenance of the value.", required=True, allowed=_words(State))
VALID_FROM = Column("valid_from", DATE, "First local date on which the row holds.", required=True)
VALID_TO = Column("valid_to", DATE, "First local date on which it no longer holds; null while it does.")
PARK_ID = Column("park_id", TEXT, "Park.", required=True, names="park")
POINT_ID = Column("point_id", TEXT, "Measuring point.", required=True, names="point")
ENTERPRISE_ID = Column("enterprise_id", TEXT, "Enterprise.", required=True, names="enterprise")
PARAMETER = Column(
    "parameter_code", TEXT, "HJ 212 code, else CAS number, else a slug of ours (reference.parameter).", required=True, names="parameter"
)
UNIT = Column("unit", TEXT, "Unit of `value`: the parameter's canonical one.")
ENTITY_KINDS = ("park", "enterprise", "process", "product", "outlet", "point")

READING = RecordType(
    name="reading",
    grain="One row per point, parameter, statistic, source kind and period.",
    columns=(
        POINT_ID,
        PARAMETER,
        Column("statistic", TEXT, "What the number is over its period.", required=True, allowed=_words(Statistic)),
        Column("source_kind", TEXT, "By which way the reading came.", required=True, allowed=_words(SourceKind)),
        Column("period_start_utc", INSTANT, "Start of the period, UTC.", required=True),
        Column("period_end_utc", INSTANT, "End of the period, UTC, exclusive; equal to the start for a spot value.", required=True),
        Column("local_date", DATE, "Park-zone date of the period's start.", required=True),
        Column("value", NUMBER, "Value in `unit`; null when the state says why there is none."),
        UNIT,
        Column("value_raw", NUMBER, "The number as sent, in `unit_raw`; the text itself stays in the kept bytes at `source_row`."),
        Column("unit_raw", TEXT, "Unit the feed's contract names."),
        Column("qualifier", TEXT, "`<` for a non-detect, `>` for over range.", allowed=("<", ">")),
        Column("detection_limit", NUMBER, "Detection limit in `unit`; what a non-detect counts as is a rule per purpose."),
        Column("flag", TEXT, "Data flag, HJ 212 letters."),
        STATE,
        Column("sample_id", TEXT, "Laboratory sample."),
        Column("batch_id", TEXT, "Production batch."),
    ),
    key=("point_id", "parameter_code", "statistic", "source_kind", "period_start_utc", "period_end_utc"),
    touches=(Touch("point", "point_id", ("local_date",)),),
)

SELF_REPORT_MEDIA = (
    # emissions and waste: where it went
    "air", "water", "land", "offsite", "generated", "stored", "treated",
    # energy, water, materials: the five parts of consumption
    "purchased", "received", "sent", "stock_increase", "self_produced", "consumed", "recycled",
    # production and economy
    "output", "none",
)  # fmt: skip

REPORT_KINDS = ("statistics", "permit_execution", "tax", "disclosure", "energy_return", "audit_form", "inventory")

SELF_REPORT = RecordType(
    name="self_report",
    grain="One row per subject, item, medium, period, report kind and line of what an enterprise declares.",
    columns=(
        Column("subject_kind", TEXT, "What the line is about.", required=True, allowed=("park", "enterprise", "process", "outlet", "product")),
        Column("subject_id", TEXT, "Identifier of the subject in its register.", required=True, names="subject_kind"),
        Column("item_code", TEXT, "Parameter, energy, water, material or economic item (reference.parameter), or the product's own code for output.", required=True,
               names="parameter"),
        Column("medium", TEXT, "Where the quantity went or came from.", required=True, allowed=SELF_REPORT_MEDIA),
        Column("period_start", DATE, "First local date of the period.", required=True),
        Column("period_end", DATE, "First local date after the period.", required=True),
        Column("report_kind", TEXT, "Which duty the report fulfils; kinds never revise each other.", required=True, allowed=REPORT_KINDS),
        Column("line_id", TEXT, "Line or form inside the report; `-` where there is one only.", required=True),
        Column("value", NUMBER, "Declared value in `unit`."),
        UNIT,
        Column("value_raw", NUMBER, "The number as sent, in `unit_raw`."),
        Column("unit_raw", TEXT, "Unit as sent."),
        Column("method_code", TEXT, "How the enterprise says it determined the value."),
        STATE,
        Column("submitted_at_utc", INSTANT, "When it was submitted, UTC."),
        Column("due_at_utc", INSTANT, "When it was due, UTC; an overdue report is a row of state missing."),
        Column("submission_no", COUNT, "Number of the submission, from 1."),
        Column("confidentiality", TEXT, "Audience the declarant allows.", allowed=("public", "park", "enterprise", "auditor")),
    ),
    key=("subject_kind", "subject_id", "item_code", "medium", "period_start", "period_end", "report_kind", "line_id"),
    touches=(Touch("", "subject_id", ("period_start", "period_end"), kind_column="subject_kind"),),
    occurs_on="period_start",
)  # fmt: skip

# Records of the audit itself. No mart is built from them, so what they touch is the assessment alone: a change of one has the scores
# computed again and rebuilds nothing.
ASSESSMENT = "assessment"
"""Kind of entity that a change touches when only scores depend on it."""

SURVEY_ANSWER = RecordType(
    name="survey_answer",
    grain="One row per subject, checklist item, date and surveyor of an on-site survey.",
    columns=(
        Column("subject_kind", TEXT, "What was surveyed.", required=True, allowed=ENTITY_KINDS),
        Column("subject_id", TEXT, "Identifier of the subject in its register.", required=True, names="subject_kind"),
        Column("checklist_id", TEXT, "Checklist or index system the item belongs to.", required=True),
        Column("item_id", TEXT, "Checklist item or indicator.", required=True),
        Column("answered_on", DATE, "Local date of the finding.", required=True),
        Column("surveyor_role", TEXT, "Role of the surveyor; never a name.", required=True),
        Column("answer", TEXT, "Grade found, `none` when not even III is met; yes or no; or `number`, which stands in value.", required=True,
               allowed=("I", "II", "III", "none", "yes", "no", "number", "not_applicable")),
        Column("value", NUMBER, "Number or points found, in the unit the checklist item names."),
        Column("evidence_sha256", TEXT, "Hash of the photograph or document."),
        Column("note", TEXT, "What was seen."),
    ),
    key=("subject_kind", "subject_id", "checklist_id", "item_id", "answered_on", "surveyor_role"),
    touches=(Touch(ASSESSMENT, "subject_id", ("answered_on",)),),
    occurs_on="answered_on",
)  # fmt: skip

WASTE_MOVEMENT = RecordType(
    name="waste_movement",
    grain="One row per manifest line (联单) or ledger line of solid waste.",
    columns=(
        Column("manifest_id", TEXT, "Manifest, or ledger page of the generator.", required=True),
        Column("line_id", TEXT, "Line of it; `-` where there is one only.", required=True),
        ENTERPRISE_ID,
        Column("process_id", TEXT, "Process it comes from.", names="process"),
        Column("waste_code", TEXT, "Code of the national list: 336-054-17 for hazardous, SW07 for general industrial waste.", required=True),
        Column("waste_kind", TEXT, "Which list the code stands in.", required=True, allowed=("hazardous", "general")),
        Column("movement", TEXT, "What happened to it.", required=True,
               allowed=("generated", "stored", "withdrawn", "transferred", "received", "recycled", "disposed")),
        Column("moved_on", DATE, "Local date.", required=True),
        Column("quantity_t", NUMBER, "Mass, t.", required=True),
        Column("receiver_id", TEXT, "Enterprise of the park that received it.", names="enterprise"),
        Column("receiver_licence", TEXT, "Licence number of the receiver (危险废物经营许可证)."),
        Column("received_on", DATE, "Local date on which the receiver confirmed it."),
        Column("received_t", NUMBER, "Mass by the receiver's book, t."),
        STATE,
    ),
    key=("manifest_id", "line_id", "movement"),
    touches=(Touch("enterprise", "enterprise_id", ("moved_on",)),),
    occurs_on="moved_on",
)  # fmt: skip

EVENT_KINDS = (
    "incident", "violation", "penalty", "complaint", "inspection", "drill", "training", "publicity", "shutdown", "non_routine",
)  # fmt: skip

EVENT = RecordType(
    name="event",
    grain="One row per event: incident, violation, penalty, complaint, inspection, drill, training, publicity, shutdown.",
    columns=(
        Column("event_id", TEXT, "Event.", required=True),
        Column("event_kind", TEXT, "What it is; non_routine is a change that a measure's baseline must be adjusted for.", required=True, allowed=EVENT_KINDS),
        Column("category", TEXT, "Finer kind, as illegal_discharge, illegal_waste_transfer, total_exceeded, odour, emergency_drill."),
        Column("subject_kind", TEXT, "Whom or what it concerns.", required=True, allowed=ENTITY_KINDS),
        Column("subject_id", TEXT, "Identifier of the subject in its register.", required=True, names="subject_kind"),
        Column("occurred_on", DATE, "Local date on which it began.", required=True),
        Column("occurred_at_utc", INSTANT, "When, UTC, where the hour is known."),
        Column("ended_on", DATE, "First local date on which it was over."),
        Column("severity", TEXT, "Grade of an incident or violation.", allowed=("general", "larger", "major", "extraordinary", "serious")),
        Column("amount_cny", NUMBER, "Penalty or damage, CNY."),
        Column("quantity", NUMBER, "What a non-routine change amounts to per day, in `unit`, positive where it adds consumption; or participants."),
        Column("unit", TEXT, "Unit of the quantity: the canonical one of the parameter, where there is one."),
        Column("due_on", DATE, "Local date by which an answer or correction is due."),
        Column("closed_on", DATE, "Local date on which it was answered or corrected."),
        Column("parameter_code", TEXT, "Parameter or item it is about (reference.parameter).", names="parameter"),
        Column("related_id", TEXT, "Event, measure, finding or complaint it belongs to."),
        Column("evidence_sha256", TEXT, "Hash of the document."),
        Column("note", TEXT, "What happened, without names."),
    ),
    key=("event_id",),
    touches=(Touch(ASSESSMENT, "event_id", ("occurred_on",)),),
    occurs_on="occurred_on",
    quantity=Quantity(("quantity",), "parameter_code"),
)  # fmt: skip

CAUSE_CODES = ("raw_material", "technology", "equipment", "process_control", "management", "staff", "product", "waste")
"""The eight directions of cause analysis (八个方面): 原辅材料和能源, 技术工艺, 设备, 过程控制, 管理, 员工, 产品, 废弃物."""

FINDING = RecordType(
    name="finding",
    grain="One row per finding of the audit: what is wrong, where, and why.",
    columns=(
        Column("finding_id", TEXT, "Finding.", required=True),
        ENTERPRISE_ID,
        Column("subject_kind", TEXT, "What it is about.", required=True, allowed=ENTITY_KINDS),
        Column("subject_id", TEXT, "Identifier of the subject in its register.", required=True, names="subject_kind"),
        Column("found_on", DATE, "Local date.", required=True),
        Column("phase", TEXT, "Phase of the audit it was found in (reference.audit_phase)."),
        Column("cause_code", TEXT, "Which of the eight directions the cause lies in.", required=True, allowed=CAUSE_CODES),
        Column("item_code", TEXT, "Parameter, energy, water or material it is about (reference.parameter), or a waste code.", names="material"),
        Column("quantity", NUMBER, "Loss or discharge per year that it stands for, in `unit`."),
        Column("unit", TEXT, "Unit of the quantity: the canonical one of the item."),
        Column("severity", TEXT, "How much it matters.", allowed=("low", "medium", "high")),
        Column("due_on", DATE, "Local date by which it must be dealt with."),
        Column("status", TEXT, "As the auditor left it.", required=True, allowed=("open", "explained", "in_hand", "closed", "rejected")),
        Column("closed_on", DATE, "Local date on which it was closed."),
        Column("description", TEXT, "What was found.", required=True),
        Column("evidence_sha256", TEXT, "Hash of the photograph or document."),
    ),
    key=("finding_id",),
    touches=(Touch(ASSESSMENT, "finding_id", ("found_on",)),),
    occurs_on="found_on",
    quantity=Quantity(("quantity",), "item_code"),
)  # fmt: skip

MEASURE_STATUSES = ("proposed", "screened_out", "feasible", "approved", "in_progress", "implemented", "abandoned")

MEASURE = RecordType(
    name="measure",
    grain="One row per audit option (清洁生产方案).",
    columns=(
        Column("measure_id", TEXT, "Option.", required=True),
        ENTERPRISE_ID,
        Column("process_id", TEXT, "Process it acts on.", names="process"),
        Column("finding_id", TEXT, "Finding it answers."),
        Column("name", TEXT, "Name.", required=True),
        Column("measure_class", TEXT, "Where in the chain it acts.", required=True, allowed=("source_reduction", "recycling", "end_of_pipe")),
        Column("cost_class", TEXT, "By the limit that the audit chose (无/低费, 中/高费).", required=True, allowed=("no_low", "medium_high")),
        Column("cause_code", TEXT, "Direction of the eight it acts in.", allowed=CAUSE_CODES),
        Column("technology_id", TEXT, "Technology it uses (reference.technology)."),
        Column("investment_cny", NUMBER, "Total investment I less subsidies, CNY."),
        Column("spent_cny", NUMBER, "Investment realised so far, CNY."),
        Column("annual_saving_cny", NUMBER, "Annual saving P before tax, CNY/a."),
        Column("lifetime_years", NUMBER, "Depreciation period n, years."),
        Column("price_basis", TEXT, "Whether money contains value-added tax.", allowed=("tax_included", "tax_excluded")),
        Column("competes_with", TEXT, "Group of options of which one is chosen."),
        Column("promised_item", TEXT, "Item or parameter that it saves (reference.parameter), or a waste code.", names="material"),
        Column("promised_quantity", NUMBER, "Promised saving per year in `unit`."),
        Column("unit", TEXT, "Unit of the promised quantity: the canonical one of the item."),
        Column("status", TEXT, "Where it stands.", required=True, allowed=MEASURE_STATUSES),
        Column("proposed_on", DATE, "Local date on which it was proposed.", required=True),
        Column("due_on", DATE, "Local date by which it is to be in place."),
        Column("started_on", DATE, "Local date on which works began."),
        Column("completed_on", DATE, "First local date on which it was in operation."),
        Column("baseline_start", DATE, "First local date of the baseline."),
        Column("baseline_end", DATE, "First local date after the baseline."),
        Column("evidence_sha256", TEXT, "Hash of the feasibility study or record."),
    ),
    key=("measure_id",),
    touches=(Touch(ASSESSMENT, "measure_id", ("proposed_on",)),),
    occurs_on="proposed_on",
    quantity=Quantity(("promised_quantity",), "promised_item"),
)  # fmt: skip

REVIEW = RecordType(
    name="review",
    grain="One row per decision of a person; append-only, a later one of the same subject sets an earlier one aside.",
    columns=(
        Column("review_id", TEXT, "Decision.", required=True),
        Column("about", TEXT, "Table of results or records the decision is about, as `reconciliation` or `finding`.", required=True),
        Column("subject_key", TEXT, "Which row of it: its key columns joined with ` / `, park_id left out.", required=True),
        Column("enterprise_id", TEXT, "Enterprise it concerns; null for a row of the park as a whole.", names="enterprise"),
        Column("decided_on", DATE, "Local date.", required=True),
        Column("decision", TEXT, "What was decided.", required=True,
               allowed=("opinion", "explained", "accepted", "rejected", "not_applicable", "override", "appealed", "appeal_upheld",
                        "appeal_dismissed", "listed", "delisted")),
        Column("value_text", TEXT, "Value that an override puts in place of the computed one."),
        Column("role", TEXT, "Role of who decided; never a name.", required=True, allowed=("enterprise", "park", "third_party", "bureau")),
        Column("independence", TEXT, "What a reviewer says of ties to the enterprise.", required=True,
               allowed=("independent", "paid_by_enterprise", "conflict_declared", "not_stated")),
        Column("valid_to", DATE, "First local date on which the decision no longer holds; null while it does."),
        Column("opinion", TEXT, "Reasons, without names."),
        Column("evidence_sha256", TEXT, "Hash of the document."),
    ),
    key=("review_id",),
    touches=(Touch(ASSESSMENT, "review_id", ("decided_on",)),),
    occurs_on="decided_on",
    append_only=True,
)  # fmt: skip

TARGET = RecordType(
    name="target",
    grain="One row per subject, metric and target year of what was promised.",
    columns=(
        Column("subject_kind", TEXT, "Whose target.", required=True, allowed=("park", "enterprise")),
        Column("subject_id", TEXT, "Identifier of the subject in its register.", required=True, names="subject_kind"),
        Column("metric_code", TEXT, "Metric (reference.metric), or `item:CODE` for an annual quantity and `mass:CODE` for an annual emission.", required=True,
               names="metric"),
        Column("target_year", COUNT, "Calendar year by whose end it is to be met.", required=True),
        Column("baseline_year", COUNT, "Calendar year it is counted from.", required=True),
        Column("baseline_value", NUMBER, "Value of that year in `unit`; null to take what the system computed."),
        Column("target_value", NUMBER, "Value to be reached, in `unit`.", required=True),
        Column("unit", TEXT, "Unit of both values: the metric's, or the item's canonical one.", required=True),
        Column("set_on", DATE, "Local date on which it was set.", required=True),
        Column("set_by", TEXT, "Paper it comes from.", allowed=("audit", "park_plan", "permit", "voluntary")),
    ),
    key=("subject_kind", "subject_id", "metric_code", "target_year"),
    touches=(Touch(ASSESSMENT, "subject_id", ("set_on",)),),
    occurs_on="set_on",
    quantity=Quantity(("baseline_value", "target_value"), "metric_code"),
)  # fmt: skip

AUDIT_STEP = RecordType(
    name="audit_step",
    grain="One row per audit round and step: when it is due and what proves that it was done.",
    columns=(
        Column("round_id", TEXT, "Round (register audit_round).", required=True, names="audit_round"),
        Column("step_code", TEXT, "Step (reference.audit_phase).", required=True),
        Column("entered_on", DATE, "Local date on which this was entered.", required=True),
        Column("due_on", DATE, "Local date by which it is due; null to take the rule's."),
        Column("done_on", DATE, "Local date on which it was done."),
        Column("role", TEXT, "Role of who did it; never a name."),
        Column("evidence_sha256", TEXT, "Hash of the document."),
        Column("note", TEXT, "What was done."),
    ),
    key=("round_id", "step_code"),
    touches=(Touch(ASSESSMENT, "round_id", ("entered_on",)),),
    occurs_on="entered_on",
)  # fmt: skip


def _register(
    name: str,
    grain: str,
    key: tuple[str, ...],
    *columns: Column,
    touches: tuple[tuple[str, str], ...],
    kind_column: str | None = None,
    quantity: Quantity | None = None,
) -> RecordType:
    """A register table: keyed by entity and `valid_from`, delivered as a whole, touching what it names while valid."""
    return RecordType(
        name=name,
        grain=grain,
        columns=(*columns, VALID_FROM, VALID_TO),
        key=(*key, "valid_from"),
        touches=tuple(
            Touch(kind, column, ("valid_from", "valid_to"), kind_column=None if kind else kind_column)
            for kind, column in touches
        ),
        default_load_mode=LoadMode.SNAPSHOT,
        is_register=True,
        quantity=quantity,
    )  # fmt: skip


PARK = _register(
    "park", "One row per park and validity.", ("park_id",),
    PARK_ID,
    Column("name", TEXT, "Name.", required=True),
    Column("area_km2", NUMBER, "Industrial land, km2."),
    touches=(("park", "park_id"),),
)  # fmt: skip

ENTERPRISE = _register(
    "enterprise", "One row per enterprise and validity of its membership in the park.", ("enterprise_id",),
    ENTERPRISE_ID,
    PARK_ID,
    Column("name", TEXT, "Name.", required=True),
    Column("sector_code", TEXT, "GB/T 4754 class."),
    Column("index_system_id", TEXT, "Evaluation index system it is assessed by (reference.index_system)."),
    Column("confidentiality", TEXT, "Audience of its rows.", allowed=("public", "park", "enterprise", "auditor")),
    touches=(("enterprise", "enterprise_id"),),
)  # fmt: skip

PROCESS = _register(
    "process", "One row per process (工序) and validity.", ("process_id",),
    Column("process_id", TEXT, "Process.", required=True, names="process"),
    ENTERPRISE_ID,
    Column("name", TEXT, "Name.", required=True),
    Column("process_code", TEXT, "Kind of process, for elimination lists and index systems."),
    touches=(("enterprise", "enterprise_id"),),
)  # fmt: skip

PRODUCT = _register(
    "product", "One row per product of an enterprise and validity.", ("enterprise_id", "product_code"),
    ENTERPRISE_ID,
    Column("product_code", TEXT, "Product, unique in the park.", required=True, names="product"),
    Column("process_id", TEXT, "Process that makes it.", names="process"),
    Column("name", TEXT, "Name.", required=True),
    Column("unit", TEXT, "Unit its output is counted in.", required=True),
    Column("product_kind", TEXT, "Kind that alternative index rows name, as double-sided board."),
    touches=(("enterprise", "enterprise_id"),),
)  # fmt: skip

OUTLET = _register(
    "outlet", "One row per outlet (排放口) and validity.", ("outlet_id",),
    Column("outlet_id", TEXT, "Outlet.", required=True, names="outlet"),
    ENTERPRISE_ID,
    Column("name", TEXT, "Name.", required=True),
    Column("medium", TEXT, "Receiving medium.", required=True, allowed=("air", "water")),
    Column("kind", TEXT, "Place in the discharge path; workshop and final outlets are never added.", required=True,
           allowed=("stack", "workshop", "final", "rainwater", "park_plant")),
    Column("discharge_kind", TEXT, "Where it goes; only direct discharge counts in the park's total.", required=True,
           allowed=("direct", "indirect", "to_other_enterprise")),
    Column("receiving_enterprise_id", TEXT, "Enterprise that takes an indirect discharge or a transfer.", names="enterprise"),
    Column("standard_id", TEXT, "Emission standard that applies (reference.limit)."),
    touches=(("enterprise", "enterprise_id"), ("outlet", "outlet_id")),
)  # fmt: skip

POINT = _register(
    "point", "One row per measuring point and validity.", ("point_id",),
    POINT_ID,
    Column("enterprise_id", TEXT, "Enterprise it belongs to; null for a point of the park itself.", names="enterprise"),
    Column("outlet_id", TEXT, "Outlet it measures; a wastewater or stack point of none stands before treatment.", names="outlet"),
    Column("process_id", TEXT, "Process it measures.", names="process"),
    Column("name", TEXT, "Name.", required=True),
    Column("kind", TEXT, "What it measures.", required=True,
           allowed=("stack", "wastewater", "energy", "water", "gas", "production", "process", "ambient", "laboratory")),
    touches=(("point", "point_id"),),
)  # fmt: skip

CHANNEL = _register(
    "channel", "One row per point, parameter and validity: how its numbers are to be read.", ("point_id", "parameter_code"),
    POINT_ID,
    PARAMETER,
    Column("basis", TEXT, "Gas basis.", allowed=("dry_0C", "wet_0C", "dry_20C", "wet_20C", "actual")),
    Column("range_min", NUMBER, "Lower end of the range, canonical unit."),
    Column("range_max", NUMBER, "Upper end of the range, canonical unit."),
    Column("detection_limit", NUMBER, "Detection limit, canonical unit."),
    Column("register_kind", TEXT, "How totals arrive.", allowed=("interval", "cumulative", "rate")),
    Column("multiplier", NUMBER, "Meter constant (倍率) applied to registers and intervals; null counts as 1."),
    Column("digits", COUNT, "Digits before the decimal point, for rollover."),
    Column("step_minutes", COUNT, "Expected spacing of readings, minutes."),
    Column("flow_item", TEXT, "Part of consumption that a total is; null counts as purchased.",
           allowed=("purchased", "received", "sent", "self_produced", "recycled")),
    touches=(("point", "point_id"),),
)  # fmt: skip

METER_EVENT = RecordType(
    name="meter_event",
    grain="One row per event of a meter: exchange, reset, recalibration.",
    columns=(
        POINT_ID,
        PARAMETER,
        Column("event_at_utc", INSTANT, "When, UTC.", required=True),
        Column("event_kind", TEXT, "What.", required=True, allowed=("exchange", "reset", "recalibration")),
        Column("event_date", DATE, "Park-zone date of the event.", required=True),
        Column("final_register", NUMBER, "Register of the old meter when it was taken off, as displayed."),
        Column("initial_register", NUMBER, "Register of the new meter when it was put on, as displayed."),
    ),
    key=("point_id", "parameter_code", "event_at_utc", "event_kind"),
    touches=(Touch("point", "point_id", ("event_date",)),),
    occurs_on="event_at_utc",
    default_load_mode=LoadMode.SNAPSHOT,
    is_register=True,
)  # fmt: skip

METER_LINK = _register(
    "meter_link", "One row per point, parent and validity: place in the metering tree.", ("point_id", "parent_point_id"),
    POINT_ID,
    Column("parent_point_id", TEXT, "Meter above it; `-` for the top.", required=True, names="point"),
    Column("role", TEXT, "Only billing meters add up to an enterprise's total.", required=True, allowed=("billing", "sub", "check", "virtual")),
    Column("share", NUMBER, "Share of the parent that passes through it."),
    Column("formula", TEXT, "For a virtual meter: signed sum of point ids, as `+A -B`."),
    touches=(("point", "point_id"), ("point", "parent_point_id")),
)  # fmt: skip

FLOW_LINK = _register(
    "flow_link", "One row per point, target, medium and validity: to whom what it measures goes.",
    ("point_id", "target_kind", "target_id", "medium"),
    POINT_ID,
    Column("target_kind", TEXT, "Kind of receiver.", required=True, allowed=("enterprise", "point")),
    Column("target_id", TEXT, "Receiver.", required=True, names="target_kind"),
    Column("medium", TEXT, "Item that flows (reference.parameter).", required=True, names="parameter"),
    touches=(("point", "point_id"), ("", "target_id")),
    kind_column="target_kind",
)  # fmt: skip

ALLOCATION = _register(
    "allocation", "One row per shared source, receiving enterprise and validity; shares of a source sum to 1.",
    ("source_kind", "source_id", "enterprise_id"),
    Column("source_kind", TEXT, "What is shared.", required=True, allowed=("outlet", "point")),
    Column("source_id", TEXT, "Shared outlet or meter.", required=True, names="source_kind"),
    ENTERPRISE_ID,
    Column("share", NUMBER, "Share that falls to the enterprise; the result is `estimated`.", required=True),
    Column("basis", TEXT, "What the share rests on.", required=True),
    touches=(("", "source_id"), ("enterprise", "enterprise_id")),
    kind_column="source_kind",
)  # fmt: skip

IDENTIFIER = _register(
    "identifier", "One row per scheme, foreign identifier and validity.", ("scheme", "value"),
    Column("scheme", TEXT, "Who numbers it: credit_code, permit, outlet_code, mn, grid_account, …", required=True),
    Column("value", TEXT, "Identifier in that scheme.", required=True),
    Column("entity_kind", TEXT, "Kind of entity.", required=True, allowed=ENTITY_KINDS),
    Column("entity_id", TEXT, "Our identifier.", required=True, names="entity_kind"),
    touches=(("", "entity_id"),),
    kind_column="entity_kind",
)  # fmt: skip

ENTITY_RELATION = RecordType(
    name="entity_relation",
    grain="One row per change of identity: merger, split, renaming, move.",
    columns=(
        Column("entity_kind", TEXT, "Kind of entity.", required=True, allowed=ENTITY_KINDS),
        Column("from_id", TEXT, "Entity before.", required=True, names="entity_kind"),
        Column("to_id", TEXT, "Entity after.", required=True, names="entity_kind"),
        Column("relation", TEXT, "What happened.", required=True, allowed=("merged_into", "split_from", "renamed", "moved")),
        Column("effective_date", DATE, "First local date of the new state.", required=True),
    ),
    key=("entity_kind", "from_id", "to_id", "effective_date"),
    touches=(
        Touch("", "from_id", ("effective_date",), kind_column="entity_kind"),
        Touch("", "to_id", ("effective_date",), kind_column="entity_kind"),
    ),
    default_load_mode=LoadMode.SNAPSHOT,
    is_register=True,
)

MONITOR_MARK = _register(
    "monitor_mark",
    "One row per mark (标记) that somebody filed on an outlet's automatic monitor, its pollutant and first date.",
    ("outlet_id", "mark_code", "parameter_code", "begins_at_utc"),
    Column("outlet_id", TEXT, "Outlet whose monitor or source it is about.", required=True, names="outlet"),
    Column("mark_code", TEXT, "Condition of the source or of the device (reference.monitor_mark_rule).", required=True),
    Column("parameter_code", TEXT, "Pollutant it is about; `-` for all of the outlet.", required=True),
    Column("begins_at_utc", INSTANT, "From when, UTC.", required=True),
    Column("ends_at_utc", INSTANT, "Until when, UTC, exclusive; null while it lasts."),
    Column("evidence_sha256", TEXT, "Hash of the document."),
    Column("note", TEXT, "What happened, without names."),
    touches=(("outlet", "outlet_id"),),
)  # fmt: skip

PERMIT_LIMIT = _register(
    "permit_limit", "One row per outlet or enterprise, pollutant, kind of limit and validity.",
    ("subject_kind", "subject_id", "parameter_code", "limit_kind"),
    Column("permit_id", TEXT, "Permit number.", required=True),
    Column("subject_kind", TEXT, "What is limited.", required=True, allowed=("outlet", "enterprise")),
    Column("subject_id", TEXT, "Limited outlet or enterprise.", required=True, names="subject_kind"),
    PARAMETER,
    Column("limit_kind", TEXT, "Averaging period of a concentration limit, or the year's mass.", required=True,
           allowed=("hourly_concentration", "daily_concentration", "annual_mass")),
    Column("limit_value", NUMBER, "Limit in `unit`.", required=True),
    Column("unit", TEXT, "Unit of the limit.", required=True),
    touches=(("", "subject_id"),),
    kind_column="subject_kind",
    quantity=Quantity(("limit_value",), "parameter_code"),
)  # fmt: skip

AUDIT_ROUND = _register(
    "audit_round", "One row per round of an enterprise's audit and validity.", ("round_id",),
    Column("round_id", TEXT, "Round.", required=True, names="audit_round"),
    ENTERPRISE_ID,
    Column("kind", TEXT, "Whether the bureau's list demands it.", required=True, allowed=("mandatory", "voluntary", "park")),
    Column("listed_on", DATE, "Local date on which the list was published (名单公布)."),
    Column("period_start", DATE, "First local date of the audit period."),
    Column("period_end", DATE, "First local date after it."),
    Column("no_low_limit_cny", NUMBER, "Investment up to which an option counts as no/low cost, CNY; each audit chooses it."),
    touches=((ASSESSMENT, "round_id"),),
)  # fmt: skip

MEASURE_METER = _register(
    "measure_meter", "One row per measure, point, parameter and validity: where its effect is read.",
    ("measure_id", "point_id", "parameter_code"),
    Column("measure_id", TEXT, "Option.", required=True),
    POINT_ID,
    PARAMETER,
    Column("share", NUMBER, "Share of the meter's saving that is this measure's where several act on it; null to say that nobody split it."),
    Column("driver_code", TEXT, "Product or parameter that the baseline is regressed on; several are joined with a blank."),
    touches=((ASSESSMENT, "measure_id"),),
)  # fmt: skip

EQUIPMENT = _register(
    "equipment", "One row per piece of equipment and validity.", ("equipment_id",),
    Column("equipment_id", TEXT, "Piece, or group of equal pieces.", required=True),
    ENTERPRISE_ID,
    Column("process_id", TEXT, "Process it serves.", names="process"),
    Column("name", TEXT, "Name.", required=True),
    Column("model", TEXT, "Model as on the plate, as Y132S-4."),
    Column("equipment_code", TEXT, "Kind, as elimination lists name it (reference.obsolete)."),
    Column("pieces", COUNT, "Number of equal pieces."),
    Column("commissioned_on", DATE, "Local date of commissioning."),
    Column("capacity", NUMBER, "Rated capacity in `unit`."),
    Column("unit", TEXT, "Unit of the capacity."),
    Column("rated_efficiency", NUMBER, "Efficiency as rated, 0 to 1."),
    Column("actual_efficiency", NUMBER, "Efficiency as last tested, 0 to 1."),
    Column("treats_parameter", TEXT, "Pollutant that it removes, where it is a treatment facility.", names="parameter"),
    touches=(("enterprise", "enterprise_id"), (ASSESSMENT, "equipment_id")),
)  # fmt: skip

CHEMICAL = _register(
    "chemical", "One row per enterprise, substance and validity: what may be on site.", ("enterprise_id", "substance_code"),
    ENTERPRISE_ID,
    Column("substance_code", TEXT, "CAS number, or group of the list (reference.risk_substance).", required=True),
    Column("name", TEXT, "Name.", required=True),
    Column("max_on_site_t", NUMBER, "Largest mass on site at any time, t."),
    Column("pure_share", NUMBER, "Share of the pure substance in a mixture; null counts as 1."),
    Column("used_as", TEXT, "Role in production.", allowed=("raw_material", "auxiliary", "product", "by_product", "waste")),
    touches=((ASSESSMENT, "enterprise_id"),),
)  # fmt: skip

RECEPTOR = _register(
    "receptor", "One row per enterprise, medium, kind of receptor and validity: who would be hit.", ("enterprise_id", "medium", "receptor_kind"),
    ENTERPRISE_ID,
    Column("medium", TEXT, "Way by which it would be hit.", required=True, allowed=("air", "water")),
    Column("receptor_kind", TEXT, "Kind (reference.risk_receptor), as persons_5km, persons_500m, drinking_water_source.", required=True),
    Column("name", TEXT, "Name of the receptor, so that the park can see who shares it."),
    Column("quantity", NUMBER, "Persons within the radius; 1 for a receptor that is there, 0 for one that is not."),
    touches=((ASSESSMENT, "enterprise_id"),),
)  # fmt: skip

EMERGENCY_PLAN = _register(
    "emergency_plan", "One row per enterprise, plan and validity (突发环境事件应急预案).", ("enterprise_id", "plan_id"),
    ENTERPRISE_ID,
    Column("plan_id", TEXT, "Plan.", required=True),
    Column("filed_on", DATE, "Local date on which it was filed with the bureau (备案)."),
    Column("expires_on", DATE, "First local date on which it must have been revised."),
    Column("evidence_sha256", TEXT, "Hash of the filing receipt."),
    touches=((ASSESSMENT, "enterprise_id"),),
)  # fmt: skip

QUALIFICATION = _register(
    "qualification", "One row per certificate and validity: who may audit, by role and never by name.", ("qualification_id",),
    Column("qualification_id", TEXT, "Certificate, by a number of the register's own.", required=True),
    Column("holder_kind", TEXT, "Whose it is.", required=True, allowed=("enterprise", "park", "third_party")),
    Column("holder_id", TEXT, "Enterprise, park or service.", required=True),
    Column("role", TEXT, "What its bearer may do.", required=True, allowed=("auditor", "senior_auditor", "expert", "energy_manager")),
    Column("field", TEXT, "Sector or subject."),
    touches=((ASSESSMENT, "qualification_id"),),
)  # fmt: skip

MATERIAL_OFFER = _register(
    "material_offer", "One row per enterprise, material, direction and validity: by-products offered and wanted.",
    ("enterprise_id", "item_code", "direction"),
    ENTERPRISE_ID,
    Column("item_code", TEXT, "Material, energy or water (reference.parameter), or a waste code.", required=True, names="material"),
    Column("direction", TEXT, "Whether it is to be had or wanted.", required=True, allowed=("offer", "need")),
    Column("quantity", NUMBER, "Quantity per year in `unit`."),
    Column("unit", TEXT, "Unit of the quantity: the canonical one of the item, t for waste."),
    touches=((ASSESSMENT, "enterprise_id"),),
    quantity=Quantity(("quantity",), "item_code"),
)  # fmt: skip

RECORD_TYPES: MappingProxyType[str, RecordType] = MappingProxyType(
    {
        record.name: record
        for record in (
            READING, SELF_REPORT, SURVEY_ANSWER, WASTE_MOVEMENT, EVENT, FINDING, MEASURE, REVIEW, TARGET, AUDIT_STEP,
            PARK, ENTERPRISE, PROCESS, PRODUCT, OUTLET, POINT, CHANNEL, METER_EVENT, METER_LINK, FLOW_LINK,
            ALLOCATION, IDENTIFIER, ENTITY_RELATION, MONITOR_MARK, PERMIT_LIMIT,
            AUDIT_ROUND, MEASURE_METER, EQUIPMENT, CHEMICAL, RECEPTOR, EMERGENCY_PLAN, QUALIFICATION, MATERIAL_OFFER,
        )
    }
)  # fmt: skip
"""Every record type by name."""

REGISTERS = tuple(record for record in RECORD_TYPES.values() if record.is_register)

QUARANTINE_SCHEMA = pl.Schema({"source_row": COUNT, "column_name": TEXT, "rule": TEXT, "reason": TEXT, "raw_text": TEXT})
"""Refused values: one row per canonical row that would have been."""
