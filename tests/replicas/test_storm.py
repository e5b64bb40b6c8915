"""Three replicas on one PostgreSQL, whose leaders die and sleep and whose database is torn away, do everything once."""

from datetime import timedelta
from pathlib import Path

from tests.replicas.storm import Weather, storm


def test_in_bad_weather_everything_that_is_due_happens_once(tmp_path: Path) -> None:
    """Half a minute of it; ten minutes are `make soak`. A leader sleeps for longer than its lease lasts."""
    outcome = storm(
        Weather(seconds=30, every=1.5, kills=(4, 8), sleeps=20, restarts=(10, 20), stays=timedelta(minutes=2)),
        tmp_path,
    )
    assert outcome.wrong == [], str(outcome)
    assert outcome.killed
    assert outcome.put_to_sleep
    assert outcome.restarted
