"""`python -m chaos <name>`, or `all`: run chaos, say what they measured, keep it in a table."""

import argparse
import asyncio
import importlib
import pkgutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import uvloop

import chaos
from chaos import figures_page
from chaos.rig import Figure, Rig, RigSettings


def main() -> None:
    """Run what was asked for; exits 1 when a goal was not reached."""
    known = found()
    given = _arguments(known)
    chosen = list(known.values()) if given.name == "all" else [known[given.name]]
    good = True
    for rig in chosen:
        _say(f"{rig.name}: {rig.title}")
        began = time.monotonic()
        figure = run(rig, given)
        seconds = time.monotonic() - began
        good = good and figure.ok
        _say(f"{rig.name}: {'reached' if figure.ok else 'NOT REACHED'}: {figure.line}")
        _say(f"{rig.name}: seed {given.seed}, {seconds:,.0f} s, {figure.counts}")
        if given.write is not None:
            figures_page.write(
                given.write,
                rig,
                figure,
                figures_page.Run(_command(given, rig), given.seed, seconds),
            )
    sys.exit(0 if good else 1)


def found() -> dict[str, Rig]:
    """Every rig by its name: each module of this package that has a RIG."""
    names = sorted(module.name for module in pkgutil.iter_modules(chaos.__path__))
    modules = [importlib.import_module(f"chaos.{name}") for name in names if name != "__main__"]
    every = [getattr(module, "RIG", None) for module in modules]
    return {rig.name: rig for rig in every if isinstance(rig, Rig)}


def run(rig: Rig, given: argparse.Namespace) -> Figure:
    """Run one rig in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix=f"koine-rig-{rig.name}-") as folder:
        settings = RigSettings(
            folder=Path(folder), n=given.n, seed=given.seed, short=given.short, say=_say
        )
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
                return loop.run(rig.run(settings))
        except Exception as error:
            # The other chaos are still to be run.
            traceback.print_exc()
            line = f"the rig broke off: {error!r}"[:200]
            return Figure(rig=rig.name, params={}, counts={}, ok=False, line=line)


def _arguments(known: dict[str, Rig]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("name", choices=["all", *known], help="which rig")
    parser.add_argument("--n", type=int, help="how often (default: the rig's own number)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice (default 1)")
    parser.add_argument("--short", action="store_true", help="as short as a test")
    parser.add_argument("--write", type=Path, help="keep the figures in this file's table")
    return parser.parse_args()


def _command(given: argparse.Namespace, rig: Rig) -> str:
    """What to type to measure the same again."""
    words = ["python -m chaos", rig.name]
    words += [f"--n {given.n}"] if given.n is not None else []
    words += [f"--seed {given.seed}"] if given.seed != 1 else []
    words += ["--short"] if given.short else []
    return " ".join(words)


def _say(text: str) -> None:
    sys.stderr.write(f"chaos: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
