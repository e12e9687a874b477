"""`python -m rushes` is the command line; what it does stands in rushes.cli."""

from rushes.cli.main import main

if __name__ == "__main__":
    main()
