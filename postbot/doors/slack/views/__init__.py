"""What people see in Slack and fill in there: views and blocks from values, and values from what was filled in.

Pure: no client, no clock, no files. Whatever a posting or a person says stands in plain text, or in mrkdwn that means
nothing to Slack. All dates are the site's, with their weekday and zone. Blocks are plain JSON values; their limits
are Slack's (docs.slack.dev, reference/block-kit).

    scene.py    Scene (one site as last seen), Sight (who looks), Verb (what a button, a command or a form does),
                Turn (which page of the board), ref_of (how a posting is named), found_by(scenes, ref, sight)
    parts.py    Said (a message: `text` and at most 50 `blocks`), Carried (what a view carries to its next step), and
                the pieces that everything else is made of
    board.py    board(scenes, sight, turn=Turn()) -> Said        home(scenes, sight, turn=Turn()) -> the App Home view
    speech.py   show(scene, posting, sight) -> Said              history(scene, posting, entries) -> Said
                several(verb, found, sight) -> Said              unclear(command, found, sight) -> Said
                help_text() -> Said                              notice(sentence) -> Said
                busy(request, zone, verb) -> a sentence          as_modal(said, title) -> a view without a submit button
    asks.py     which fields a form asks for; drawn by `form`, read by `reading`
    form.py     form(scene, posting, verb, told=(), pull=None, heard_of=0, day="", reason=None, seen="") -> a modal
    reading.py  read(scene, posting, verb, values) -> Wish | Errors
                read_words(values) -> str | Errors               read_until(scene, values) -> datetime | Errors
    summary.py  summary(scene, posting, wish, carried) -> a modal
                changed(scene, posting, carried) -> a modal      warnings(scene, posting, wish) -> sentences

Steps: `form` is opened (or pushed, or put in the place of another view). At its submit, find the posting by
`Carried.read(view["private_metadata"]).ref`; another blob than `carried.blob` gets `changed`; else `read` what
`view["state"]["values"]` holds. `Errors` go back as `{"response_action": "errors", "errors": ...}`, a wish as
`{"response_action": "update", "view": summary(...)}`. At the submit of that, `carried.wish` is what is asked for; look
at blob and rights again, and ask `wants.why_not` before it is filed. `told` are sentences to stand at the top of a
form: that somebody else is at it (`busy`), or, for an undo, what will be taken back.

Names that come back in interactions:

    callback_id     of views: FORM, SUMMARY, CHANGED, or PLAIN for one that only shows something
    action_id       of buttons: "do:VERB" (`Verb.of_action`), its value a ref, or REF/NUMBER/LINES where it is about a
                    pull request (`named` and `lines_named`; older cards name no lines); "turn:N" (`Turn.of_value` of
                    its value); "link:N" for one that only leads somewhere (acknowledge it, and do nothing). "more" is a
                    menu: `pressed` tells of it as of the button in whose place it was used
    block_id        of inputs: "field:KEY", "time:KEY" for the time of a day, "reason", "words", "until"; the action_id
                    of the element in each is "value"
"""

from postbot.core.announce.words import ref_of
from postbot.doors.slack.views.board import board, home
from postbot.doors.slack.views.form import form
from postbot.doors.slack.views.parts import (
    CHANGED,
    FORM,
    MOST_IN_MESSAGE,
    MOST_IN_VIEW,
    PLAIN,
    SUMMARY,
    Carried,
    Json,
    Said,
    lines_named,
    named,
    pressed,
)
from postbot.doors.slack.views.reading import Errors, read, read_until, read_words
from postbot.doors.slack.views.scene import Found, Group, Scene, Sight, Turn, Verb, found_by
from postbot.doors.slack.views.speech import as_modal, busy, help_text, history, notice, several, show, unclear
from postbot.doors.slack.views.summary import changed, summary, warnings

__all__ = [
    "CHANGED",
    "FORM",
    "MOST_IN_MESSAGE",
    "MOST_IN_VIEW",
    "PLAIN",
    "SUMMARY",
    "Carried",
    "Errors",
    "Found",
    "Group",
    "Json",
    "Said",
    "Scene",
    "Sight",
    "Turn",
    "Verb",
    "as_modal",
    "board",
    "busy",
    "changed",
    "form",
    "found_by",
    "help_text",
    "history",
    "home",
    "lines_named",
    "named",
    "notice",
    "pressed",
    "read",
    "read_until",
    "read_words",
    "ref_of",
    "several",
    "show",
    "summary",
    "unclear",
    "warnings",
]
