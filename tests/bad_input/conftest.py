"""The world of the authorization matrix, which knows who may call which route."""

from tests.authz_matrix.conftest import run

__all__ = ["run"]
