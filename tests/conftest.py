"""How the property tests run: always on the same examples, so that a red run is red again.

`pytest --hypothesis-profile=search` draws new ones, and more of them.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

collect_ignore = ["golden"]  # its files are texts to compare with

_SLOW = [HealthCheck.too_slow]  # this machine may be busy
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("search", deadline=None, suppress_health_check=_SLOW)
settings.load_profile("fixed")
