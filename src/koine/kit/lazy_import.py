"""Modules that weigh megabytes and may never be needed: imported when first asked for something.

    if TYPE_CHECKING:
        from koine.kit import jwt_keys
    else:
        jwt_keys = Later("koine.engine.login.jwt_keys")

This is the one place where an import happens late.
"""

from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for a module; looks like it to whoever uses its names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """What the module has under this name. Raises what importing it raises."""
        return getattr(import_module(self._name), name)
