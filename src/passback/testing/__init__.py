"""The tests that every connector passes, for connectors of other packages as for ours.

A package that brings a connector says in one fixture named ``lms`` how to open it (`Lms`, `simulated`), and collects
the classes of `passback.testing.suite`. ``pip install 'passback[testing]'`` installs what this needs; nothing of the
gateway imports it. See docs/reference/connector-suite.md.
"""

try:
    import hypothesis  # noqa: F401
    import pytest
except ImportError as error:  # pragma: no cover
    raise ImportError("the suite for connectors needs: pip install 'passback[testing]'") from error

pytest.register_assert_rewrite("passback.testing.suite")
