"""The size of a CRL is forecast as it is measured."""

from __future__ import annotations

import pytest
from pca_runtime.revocation.crl import PEM_MAX
from pca_runtime.revocation.crl_size import entries_that_fit, pem_bytes


@pytest.mark.parametrize(("entries", "measured"), [(1_000, 66_913), (4_500, 299_138)])
def test_the_forecast_is_within_a_hundred_bytes_of_what_was_measured(entries: int, measured: int) -> None:
    assert abs(pem_bytes(entries) - measured) < 100


def test_one_entry_more_than_fits_does_not_fit() -> None:
    assert pem_bytes(entries_that_fit()) <= PEM_MAX < pem_bytes(entries_that_fit() + 1)
