"""The world of the functions' tests."""

from tests.runtime.conftest import clients, world

__all__ = ["clients", "world"]
