"""Where the Lambda code is, whichever way the library was installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent

# Bytecode differs from machine to machine: with it in the asset, so would the asset's hash.
ASSET_EXCLUDES = ("**/__pycache__", "**/*.pyc", "*.egg-info", ".mypy_cache", ".ruff_cache")


def lambda_source() -> Path:
    """The directory with ``handlers``, ``pca_runtime`` and ``layer``.

    A wheel carries it inside the package, a checkout (and an editable install of one) beside it.

    Raises:
        FileNotFoundError: the installation is incomplete; names both places that were looked at.
    """
    candidates = (_PACKAGE / "lambda_src", _PACKAGE.parent / "lambda_src")
    for candidate in candidates:
        if (candidate / "handlers").is_dir():
            return candidate
    looked_at = ", ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(
        f"the Lambda code of pca-automator is missing; looked at: {looked_at}; reinstall the package"
    )
