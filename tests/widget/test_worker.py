"""The worker thread: the latest job wins."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gradeclip_widget.widget.backend.worker import Check, Superseded, Worker

from ..fakes import Gate

PATIENCE = 30  # seconds until a waiting test fails


@pytest.fixture
def changed() -> threading.Condition:
    return threading.Condition()


@pytest.fixture
def worker(changed: threading.Condition) -> Iterator[Worker]:
    worker = Worker(changed, idle=PATIENCE)
    yield worker
    worker.close()
    worker.wait(PATIENCE)


def writes(out: list[Any], value: Any) -> Callable[[Check], None]:
    """A job that writes a value."""

    def job(check: Check) -> None:
        check()
        out.append(value)

    return job


def waits(gate: Gate, out: list[Any], value: Any) -> Callable[[Check], None]:
    """A job that waits at a gate before it writes a value."""

    def job(check: Check) -> None:
        gate.passed()
        check()
        out.append(value)

    return job


def test_a_job_runs_on_another_thread(worker: Worker) -> None:
    out: list[threading.Thread] = []
    worker.submit(lambda check: out.append(threading.current_thread()))
    worker.wait(PATIENCE)
    assert len(out) == 1
    assert out[0] is not threading.current_thread()
    assert out[0].daemon


def test_submit_does_not_wait_for_the_job(worker: Worker) -> None:
    gate, out = Gate(), list[int]()
    gate.shut()
    worker.submit(waits(gate, out, 1))
    assert worker.busy
    assert out == []
    gate.open()
    worker.wait(PATIENCE)
    assert not worker.busy
    assert out == [1]


def test_the_latest_job_runs_and_the_running_one_ends_at_its_next_check(worker: Worker) -> None:
    gate, out = Gate(), list[int]()
    gate.shut()
    worker.submit(waits(gate, out, 0))
    assert gate.reached.wait(PATIENCE)
    for n in range(1, 30):
        worker.submit(writes(out, n))
    gate.open()
    worker.wait(PATIENCE)
    assert out == [29]


def test_a_job_that_was_cancelled_writes_nothing(worker: Worker) -> None:
    gate, out = Gate(), list[int]()
    gate.shut()
    worker.submit(waits(gate, out, 0))
    assert gate.reached.wait(PATIENCE)
    worker.cancel()
    gate.open()
    worker.wait(PATIENCE)
    assert out == []


def test_superseded_is_not_caught_with_every_exception() -> None:
    assert not issubclass(Superseded, Exception)


def test_an_error_in_a_job_is_reported_and_the_next_job_runs(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))
    out: list[int] = []
    worker.submit(lambda check: out[0])
    worker.wait(PATIENCE)
    worker.submit(writes(out, 1))
    worker.wait(PATIENCE)
    assert [type(error) for error in reported] == [IndexError]
    assert out == [1]


def test_waiting_ends_after_the_timeout(worker: Worker) -> None:
    gate = Gate()
    gate.shut()
    worker.submit(waits(gate, [], 0))
    with pytest.raises(TimeoutError, match=r"0\.01 s"):
        worker.wait(0.01)
    gate.open()


def test_a_job_that_waits_for_itself_is_an_error(worker: Worker) -> None:
    errors: list[BaseException] = []

    def job(check: Check) -> None:
        with pytest.raises(RuntimeError, match="worker thread") as caught:
            worker.wait()
        errors.append(caught.value)

    worker.submit(job)
    worker.wait(PATIENCE)
    assert errors


def test_waiting_releases_the_lock_for_jobs(worker: Worker, changed: threading.Condition) -> None:
    out: list[int] = []

    def job(check: Check) -> None:
        with changed:
            out.append(1)

    with changed:
        worker.submit(job)
        worker.wait(PATIENCE)
    assert out == [1]


def test_there_is_no_thread_before_the_first_job_and_after_the_last(
    changed: threading.Condition,
) -> None:
    worker = Worker(changed, idle=0)
    assert not worker.alive
    for _ in range(2):
        worker.submit(lambda check: None)
        with changed:
            assert changed.wait_for(lambda: not worker.alive, PATIENCE)


def test_a_closed_worker_ends_its_thread_and_rejects_jobs(
    worker: Worker, changed: threading.Condition
) -> None:
    worker.submit(lambda check: None)
    worker.close()
    with changed:
        assert changed.wait_for(lambda: not worker.alive, PATIENCE)
    with pytest.raises(RuntimeError, match="closed"):
        worker.submit(lambda check: None)


def test_the_worker_has_no_reference_to_a_job_that_is_done(worker: Worker) -> None:
    class Thing:
        pass

    thing = Thing()
    gone = weakref.ref(thing)
    worker.submit(lambda check, thing=thing: None)  # type: ignore[misc]
    worker.wait(PATIENCE)
    del thing
    gc.collect()
    assert gone() is None
    assert worker.alive


def test_work_ends_before_the_interpreter_ends() -> None:
    code = """
import threading
from gradeclip_widget.widget.backend.worker import Worker

started = threading.Event()

def job(check):
    try:
        while True:
            check()
            started.set()
    finally:
        print("ended")

Worker(threading.Condition()).submit(job)
started.wait()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("ended\n", "")
