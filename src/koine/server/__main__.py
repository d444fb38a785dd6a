"""What `koine serve` becomes: the server of the environment's settings."""

from koine.server.run import main

if __name__ == "__main__":
    main()
