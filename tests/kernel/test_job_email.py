"""An event starts a job, and the job sends an e-mail: over a real SMTP connection, across failures and restarts."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from typing import Any

import pytest

from eventlite import Kernel


def open_shop(sink: Any) -> Kernel:
    kernel = Kernel.from_profile()

    @kernel.jobs.worker("sendEmail", retries=2)
    def send_email(job: Any) -> str:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Message-ID"] = "shop@example.com", job.data["to"], f"<{job.id}@shop>"
        letter["Subject"] = "Welcome"
        letter.set_content(f"Hello {job.data['to']}")
        with smtplib.SMTP(sink.hostname, sink.port, timeout=20) as server:
            server.send_message(letter)
        return "sent"

    kernel.jobs.on_event("userRegistered", "sendEmail", lambda event: {"to": event.data["email"]})
    return kernel


@pytest.fixture(autouse=True)
def _alone(alone: None) -> None:
    """A directory of its own, and no settings from outside."""


def recipients(sink: Any) -> list[str]:
    return [letter["To"] for letter in sink.letters]


def test_each_event_sends_one_letter(mail_sink: Any) -> None:
    with open_shop(mail_sink) as kernel:
        for n in range(3):
            kernel.append("userRegistered", {"email": f"{n}@example.com"})
        kernel.append("userLeft", {"email": "9@example.com"})
        kernel.jobs.run_until_idle()
        kernel.jobs.run_until_idle()
        assert [job.result for job in kernel.jobs.list(state="done")] == ["sent"] * 3
    assert sorted(recipients(mail_sink)) == ["0@example.com", "1@example.com", "2@example.com"]
    assert mail_sink.letters[0].get_payload() == f"Hello {mail_sink.letters[0]['To']}\r\n"


def test_a_letter_of_an_event_before_the_restart_is_sent_after_it(mail_sink: Any) -> None:
    with open_shop(mail_sink) as kernel:
        kernel.append("userRegistered", {"email": "a@example.com"})
    with open_shop(mail_sink) as kernel:
        kernel.jobs.run_until_idle()
    assert recipients(mail_sink) == ["a@example.com"]


def test_a_server_that_refuses_is_tried_again(mail_sink: Any) -> None:
    mail_sink.refusals = 1
    with open_shop(mail_sink) as kernel:
        moment = kernel.clock()
        kernel.clock = lambda: moment
        kernel.append("userRegistered", {"email": "a@example.com"})
        kernel.jobs.run_until_idle()
        (job,) = kernel.jobs.list()
        assert (job.state, job.attempts, recipients(mail_sink)) == ("pending", 1, [])
        assert "451" in (job.error or "")
        moment += 86_400_000_000
        kernel.jobs.run_until_idle()
        assert [(one.state, one.attempts) for one in kernel.jobs.list()] == [("done", 2)]
    assert recipients(mail_sink) == ["a@example.com"]


def test_without_a_server_the_job_is_dead_and_can_be_put_back(mail_sink: Any) -> None:
    mail_sink.refusals = 3
    with open_shop(mail_sink) as kernel:
        moment = kernel.clock()
        kernel.clock = lambda: moment
        kernel.append("userRegistered", {"email": "a@example.com"})
        for _ in range(3):
            kernel.jobs.run_until_idle()
            moment += 86_400_000_000
        (dead,) = kernel.jobs.list(state="dead")
        assert [failure.attempt for failure in dead.failures] == [1, 2, 3]
        kernel.jobs.retry(dead.id)
        kernel.jobs.run_until_idle()
    assert recipients(mail_sink) == ["a@example.com"]
