"""How thorough the property tests are: 300 examples at the desk, 10,000 where `CI` is set."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("desk", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), max_examples=10_000, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
