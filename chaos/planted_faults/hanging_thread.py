"""A thread of the process hangs for ever, as one does that asks a silent name server."""

import threading

from koine.server import run

threading.Thread(target=threading.Event().wait, daemon=False).start()

if __name__ == "__main__":
    run.main()
