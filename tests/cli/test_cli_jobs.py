"""`eventlite jobs`, all but `work` and `run`: jobs in a store, put in, seen and moved from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from eventlite import Kernel


@pytest.fixture
def jobs() -> dict[str, str]:
    """One job in every state in ./eventlite.db; their ids by state."""
    with Kernel.from_profile() as kernel:
        kernel.jobs.worker("greet")(lambda job: f"hello {job.data['to']}")

        @kernel.jobs.worker("poison")
        def poison(job: Any) -> None:
            raise ValueError("no \x1b[31m good")

        ids = {"done": kernel.jobs.enqueue("greet", {"to": "ada"}), "dead": kernel.jobs.enqueue("poison")}
        kernel.jobs.run_until_idle()
        ids["cancelled"] = kernel.jobs.enqueue("greet", {"to": "ben"})
        kernel.jobs.cancel(ids["cancelled"])
        ids["pending"] = kernel.jobs.enqueue("greet", {"to": "cleo"}, queue="mail", delay=3600)
        return ids


def listed(done: Callable[..., str], *arguments: str) -> list[str]:
    return [job["id"] for job in json.loads(done("jobs", *arguments, "--json"))]


def state_of(done: Callable[..., str], id: str) -> str:
    return str(json.loads(done("jobs", "show", id, "--json"))["state"])


def test_list_has_the_newest_first_and_filters(jobs: dict[str, str], done: Callable[..., str]) -> None:
    assert listed(done, "list") == [jobs[state] for state in ("pending", "cancelled", "dead", "done")]
    assert listed(done, "list", "--state", "done") == [jobs["done"]]
    assert listed(done, "list", "--queue", "mail") == [jobs["pending"]]
    assert listed(done, "list", "--name", "greet", "-n", "2") == [jobs["pending"], jobs["cancelled"]]
    assert listed(done, "dead") == listed(done, "list", "--name", "poison") == [jobs["dead"]]


def test_tables_show_no_control_characters(jobs: dict[str, str], done: Callable[..., str]) -> None:
    shown = done("jobs", "dead")
    assert "\x1b" not in shown
    assert r"ValueError: no \x1b[31m good" in shown
    assert r"ValueError: no \x1b[31m good" in done("jobs", "show", jobs["dead"])


def test_show_has_all_that_is_known(jobs: dict[str, str], done: Callable[..., str]) -> None:
    found = json.loads(done("jobs", "show", jobs["done"], "--json"))
    assert (found["state"], found["result"], found["data"]) == ("done", "hello ada", {"to": "ada"})
    found = json.loads(done("jobs", "show", jobs["dead"], "--json"))
    assert [(one["attempt"], one["error"]) for one in found["failures"]] == [(1, "ValueError: no \x1b[31m good")]
    assert '{"to":"ada"}' in done("jobs", "show", jobs["done"])


def test_retry_puts_dead_and_cancelled_jobs_back(jobs: dict[str, str], done: Callable[..., str]) -> None:
    assert "will run again" in done("jobs", "retry", jobs["dead"], jobs["cancelled"])
    assert state_of(done, jobs["dead"]) == state_of(done, jobs["cancelled"]) == "pending"


def test_retry_takes_all_dead_jobs(jobs: dict[str, str], done: Callable[..., str], run: Callable[..., Result]) -> None:
    assert listed(done, "retry", "--dead", "--name", "greet") == []
    assert listed(done, "retry", "--dead", "--name", "poison") == [jobs["dead"]]
    nothing = run("jobs", "retry", "--dead")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "Nothing to do" in nothing.stderr


def test_cancel_takes_a_pending_job_out(jobs: dict[str, str], done: Callable[..., str]) -> None:
    done("jobs", "cancel", jobs["pending"])
    assert state_of(done, jobs["pending"]) == "cancelled"


def test_a_dead_unique_job_whose_twin_waits_stays_dead(run: Callable[..., Result]) -> None:
    with Kernel.from_profile() as kernel:
        kernel.jobs.worker("poison")(lambda job: 1 / 0)
        id = kernel.jobs.enqueue("poison", unique="a")
        kernel.jobs.run_until_idle()
        kernel.jobs.enqueue("poison", unique="a", delay=60)
    result = run("jobs", "retry", id)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "unique job" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("show 99", 3, "there is no job '99'"),
        ("show x", 3, "there is no job 'x'"),
        ("retry 99", 3, "there is no job '99'"),
        ("retry {done}", 4, "is done and cannot be put back"),
        ("retry {pending}", 4, "is pending and cannot be put back"),
        ("retry", 2, "--dead"),
        ("retry {dead} --dead", 2, "--dead"),
        ("retry {dead} --name poison", 2, "--name goes with --dead"),
        ("cancel {done}", 4, "is done and cannot be cancelled"),
        ("cancel", 2, "ID"),
        ("list --state pendign", 2, "pending"),
        ("list -n 0", 2, "0"),
        ("prune --keep -1", 2, "-1"),
        ("stats --window 0", 2, "0"),
        ("list --db none.db", 3, "none.db"),
        ("limit mail --db none.db 2", 3, "none.db"),
        ("limit mail", 2, "--none"),
        ("limit mail 2 --none", 2, "--none"),
        ("limit mail 0", 2, "0"),
        ("unschedule nightly", 3, "there is no recurring job 'nightly'"),
        ("enqueue", 2, "JOB"),
        ("enqueue greet {{not}}", 2, "this is not JSON"),
        ("enqueue greet to", 2, "NAME=VALUE"),
        ("enqueue greet --delay -1", 2, "-1"),
        ("enqueue greet --at noon", 2, "noon"),
        ("enqueue greet --delay 5 --at 2099-01-01", 1, "a delay or a time, not both"),
        ("enqueue greet --priority 99999999999", 1, "priority"),
        ("enqueue greet --unique a --unique-data", 2, "not both"),
        ("enqueue greet --unique --json", 2, "it needs a text before --json"),
        ("work", 2, "--app"),
        ("run", 2, "--app"),
        ("work --app shop:set_up --queues a,,b", 2, "empty name"),
    ],
)
def test_what_cannot_be_is_said(
    jobs: dict[str, str], run: Callable[..., Result], arguments: str, code: int, words: str
) -> None:
    result = run("jobs", *arguments.format(**jobs).split())
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_a_paused_queue_begins_nothing_until_it_is_resumed(jobs: dict[str, str], done: Callable[..., str]) -> None:
    (paused,) = json.loads(done("jobs", "pause", "mail", "--json"))
    assert paused == {"name": "mail", "paused": True, "limit": None, "pending": 1, "running": 0}
    with Kernel.from_profile() as kernel:
        assert [queue.name for queue in kernel.jobs.queues() if queue.paused] == ["mail"]
    assert "open" in done("jobs", "resume", "mail")


def test_a_job_is_put_in_by_hand(done: Callable[..., str]) -> None:
    id = done("jobs", "enqueue", "greet", "to=ada", "n=3", "--queue", "mail", "--priority", "2").strip()
    found = json.loads(done("jobs", "show", id, "--json"))
    assert (found["name"], found["data"], found["state"]) == ("greet", {"to": "ada", "n": 3}, "pending")
    assert (found["queue"], found["priority"]) == ("mail", 2)
    at = json.loads(done("jobs", "enqueue", "greet", '{"to": "ben"}', "--at", "2099-01-01T12:00+02:00", "--json"))
    assert (at["data"], at["due"]) == ({"to": "ben"}, "2099-01-01T10:00:00.000000Z")


@pytest.mark.parametrize("unique", [("--unique", "order:1"), ("--unique-data",)], ids=["text", "data"])
def test_a_unique_job_is_put_in_once(unique: tuple[str, ...], done: Callable[..., str]) -> None:
    ids = {done("jobs", "enqueue", "greet", "to=ada", *unique, "--delay", "60") for _ in range(2)}
    assert len(ids) == 1


def test_a_limit_is_set_and_lifted(jobs: dict[str, str], done: Callable[..., str]) -> None:
    assert json.loads(done("jobs", "limit", "mail", "2", "--json"))[0]["limit"] == 2
    with Kernel.from_profile() as kernel:
        assert {queue.name: queue.limit for queue in kernel.jobs.queues()} == {"default": None, "mail": 2}
    assert json.loads(done("jobs", "limit", "mail", "--none", "--json"))[0]["limit"] is None


def test_a_recurring_job_is_forgotten(done: Callable[..., str]) -> None:
    with Kernel.from_profile() as kernel:
        kernel.jobs.recurring("report", cron="0 6 * * *", name="nightly")
        kernel.jobs.recurring("sweep", every=3600)
    assert done("jobs", "unschedule", "nightly") == "nightly: comes no more\n"
    assert [one["name"] for one in json.loads(done("jobs", "stats", "--json"))["recurring"]] == ["sweep"]


def test_stats_count_by_state_job_and_queue(jobs: dict[str, str], done: Callable[..., str]) -> None:
    found = json.loads(done("jobs", "stats", "--json"))
    assert found["states"] == {"pending": 1, "running": 0, "done": 1, "dead": 1, "cancelled": 1, "total": 4}
    assert found["statistics"]["by_name"]["greet"] == {"pending": 1, "done": 1, "cancelled": 1}
    assert [found["statistics"][rate] > 0 for rate in ("done_per_minute", "dead_per_minute")] == [True, True]
    assert [queue["name"] for queue in found["queues"]] == ["default", "mail"]
    text = done("jobs", "stats")
    assert all(word in text for word in ("greet", "poison", "mail", "done per minute", "on average"))


def test_prune_forgets_finished_jobs(jobs: dict[str, str], done: Callable[..., str]) -> None:
    assert json.loads(done("jobs", "prune", "--json")) == {"forgotten": 0}
    assert done("jobs", "prune", "--history", "0") == "forgot 3 jobs\n"
    assert listed(done, "list") == [jobs["pending"]]


def test_capabilities_are_shown(done: Callable[..., str]) -> None:
    with Kernel.from_profile():
        pass
    assert re.search(r"durable +yes +jobs and the positions", done("jobs", "capabilities"))
    found = json.loads(done("jobs", "capabilities", "--json"))
    assert (found["durable"], found["max_name"]) == (True, 255)


def test_jobs_that_end_with_their_process_are_not_looked_for(run: Callable[..., Result], tmp_path: Path) -> None:
    Path("threads.toml").write_text('[profile]\nextends = "balanced"\n[jobs]\nplugin = "threads"\n', encoding="utf-8")
    with Kernel.from_profile():
        pass
    result = run("jobs", "list", "--profile", "threads.toml")
    assert result.exit_code == 1
    assert "capability 'durable'" in result.stderr
