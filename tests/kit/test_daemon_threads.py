"""Functions run on few threads, and the end of the process waits for none of them."""

import subprocess
import sys
import threading
from concurrent.futures import wait

import pytest

from koine.kit import daemon_threads
from koine.kit.daemon_threads import DaemonThreads

HANGING = """
import threading
from koine.kit.daemon_threads import DaemonThreads
started = threading.Event()
def hang():
    started.set()
    threading.Event().wait()
DaemonThreads(1, "names").submit(hang)
started.wait()
"""


def test_results_and_errors_are_those_of_the_function() -> None:
    threads = DaemonThreads(2, "names")
    assert threads.submit(divmod, 7, 2).result(10) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result(10)


def test_no_more_run_at_once_than_there_are_threads() -> None:
    threads, both, names = DaemonThreads(2, "names"), threading.Barrier(2), set[int]()

    def work() -> None:
        names.add(threading.get_ident())
        both.wait(10)

    done = [threads.submit(work) for _ in range(8)]
    assert not wait(done, 10).not_done
    assert len(names) == 2


def test_what_was_cancelled_while_it_waited_does_not_run() -> None:
    threads, go, ran = DaemonThreads(1, "names"), threading.Event(), list[int]()
    first = threads.submit(go.wait, 10)
    assert threads.submit(ran.append, 1).cancel()
    last = threads.submit(ran.append, 2)
    go.set()
    assert first.result(10) and last.result(10) is None
    assert ran == [2]


def test_a_thread_without_work_ends_and_another_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_threads, "IDLE_SECONDS", 0.01)
    threads = DaemonThreads(1, "short-lived")
    first = threads.submit(threading.current_thread).result(10)
    first.join(10)
    assert not first.is_alive()
    assert threads.submit(threading.current_thread).result(10) is not first


def test_the_process_ends_though_a_function_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
