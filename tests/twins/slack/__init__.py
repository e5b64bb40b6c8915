"""A strict stand-in for Slack, as far as postbot uses it: it takes less than Slack and forgives nothing.

It is a process of its own that speaks HTTP (Web API, `response_url`) and Socket Mode, keeps a log of effects in a file,
and has the workspace in it: channels, members, groups, and what each member has on the screen.

Start it, say who is there, and where the app under test listens:

    from tests.twins.slack.client import APP_TOKEN, SECRET, TOKEN, SlackTwin

    with SlackTwin.start() as twin:
        twin.channel("C0JOBS")
        twin.app(f"http://127.0.0.1:{port}/slack/events")          # secret=SECRET; or nothing, for Socket Mode
        twin.group("S0HR", "U0ADA", "U0BEN")                       # handle=, disabled=
        ada = twin.person("U0ADA", "ada@agency.gov", real_name="Ada L.", tz="America/New_York")
        bot = twin.person("U0ODD", bot=True)                       # disabled= guest= single_channel= stranger=
                                                                   # confirmed=False team="T0OTHER" name=
        joe = twin.person("U0JOE", by="socket")                    # the same verbs, through the websocket

The app's side: `WebClient(TOKEN, base_url=twin.url)`, `apps.connections.open` with `APP_TOKEN`, `SECRET` to check by.

**People.** Every verb builds the payload that Slack would send, sends it, and gives an `Answer(status, body, seconds)`:
`status` is that of HTTP, 200 for an acknowledged envelope, 0 where nothing came in time (3 seconds; `twin.patience`).
`answer.json()` is the body as an object. An answer that Slack would not take is an AssertionError that says why.

    ada.command("/posting", "close baker")                         # channel="D0ADA", her own with the bot
    ada.shortcut("open-board");  ada.message_shortcut("act-on", "C0JOBS", ts)
    ada.verifies()                                                 # url_verification
    ada.opens_home();            ada.home()                        # the view that was published for her, or None
    ada.view()                                                     # the modal on top, or None; `ada.views()`: all
    ada.click(ada.view(), "approve")                               # value="baker", block_id="b": which of several
    ada.click(twin.messages("C0JOBS")[-1], "approve")              # a message, also one of `ada.heard()`
    ada.choose(ada.view(), "reason", "why", "filled")              # select, picker, checkboxes, overflow
    ada.submit(ada.view(), {"when": {"date": "2026-03-09"}})       # the rest stays as it stands in the form
    ada.errors()                                                   # {block_id: sentence}: what the last submit was told
    ada.close(ada.view())                                          # None where the view asked not to hear of it
    ada.heard()                                                    # what only she sees: ephemeral messages, then her DM

Values are what a person picks: a text, an option's `value` (a list of them for several), `YYYY-MM-DD`, `HH:mm`,
seconds, a user's id; None empties a field. `submit` and `choose` refuse (AssertionError) what a person could not enter:
a value that is none of the options, a required field left empty, more than `max_length`, an e-mail or URL that is none,
a field that is not there. A view that is not on top cannot be used; it is used as it is now, a message as it was given.
As in Slack a field keeps what stands in it over `views.update` where block_id, action_id and type stay the same,
whatever its new initial value. A command and a shortcut need the scope `commands`.

    ada.again(answer)        # the very same bytes and signature once more: a replay (from as many threads as you like)
    ada.retry(answer)        # signed anew, X-Slack-Retry-Num 1, 2...; over the socket `retry_attempt`
    ada.send(body, headers)  # any bytes at all; nothing is read into the answer
    signed(body, SECRET, ts=None, **headers)   # of `people`: headers for a body, to make mutants of; ts in seconds
    ada.form("/posting", "help")    # of a command: the bytes that would be sent
    ada.workspace = "T0EVIL"        # what the payload says of the team, whatever is true
    Answer.sent                     # what was sent: `body`, `headers`, or `envelope`

**Messages and views** are held to Block Kit's published limits by `blocks.flaws(blocks)` (messages) and
`surfaces.view_flaws(view)` (modals, homes), which say every flaw with its place; empty means Slack takes it.

**Socket Mode.**

    twin.connections()               # how many are up; `twin.connected(1)` waits for so many
    twin.ping_every(2.0)             # seconds; 0: none
    twin.deaf()                      # no pings, no pongs, everything swallowed, and the line stays up; deaf(deaf=False)
    twin.cut()                       # the line is gone without a word
    twin.disconnect("refresh_requested")       # or "warning", "link_disabled"; the line is closed after the last two
    twin.refuse(3)                   # the next 3 connections fail in the handshake
    twin.lose_acks(1)                # the next acknowledgement is lost, and the envelope is delivered again

**Rights and faults.** `twin.scopes(...)`, `twin.revoke()`, `twin.fault(kind, method)` fail any method of the Web API;
`response` as a method fails what is sent to a `response_url`. `twin.patience(trigger=3.0, answer=3.0)` in seconds.

**What happened**: `twin.effects(...)`: `posted`, `updated`, `opened`, `deleted`, and for people `view-opened`,
`view-updated`, `view-published` (with `user`, `view`), `ephemeral`, `responded` (with `user`, `channel`, `told`),
`acknowledged` (with `user`, `what`: command, block_actions..., `by`, `status`, `seconds`).

What the twin says of Slack is from docs.slack.dev (reference/methods, reference/block-kit, reference/views,
reference/interaction-payloads, interactivity, apis/events-api/using-socket-mode, messaging/formatting-message-text);
that a reply to a thread which is gone becomes a message of its own is from github.com/slack-go/slack/issues/1571.
"""
