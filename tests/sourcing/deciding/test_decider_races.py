"""Many processes decide about one thing, some are killed: the rule holds, and no answer was given in vain.

EVENTLITE_TEST_LONG=1 makes the race longer.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from eventlite import Kernel

RACER = """
import json, sys
from eventlite import Decider, Kernel, NewEvent, Query

sections, racer, courses, seats = json.loads(sys.argv[1]), *map(int, sys.argv[2:])

class Full(Exception):
    pass

def enrol(command, taken):
    course, student = command
    if len(taken) >= seats:
        raise Full
    if student in taken:
        raise AssertionError(f"{student} has a seat already")
    return [NewEvent("enrolled", {"student": student, "seat": len(taken) + 1}, tags=[f"course:{course}"])]

def evolve(taken, event):
    return [*taken, event.data["student"]]

decider = Decider(enrol, evolve, list, lambda command: Query(tags=[f"course:{command[0]}"]))

with Kernel.from_profile(**sections) as kernel:
    print("ready", flush=True)
    sys.stdin.readline()
    for course in range(courses):
        full = False
        attempt = 0
        while not full:
            student = f"{racer}.{attempt}"
            attempt += 1
            try:
                (event,) = kernel.decide(decider, (course, student), key=f"{course}/{student}", retries=1000)
                print(json.dumps([course, student, event.id]), flush=True)
            except Full:
                full = True
print("done", flush=True)
"""


def test_racers_never_pass_the_limit_and_lose_no_acknowledged_seat(
    start: Callable[..., Any], shared: str, dice: random.Random, long: bool
) -> None:
    racers, killed, courses, seats = 16, 4, 30 if long else 4, 24
    with Kernel.from_profile(**json.loads(shared)):
        pass
    processes = [start(RACER, shared, number, courses, seats) for number in range(racers)]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for victim in dice.sample(processes, killed):
        time.sleep(dice.uniform(0, 0.2))
        victim.send_signal(signal.SIGKILL)
    answers = [process.communicate(timeout=100) for process in processes]
    lines = [line for output, _ in answers for line in output.splitlines() if line.endswith("]")]
    acknowledged = [tuple(json.loads(line)) for line in lines]
    finished = [output.endswith("done\n") for output, _ in answers]
    assert sum(finished) >= racers - killed, [errors for _, errors in answers if errors]
    with Kernel.from_profile(**json.loads(shared)) as kernel:
        events = list(kernel.read())
        assert not kernel.verify().problems
    stored = [(int(event.tags[0].removeprefix("course:")), event.data["student"], event.id) for event in events]
    assert Counter(course for course, *_ in stored) == dict.fromkeys(range(courses), seats)
    assert len({(course, student) for course, student, _ in stored}) == len(stored)
    assert set(acknowledged) <= set(stored)
    for course in range(courses):
        mine = [event.data["seat"] for event in events if event.tags == (f"course:{course}",)]
        assert mine == list(range(1, seats + 1))
