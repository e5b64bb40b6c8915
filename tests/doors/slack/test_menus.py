"""What has no button of its own on the board is in a menu, and does what its button would do."""

from pathlib import Path
from typing import Any

from tests.doors.slack.kit import ADA, office, site, words
from tests.twins.slack.client import SlackTwin


def menu_of(shown: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The block of the one menu, and its element."""
    [found] = [
        (block["block_id"], each)
        for block in shown["blocks"]
        if block["type"] == "actions"
        for each in block["elements"]
        if each["type"] == "overflow"
    ]
    return found


def test_what_is_chosen_from_the_menu_of_a_posting_opens_its_form_however_often(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        ada = there.person(ADA)
        ada.shortcut("posting")
        board = there.view(ada, "plain")
        block, menu = menu_of(board)
        choices = {each["text"]["text"]: each["value"] for each in menu["options"]}
        assert list(choices) == ["Extend", "Postpone", "Withdraw"]
        for _ in range(2):
            ada.choose(board, block, "more", choices["Postpone"])
            view = there.view(ada, "form")
            assert view["title"]["text"] == "Postpone a posting"
            assert "Baker" in words(view)
            ada.close(view)
        assert there.asked() == []
