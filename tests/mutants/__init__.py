"""Mutation testing, ``make mutants``: would the tests notice? docs/adr/0010 says how, and why with our own tool."""
