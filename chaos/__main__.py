"""`python -m chaos <name>`, or `all`: run rigs, print what they measured, write it to a page."""

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
    """Run the rigs of the command line; exit with 1 when one missed its goal."""
    rigs = find_rigs()
    arguments = _arguments(rigs)
    chosen = list(rigs.values()) if arguments.name == "all" else [rigs[arguments.name]]
    reached_all = True
    for rig in chosen:
        _log(f"{rig.name}: {rig.title}")
        began = time.monotonic()
        figure = run(rig, arguments)
        seconds = time.monotonic() - began
        reached_all = reached_all and figure.ok
        _log(f"{rig.name}: {'reached' if figure.ok else 'NOT REACHED'}: {figure.line}")
        _log(f"{rig.name}: seed {arguments.seed}, {seconds:,.0f} s, {figure.counts}")
        if arguments.write is not None:
            figures_page.write(
                arguments.write,
                rig,
                figure,
                figures_page.Run(_command(arguments, rig), arguments.seed, seconds),
            )
    sys.exit(0 if reached_all else 1)


def find_rigs() -> dict[str, Rig]:
    """All rigs by name: the RIG of each module of this package that has one."""
    names = sorted(module.name for module in pkgutil.iter_modules(chaos.__path__))
    modules = [importlib.import_module(f"chaos.{name}") for name in names if name != "__main__"]
    values = [getattr(module, "RIG", None) for module in modules]
    return {rig.name: rig for rig in values if isinstance(rig, Rig)}


def run(rig: Rig, arguments: argparse.Namespace) -> Figure:
    """Run one rig in a temporary folder. A rig that raises has missed its goal."""
    with tempfile.TemporaryDirectory(prefix=f"koine-rig-{rig.name}-") as folder:
        settings = RigSettings(
            folder=Path(folder), n=arguments.n, seed=arguments.seed, short=arguments.short, log=_log
        )
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
                return loop.run(rig.run(settings))
        except Exception as error:
            # With `all`, the other rigs still have to run.
            traceback.print_exc()
            line = f"the rig failed: {error!r}"[:200]
            return Figure(rig=rig.name, params={}, counts={}, ok=False, line=line)


def _arguments(rigs: dict[str, Rig]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("name", choices=["all", *rigs], help="which rig")
    parser.add_argument("--n", type=int, help="how often (default: the rig's own number)")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the random choices (default 1)"
    )
    parser.add_argument("--short", action="store_true", help="as short as a test")
    parser.add_argument("--write", type=Path, help="keep the figures in this file's table")
    return parser.parse_args()


def _command(arguments: argparse.Namespace, rig: Rig) -> str:
    """The command that repeats this measurement."""
    words = ["python -m chaos", rig.name]
    words += [f"--n {arguments.n}"] if arguments.n is not None else []
    words += [f"--seed {arguments.seed}"] if arguments.seed != 1 else []
    words += ["--short"] if arguments.short else []
    return " ".join(words)


def _log(text: str) -> None:
    sys.stderr.write(f"chaos: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
