"""The matrix's own world: who may call what is known there."""

from tests.authz_matrix.conftest import run

__all__ = ["run"]
