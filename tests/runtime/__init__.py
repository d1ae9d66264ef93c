"""Tests of lambda_src: real X.509, moto for the table, buckets and topics, recording fakes for the rest."""
