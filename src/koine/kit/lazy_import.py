"""Large modules that may never be needed: imported when one of their names is first used.

    if TYPE_CHECKING:
        from koine.engine.verification import jwt_keys
    else:
        jwt_keys = LazyModule("koine.engine.verification.jwt_keys")

This is the one place where an import happens late.
"""

from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for a module, and has its names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """The module's attribute of this name. Raises what importing the module raises."""
        return getattr(import_module(self._name), name)
