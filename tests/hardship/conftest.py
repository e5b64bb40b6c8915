"""Hardships befall the worlds of the stories: each test is told of a plain git site and of one on GitHub, unless it says."""

from tests.stories.conftest import github, kept, post, pytest_generate_tests, servers, slack, workspace

__all__ = ["github", "kept", "post", "pytest_generate_tests", "servers", "slack", "workspace"]
