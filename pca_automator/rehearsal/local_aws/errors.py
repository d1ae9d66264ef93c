"""The one error of the local services: an AWS error code, its message and its HTTP status."""


class ServiceError(Exception):
    """What a local service answers instead of a result; ``code`` is the name botocore's model knows."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
