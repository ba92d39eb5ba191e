"""Places to die at, and a process that forks a child for every death: it has imported everything once.

A child dies by SIGKILL: nothing is caught, nothing cleaned up.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(step: Callable[..., Any]) -> Callable[..., Any]:
    def done(*arguments: Any, **named: Any) -> Any:
        step(*arguments, **named)
        return die()

    return done


def at_call(step: Callable[..., Any], number: int) -> Callable[..., Any]:
    """Die instead of the call of that number."""
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return die() if calls == number else step(*arguments, **named)

    return counted


@contextmanager
def nursery(module: str) -> Iterator[Callable[..., int]]:
    """Start the process of a module that ends with ``answer_lines``; call what this gives to have a child run and die.

    It returns the child's exit code, the signal's number below 0 where one ended it.
    """
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(*arguments: str) -> int:
            process.stdin.write(json.dumps(arguments) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield ask
        process.stdin.close()


def answer_lines(run: Callable[..., None]) -> None:
    """Read lines of JSON, run each as the arguments of ``run`` in a child, and answer with how that ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(*json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer
