"""The tests, as a package: `from tests import oracle, cases`."""
