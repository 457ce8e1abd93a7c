"""The shape of every `--json` output: exactly these keys, exactly these types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from click.testing import Result
from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

from eventlite import Event, Kernel
from eventlite.contracts.jobs import meanings

exact = with_config(ConfigDict(extra="forbid", strict=True))


@exact
class EventShape(TypedDict):
    id: int
    version: int
    datetime: str
    user: str
    ip: str
    cmd: str
    data: dict[str, Any]
    correlation_id: str
    causation_id: int | None
    metadata: dict[str, Any]
    tags: list[str]
    key: str | None


@exact
class TracedEventShape(EventShape):
    depth: int


@exact
class TraceShape(TypedDict):
    event: int
    root: int
    lineage: list[int]
    complete: bool
    events: list[TracedEventShape]


@exact
class StatsShape(TypedDict):
    events: int
    head: int
    correlations: int
    roots: int
    children: int
    first: str | None
    last: str | None
    by_cmd: dict[str, int]
    by_user: dict[str, int]
    by_version: dict[str, int]
    indexes: list[str]
    storage: dict[str, Any]


@exact
class VerifyShape(TypedDict):
    events: int
    problems: list[str]
    dangling: int
    digest: str


@exact
class FindingShape(TypedDict):
    level: Literal["ok", "warning", "error"]
    subject: str
    message: str


@exact
class DoctorShape(TypedDict):
    ok: bool
    findings: list[FindingShape]


@exact
class BackupShape(TypedDict):
    target: str
    bytes: int


@exact
class RestoreShape(TypedDict):
    source: str
    target: str
    events: int
    digest: str
    replaced: str | None


@exact
class DemoShape(TypedDict):
    profile: str
    store: str | None
    ingest: dict[str, Any]
    ask: dict[str, Any]
    query: dict[str, Any]
    page: dict[str, Any]
    cache: dict[str, Any]
    job: dict[str, Any]
    export: dict[str, Any]


@exact
class TransferShape(TypedDict):
    count: int
    first_id: int
    last_id: int
    first_time: str | None
    last_time: str | None
    skipped: int
    rejected: int
    resumed: int
    dangling: int
    renumbered: bool
    digest: str
    stored_digest: str
    notes: list[str]
    seconds: float


@exact
class ProfileSummaryShape(TypedDict):
    name: str
    description: str
    extends: list[str]
    default: bool


@exact
class OriginShape(TypedDict):
    kind: Literal["argument", "environment", "file", "default"]
    where: str


@exact
class SettingShape(TypedDict):
    key: str
    value: Any
    origin: OriginShape


@exact
class ProfileShape(TypedDict):
    name: str
    description: str
    extends: list[str]
    durability: str
    settings: list[SettingShape]


@exact
class ProfileCheckShape(TypedDict):
    name: str
    ok: bool
    plugins: dict[str, str]


@exact
class DifferenceShape(TypedDict):
    key: str
    left: Any
    right: Any


@exact
class NewProfileShape(TypedDict):
    name: str
    path: str


@exact
class PluginShape(TypedDict):
    concern: str
    name: str
    distribution: str
    version: str
    contract: int | None
    problem: str | None
    summary: str


@exact
class IndexShape(TypedDict):
    name: str
    columns: list[str]
    path: str | None
    exists: bool
    declared: bool


@exact
class AppliedShape(TypedDict):
    built: list[str]
    dropped: list[str]
    active: list[str]


@exact
class QueryShape(TypedDict, total=False):
    cmd: list[str]
    user: str
    correlation_id: str
    causation_id: int
    version: int
    since: str
    until: str
    tags: list[str]
    data: dict[str, Any]


@exact
class HappenedShape(TypedDict):
    query: list[QueryShape]
    where: dict[str, dict[str, Any]]


@exact
class WaitPartShape(TypedDict):
    kind: Literal["all_of", "any_of", "count", "sequence"]
    needed: int
    elements: list[HappenedShape]


@exact
class NewEventShape(TypedDict):
    cmd: str
    data: dict[str, Any] | None
    user: str
    ip: str
    version: int
    metadata: dict[str, Any] | None
    tags: list[str]
    key: str | None
    correlation_id: str | None
    cause: int | None


@exact
class WaitShape(TypedDict):
    id: int
    state: Literal["pending", "ready", "executed", "expired", "cancelled"]
    event: NewEventShape
    condition: list[WaitPartShape]
    progress: list[list[int]]
    position: int
    registered: str
    deadline: str | None
    otherwise: NewEventShape | None
    last_id: int | None
    event_id: int | None
    error: str | None


class SubscriptionShape(TypedDict):
    name: str
    state: Literal["running", "paused", "stopped"]
    position: int
    lag: int
    holder: str | None
    error: str | None
    error_position: int | None
    dead_letters: int


@exact
class DeadLetterShape(TypedDict):
    event_id: int
    error: str
    attempts: int
    failed: str
    retrying: bool


class JobFailureShape(TypedDict):
    attempt: int
    at: str
    error: str


@exact
class JobProgressShape(TypedDict):
    done: float
    note: str


@exact
class JobShape(TypedDict):
    id: str
    name: str
    data: dict[str, Any]
    state: Literal["pending", "running", "done", "dead", "cancelled"]
    attempts: int
    max_attempts: int
    priority: int
    enqueued: str
    due: str
    finished: str | None
    error: str | None
    result: Any
    queue: str
    started: str | None
    failures: list[JobFailureShape]
    progress: JobProgressShape | None
    unique: str | None


@exact
class QueueShape(TypedDict):
    name: str
    paused: bool
    limit: int | None
    pending: int
    running: int


@exact
class RecurringShape(TypedDict):
    name: str
    job: str
    rule: str
    next: str
    last: str | None


@exact
class DurationsShape(TypedDict):
    mean: float
    median: float
    most: float


@exact
class JobStatisticsShape(TypedDict):
    by_state: dict[str, int]
    by_name: dict[str, dict[str, int]]
    oldest_pending: str | None
    done_per_minute: float
    dead_per_minute: float
    wait: DurationsShape | None
    run: DurationsShape | None


@exact
class JobStatsShape(TypedDict):
    states: dict[str, int]
    queues: list[QueueShape]
    recurring: list[RecurringShape]
    statistics: JobStatisticsShape | None


CapabilitiesShape = exact(TypedDict("CapabilitiesShape", {**dict.fromkeys(meanings(), bool), "max_name": int}))


@exact
class AttemptsShape(TypedDict):
    attempts: int


@exact
class ForgottenShape(TypedDict):
    forgotten: int


class UnscheduledShape(TypedDict):
    forgotten: list[str]


@exact
class VersionShape(TypedDict):
    version: str


@exact
class ErrorDetails(TypedDict):
    type: str
    message: str
    hint: str | None
    exit_code: int


@exact
class ErrorShape(TypedDict):
    error: ErrorDetails


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ("append x n=1", EventShape),
        ("get 1", EventShape),
        ("log", list[EventShape]),
        ("log --cmd nothing", list[EventShape]),
        ("log --all --reverse", list[EventShape]),
        ("tail -n 1", EventShape),
        ("trace 3", TraceShape),
        ("stats", StatsShape),
        ("verify", VerifyShape),
        ("doctor", DoctorShape),
        ("backup copy.db", BackupShape),
        ("demo --db demo.db", DemoShape),
        ("export out.jsonl", TransferShape),
        ("export out.csv --cmd nothing", TransferShape),
        ("profiles list", list[ProfileSummaryShape]),
        ("profiles show balanced", ProfileShape),
        ("profiles check high-volume", ProfileCheckShape),
        ("profiles diff balanced high-volume", list[DifferenceShape]),
        ("profiles new shop.toml", NewProfileShape),
        ("plugins", list[PluginShape]),
        ("indexes list", list[IndexShape]),
        ("indexes apply", AppliedShape),
        ("waits list", list[WaitShape]),
        ("subscriptions list", list[SubscriptionShape]),
        ("--version", VersionShape),
    ],
)
def test_json_output_keeps_to_its_schema(
    arguments: str, shape: Any, store: list[Event], done: Callable[..., str]
) -> None:
    TypeAdapter(shape).validate_json(done(*arguments.split(), "--json"))


@pytest.fixture
def kept_jobs(store: list[Event]) -> None:
    """Jobs 1 to 3, done, dead and pending, and a recurring one."""
    with Kernel.from_profile() as kernel:
        kernel.jobs.worker("greet")(lambda job: job.progress(1, "all"))
        kernel.jobs.worker("poison")(lambda job: 1 / 0)
        for job, delay in (("greet", 0), ("poison", 0), ("greet", 3600)):
            kernel.jobs.enqueue(job, {"n": 1}, delay=delay, unique=True)
            kernel.jobs.run_until_idle()
        kernel.jobs.recurring("greet", every=3600)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ("list", list[JobShape]),
        ("dead", list[JobShape]),
        ("list --state running", list[JobShape]),
        ("show 1", JobShape),
        ("show 2", JobShape),
        ("retry 2", list[JobShape]),
        ("retry --dead", list[JobShape]),
        ("cancel 3", list[JobShape]),
        ("pause default mail", list[QueueShape]),
        ("resume default", list[QueueShape]),
        ("limit mail 2", list[QueueShape]),
        ("enqueue greet to=ada", JobShape),
        ("unschedule greet", UnscheduledShape),
        ("stats", JobStatsShape),
        ("prune", ForgottenShape),
        ("capabilities", CapabilitiesShape),
        ("run --app empty:nothing", AttemptsShape),
    ],
)
def test_the_json_output_of_jobs_keeps_to_its_schema(
    arguments: str, shape: Any, kept_jobs: None, done: Callable[..., str]
) -> None:
    Path("empty.py").write_text("def nothing(kernel): pass", encoding="utf-8")
    TypeAdapter(shape).validate_json(done("jobs", *arguments.split(), "--json"))


@pytest.mark.parametrize(("verb", "shape"), [("list", list[JobShape]), ("stats", JobStatsShape)])
def test_the_json_output_of_jobs_without_any_keeps_to_its_schema(
    verb: str, shape: Any, store: list[Event], done: Callable[..., str]
) -> None:
    TypeAdapter(shape).validate_json(done("jobs", verb, "--json"))


def test_the_json_output_of_restore_keeps_to_its_schema(store: list[Event], done: Callable[..., str]) -> None:
    done("backup", "copy.db")
    TypeAdapter(RestoreShape).validate_json(done("restore", "copy.db", "--db", "new.db", "--json"))


def test_the_json_output_of_waits_keeps_to_its_schema(store: list[Event], done: Callable[..., str]) -> None:
    from eventlite import Happened, Kernel, NewEvent, Query

    with Kernel.from_profile() as kernel:
        late = NewEvent("late", {"n": 1}, tags=["order:A1"])
        paid = Happened(Query(user="bank", data={"card": "visa"}), where={"amount": {"gte": 5, "lt": 10.5}})
        kernel.append_when("ship", {"n": 1}, all_of=[paid, "packed"], timeout=5, otherwise=late, cause=store[0])
        kernel.append_when("close", count=("shipped", 3), key="k")
    shape = TypeAdapter(list[WaitShape])
    assert len(shape.validate_json(done("waits", "list", "--json"))) == 2
    for verb in (["cancel", "1"], ["list", "--state", "cancelled"]):
        assert [wait["state"] for wait in shape.validate_json(done("waits", *verb, "--json"))] == ["cancelled"]


def test_the_json_output_of_import_keeps_to_its_schema(store: list[Event], done: Callable[..., str]) -> None:
    done("export", "log.jsonl")
    for options in (("--db", "new.db"), ("--append",)):
        TypeAdapter(TransferShape).validate_json(done("import", "log.jsonl", *options, "--json"))


def test_the_json_output_of_subscriptions_keeps_to_its_schema(store: list[Event], done: Callable[..., str]) -> None:
    from eventlite import Kernel, Query

    with Kernel.from_profile() as kernel:
        kernel.subscribe(Query(), name="mail").run(lambda event: 1 / 0, on_error="dead-letter", idle_after=0)
    for verb in ("pause", "resume", "reset"):
        TypeAdapter(SubscriptionShape).validate_json(done("subscriptions", verb, "mail", "--json"))
    for options in ((), ("--retry", "1"), ("--drop", "2"), ("--drop-all",)):
        letters = done("subscriptions", "dead", "mail", *options, "--json")
        assert TypeAdapter(list[DeadLetterShape]).validate_json(letters)
    TypeAdapter(SubscriptionShape).validate_json(done("subscriptions", "delete", "mail", "--json"))


def test_every_line_of_tail_is_an_event(store: list[Event], done: Callable[..., str]) -> None:
    lines = done("tail", "--json").splitlines()
    assert [TypeAdapter(EventShape).validate_json(line)["id"] for line in lines] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "arguments", ["get 99", "log --limit x", "nonsense", "log --db none.db", "stats --profile none"]
)
def test_json_errors_keep_to_their_schema(arguments: str, store: list[Event], run: Callable[..., Result]) -> None:
    result = run(*arguments.split(), "--json")
    error = TypeAdapter(ErrorShape).validate_json(result.stderr)
    assert (result.stdout, result.exit_code) == ("", error["error"]["exit_code"])


@pytest.mark.parametrize("verb", ["stats", "verify", "log"])
def test_the_json_output_of_an_empty_store_keeps_to_its_schema(verb: str, done: Callable[..., str]) -> None:
    Kernel.from_profile().close()
    shape = {"stats": StatsShape, "verify": VerifyShape, "log": list[EventShape]}[verb]
    TypeAdapter(shape).validate_json(done(verb, "--json"))
