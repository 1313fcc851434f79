"""What ends the app with a sentence for its log."""


class AppError(Exception):
    """The app cannot start: what is wrong, where, and what to do.

    Args:
        message: the sentence.
        exit_code: of the app; 78 for options that only the owner can mend, as of the node.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
