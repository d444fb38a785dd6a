"""`python -m koine` is `koine`."""

from koine.cli import app

if __name__ == "__main__":
    app()
