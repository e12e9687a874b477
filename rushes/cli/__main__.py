"""`python -m rushes.cli` is the command line too, for programs that start a server of their own."""

from rushes.cli.main import main

if __name__ == "__main__":
    main()
