"""How a command says that it cannot go on; `main` prints it on one line and exits."""


class CommandError(Exception):
    """Ends the command: the message goes to stderr on one line. Exit code 2 means that the command was mistyped."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(message)
