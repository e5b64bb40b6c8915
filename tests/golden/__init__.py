"""Texts that were agreed upon, beside the tests: `pytest --update-golden` writes them anew, review reads the diff."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Golden:
    """Compares a text with the file that holds it, or writes that file."""

    update: bool

    def __call__(self, name: str, text: str) -> None:
        file = FOLDER / name
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        assert file.exists(), f"There is no {file.name} yet; make it with --update-golden and read it."
        assert text == file.read_bytes().decode()
