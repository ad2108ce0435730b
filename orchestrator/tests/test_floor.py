"""The floor, fact by fact: who is heard, who waits, what is dropped, and that nothing gets lost between."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.actions import CancelReply, ShowFloor, StartReply
from orchestrator.floor import BREATH_MS, Floor, Ruling, addressed
from orchestrator.report import HEAD_CHARS, REPORT_CHARS_MOST, SHORT_CHARS
from orchestrator.settings import SourceSettings
from timeline.clock import NS_PER_MS
from timeline.events import ReplyDelta, ReplyEnded

LONG = " ".join(f"This is sentence number {number} of a long report." for number in range(12))


class Hall:
    """A floor, a clock, and what the core does with the two."""

    def __init__(self, *sources: SourceSettings) -> None:
        self.sources = sources or (SourceSettings("task", address=""),)
        self.floor = Floor(self.sources)
        self.numbers = itertools.count(1)
        self.turn = 0
        self.now_ns = 0
        self.actions = []
        self.replies = {}  # by source: the number of its newest reply

    def do(self, actions):
        self.actions += actions
        return actions

    def ask(self, text="what is it", turn=None):
        self.turn = self.turn + 1 if turn is None else turn
        for action in self.do(self.floor.ask(self.turn, text, (), self.numbers, self.now_ns)):
            if isinstance(action, StartReply):
                self.replies[action.source] = action.reply

    def write(self, text, source="task", end=True):
        self.do(self.floor.wrote(ReplyDelta(self.replies[source], text), self.now_ns))
        if end:
            self.do(self.floor.wrote(ReplyEnded(self.replies[source]), self.now_ns))

    def wait(self, ms):
        """Time passes; whoever's time has come is given the floor. Returns what is to be spoken."""
        self.now_ns += round(ms * NS_PER_MS)
        self.do(self.floor.expire(self.now_ns))
        report = self.floor.next(self.now_ns)
        if report is None:
            self.do(self.floor.announce())
            return None
        self.do(self.floor.give(report, self.now_ns))
        self.floor.taken(None)
        return report.take().strip()

    def hear(self, text, source="task", interrupted=False):
        """The report falls silent; unless somebody spoke, the floor is free again."""
        self.do(self.floor.heard(source, text, interrupted))
        if not interrupted:
            self.floor.freed(self.now_ns)

    def rulings(self, source="task"):
        return [str(a.ruling) for a in self.actions if isinstance(a, ShowFloor) and a.source == source]

    def last(self):
        return [a for a in self.actions if isinstance(a, ShowFloor)][-1]


# -- whom a turn concerns -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address", "meant"),
    [
        ("Computer, find the file.", "computer", True),
        ("COMPUTER: find it", "computer", True),
        ("  “Computer” find it", "Computer!", True),
        ("computer", "computer", True),
        ("Ask the computer.", "computer", False),
        ("Computers are slow", "computer", False),
        ("Computer's slow", "computer", False),
        ("hey Computer. Find it", "computer, hey computer", True),
        ("hey you computer", "hey computer", False),
        ("task find it", "computer, task", True),
        ("anything", "", True),
        ("anything", " , ", True),
        ("", "computer", False),
        ("", "", True),
        ("Übung, los", "übung", True),
    ],
)
def test_a_turn_is_meant_for_a_source_where_it_begins_with_its_name(text, address, meant):
    assert addressed(text, address) is meant


def test_only_the_sources_that_are_meant_are_asked():
    hall = Hall(SourceSettings("search", address="search"), SourceSettings("code", address="computer"))
    hall.ask("tell me a story")
    assert hall.actions == []
    hall.ask("Search, who is it?")
    assert [(a.reply, a.source) for a in hall.actions] == [(1, "search")]


def test_who_goes_on_after_the_name_was_said_need_not_say_it_again():
    hall = Hall(SourceSettings("task", address="computer"))
    hall.ask("computer find the book")
    hall.ask("about the moon", turn=hall.turn)
    assert [type(a) for a in hall.actions] == [StartReply, CancelReply, ShowFloor, StartReply]
    hall.ask("how are you")
    assert len(hall.actions) == 4, "another turn is none of its business"


# -- waiting --------------------------------------------------------------------------------


def test_a_report_is_given_the_floor_after_a_breath_of_silence():
    hall = Hall()
    hall.ask()
    hall.floor.taken(None)
    hall.write("It is a duck.")
    assert hall.wait(60_000) is None, "it speaks into the user's words"
    assert (hall.last().ruling, hall.last().text) == (Ruling.WAITS, "")
    hall.floor.freed(hall.now_ns)
    assert hall.wait(BREATH_MS - 1) is None
    assert hall.floor.deadline_ns() == hall.now_ns + NS_PER_MS
    assert hall.wait(1) == "It is a duck."
    hall.hear("It is a duck.")
    assert hall.rulings() == ["waits", "given", "heard"] and not hall.floor.busy


def test_a_sound_in_the_silence_makes_it_wait_for_another_breath():
    hall = Hall()
    hall.ask()
    hall.write("It is a duck.")
    hall.wait(BREATH_MS / 2)
    hall.floor.freed(hall.now_ns)
    assert hall.wait(BREATH_MS - 1) is None
    assert hall.wait(1) == "It is a duck."


def test_it_is_ready_when_it_is_whole_or_long_enough_to_outlast_a_pause():
    hall = Hall()
    hall.ask()
    hall.write("It is a duck. And ", end=False)
    assert hall.wait(60_000) is None
    hall.write("another thing, " * (HEAD_CHARS // 15) + "is that. And", end=False)
    said = hall.wait(0)
    assert said is not None and said.startswith("It is a duck. And another") and said.endswith("is that.")


def test_of_several_the_highest_comes_first_and_then_the_oldest():
    names = {"low": -1, "old": 0, "new": 0, "high": 0}
    hall = Hall(*(SourceSettings(name, address="", priority=priority) for name, priority in names.items()))
    hall.ask()
    hall.floor.taken(None)
    for source in ("low", "old", "new", "high"):
        hall.write(f"I am {source}.", source)
        hall.wait(10)
    hall.floor.freed(hall.now_ns)
    said = []
    while hall.floor.busy:
        text = hall.wait(100)
        if text is not None:
            said.append(text)
            hall.hear(text, text.split()[-1].strip("."))
    assert said == ["I am old.", "I am new.", "I am high.", "I am low."]


@pytest.mark.parametrize("priority", [-1, 0, 1])
@pytest.mark.parametrize("speaker", [None, "llm", "other"])
def test_a_higher_priority_cuts_another_source_and_never_the_user(priority, speaker):
    hall = Hall(SourceSettings("task", address="", priority=priority), SourceSettings("other", address="other"))
    hall.ask()
    hall.floor.taken(speaker)
    hall.write("Fire!")
    assert (hall.wait(10_000) == "Fire!") is (speaker is not None and priority > 0)


# -- ends -----------------------------------------------------------------------------------


def test_what_waits_too_long_is_dropped_and_shown():
    hall = Hall(SourceSettings("task", address="", patience_ms=5000))
    hall.ask()
    hall.wait(60_000)
    hall.floor.taken(None)
    hall.write("It is a duck.")
    hall.wait(4999)
    assert hall.rulings() == ["waits"] and hall.floor.deadline_ns() == hall.now_ns + NS_PER_MS
    hall.wait(1)
    assert hall.last() == ShowFloor(1, "task", Ruling.DROPPED, "it waited too long", "It is a duck.")
    assert not any(isinstance(action, CancelReply) for action in hall.actions), "it has ended already"
    assert not hall.floor.busy and hall.floor.deadline_ns() is None


def test_a_source_that_hangs_is_given_up():
    hall = Hall(SourceSettings("task", address="", work_ms=5000))
    hall.ask()
    hall.write("It is a", end=False)
    assert hall.floor.deadline_ns() == 5000 * NS_PER_MS
    hall.wait(5000)
    assert hall.actions[-2] == CancelReply(1)
    assert hall.last() == ShowFloor(1, "task", Ruling.DROPPED, "it took too long", "It is a")


@pytest.mark.parametrize("end", [False, True])
def test_a_newer_task_overtakes_what_was_not_said(end):
    hall = Hall()
    hall.ask()
    hall.floor.taken(None)
    hall.write("It is a duck.", end=end)
    hall.ask()
    assert (CancelReply(1) in hall.actions) is not end
    assert hall.last() == ShowFloor(1, "task", Ruling.DROPPED, "overtaken by a newer task", "It is a duck.")
    hall.do(hall.floor.wrote(ReplyDelta(1, "old words "), hall.now_ns))
    hall.write("It is a goose.")
    hall.floor.freed(hall.now_ns)
    assert hall.wait(BREATH_MS) == "It is a goose."


@pytest.mark.parametrize(("words", "said"), [("", None), ("It is", "It is"), ("\U0001f642", None)])
def test_what_a_source_wrote_before_it_failed_is_said(words, said):
    hall = Hall()
    hall.ask()
    hall.write(words, end=False)
    assert hall.do(hall.floor.failed(1, hall.now_ns)) is not None
    assert hall.wait(BREATH_MS) == said
    assert hall.floor.busy is (said is not None)
    assert hall.floor.failed(1, hall.now_ns) is None and hall.floor.failed(7, hall.now_ns) is None


@pytest.mark.parametrize("heard", ["", "It is"])
def test_cut_by_the_user_it_is_dropped_but_where_nothing_was_heard_it_waits_again(heard):
    hall = Hall()
    hall.ask()
    hall.write("It is a duck.")
    hall.wait(BREATH_MS)
    hall.hear(heard, interrupted=True)
    hall.wait(10)
    if heard:
        assert hall.last() == ShowFloor(1, "task", Ruling.DROPPED, "interrupted", "a duck.")
        assert not hall.floor.busy
    else:
        assert hall.last().ruling is Ruling.WAITS
        hall.floor.freed(hall.now_ns)
        assert hall.wait(BREATH_MS) == "It is a duck."


def test_given_and_not_begun_it_waits_when_the_user_speaks():
    hall = Hall()
    hall.ask()
    hall.write("It is a duck.")
    hall.now_ns += BREATH_MS * NS_PER_MS
    hall.floor.give(hall.floor.next(hall.now_ns), hall.now_ns)
    hall.floor.taken(None)
    hall.floor.take_back()
    assert hall.floor.holder is None
    hall.floor.freed(hall.now_ns)
    assert hall.wait(BREATH_MS) == "It is a duck."


def test_a_report_whose_words_run_out_gives_the_floor_back_and_goes_on_later():
    hall = Hall()
    hall.ask()
    hall.write(LONG + " And the", end=False)
    assert hall.wait(BREATH_MS) == LONG
    hall.hear(LONG)
    assert hall.rulings() == ["given", "yields"] and hall.floor.busy
    assert hall.wait(5000) is None
    hall.write(" rest.")
    assert hall.wait(0) == "And the rest."
    hall.hear("And the rest.")
    assert hall.last().ruling is Ruling.HEARD and not hall.floor.busy


def test_one_that_ends_after_all_of_it_was_heard_is_over():
    hall = Hall()
    hall.ask()
    hall.write(LONG + " ", end=False)
    hall.hear(hall.wait(BREATH_MS))
    hall.write("")
    assert hall.last().ruling is Ruling.HEARD and not hall.floor.busy


def test_a_long_report_that_had_to_wait_is_cut_to_its_first_sentences():
    hall = Hall(SourceSettings("task", address="", shorten_after_ms=5000))
    for waited_ms, text in ((5000, LONG), (4999, LONG), (5000, "It is a duck. " * 3)):
        hall.ask()
        hall.floor.taken(None)
        hall.write(text)
        hall.now_ns += (waited_ms - BREATH_MS) * NS_PER_MS
        hall.floor.freed(hall.now_ns)
        said = hall.wait(BREATH_MS)
        if waited_ms == 5000 and text is LONG:
            assert said.endswith(".") and SHORT_CHARS / 2 < len(said) <= SHORT_CHARS
            assert hall.last().ruling is Ruling.SHORTENED and f"{said} {hall.last().text}" == LONG
            assert hall.floor.holder.shortened
        else:
            assert said == text.strip() and not hall.floor.holder.shortened
        hall.hear(said)


def test_what_is_still_being_written_is_not_shortened():
    hall = Hall(SourceSettings("task", address="", shorten_after_ms=5000))
    hall.ask()
    hall.floor.taken(None)
    hall.write(LONG + " And", end=False)
    hall.wait(60_000)
    hall.floor.freed(hall.now_ns)
    assert hall.wait(BREATH_MS) == LONG


def test_a_source_that_never_stops_is_stopped():
    hall = Hall()
    hall.ask()
    for _ in range(REPORT_CHARS_MOST // 10 + 3):
        hall.write("ten chars.", end=False)
    assert hall.actions[1] == CancelReply(1)
    (cut,) = (a for a in hall.actions if isinstance(a, ShowFloor))
    assert cut.ruling is Ruling.SHORTENED and cut.text == "ten chars."
    assert len(hall.wait(BREATH_MS)) <= REPORT_CHARS_MOST


def test_the_end_of_the_session_shows_what_was_not_said():
    hall = Hall(SourceSettings("one", address=""), SourceSettings("two", address=""))
    hall.ask()
    hall.write("It is a duck.", "one")
    hall.write("It is a", "two", end=False)
    actions = hall.floor.stop()
    assert [a.text for a in actions if isinstance(a, ShowFloor)] == ["It is a duck.", "It is a"]
    assert [a for a in actions if isinstance(a, CancelReply)] == [CancelReply(2)]
    assert not hall.floor.busy


# -- any order ------------------------------------------------------------------------------

SOURCES = (
    SourceSettings("a", address="", patience_ms=20_000, work_ms=40_000, shorten_after_ms=3000),
    SourceSettings("b", address="bee", priority=1, patience_ms=5000, work_ms=30_000),
)
FACTS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["bee do it", "do it"])),
        st.tuples(st.just("write"), st.sampled_from("ab"), st.integers(1, 60)),
        st.tuples(st.just("end"), st.sampled_from("ab")),
        st.tuples(st.just("fail"), st.sampled_from("ab")),
        st.tuples(st.just("late"), st.integers(1, 4)),
        st.tuples(st.just("wait"), st.integers(0, 4000)),
        st.tuples(st.just("silence"), st.floats(0, 1)),
        st.tuples(st.just("user")),
        st.tuples(st.just("llm")),
    ),
    max_size=60,
)


class Story:
    """Plays facts as the core would and keeps account of every word."""

    def __init__(self) -> None:
        self.hall = Hall(*SOURCES)
        self.written, self.heard, self.open = set(), [], {}
        self.speaking = None  # (source, what it was given)
        self.words = itertools.count()

    def play(self, fact):
        getattr(self, fact[0])(*fact[1:])
        for action in self.hall.actions:
            if isinstance(action, CancelReply):
                self.open = {source: reply for source, reply in self.open.items() if reply != action.reply}

    def ask(self, text):
        self.user()
        before = dict(self.hall.replies)
        self.hall.ask(text)
        self.open |= dict(self.hall.replies.items() - before.items())

    def write(self, source, count):
        if source not in self.open:
            return
        words = [f"w{next(self.words)}" + ("." if n % 7 == 6 else "") for n in range(count)]
        self.written |= set(words)
        self.hall.write(" ".join(words) + " ", source, end=False)
        if self.speaking is not None and self.hall.floor.holder is not None:
            self.speaking = (self.speaking[0], self.speaking[1] + self.hall.floor.holder.take().split())

    def end(self, source):
        if source in self.open:
            self.hall.do(self.hall.floor.wrote(ReplyEnded(self.open.pop(source)), self.hall.now_ns))

    def fail(self, source):
        if source in self.open:
            self.hall.do(self.hall.floor.failed(self.open.pop(source), self.hall.now_ns))

    def late(self, ago):
        """A delta of a reply that was given up."""
        reply = max(self.hall.replies.values(), default=0) - ago
        if reply not in self.open.values():
            assert self.hall.floor.wrote(ReplyDelta(reply, "late "), self.hall.now_ns) == []

    def wait(self, ms):
        floor = self.hall.floor
        due = floor.next(self.hall.now_ns + ms * NS_PER_MS)
        if due is not None and self.speaking is not None:
            self.silence(0.5)  # the core cuts what is being said
        before = floor.holder
        text = self.hall.wait(ms)
        if text is not None:
            assert before is None and self.speaking is None, "two sources sound"
            self.speaking = (floor.holder.source.name, text.split())
            floor.taken(self.speaking[0])

    def silence(self, share):
        """What was being said falls silent: all of it was heard, or it was cut."""
        if self.speaking is not None:
            source, words = self.speaking
            self.speaking = None
            report = self.hall.floor.holder
            if report.source.name == source and not report.held:
                return
            words += report.take().split()
            heard = words[: round(share * len(words))]
            self.heard += heard
            self.hall.hear(" ".join(heard), source, interrupted=share < 1)
        self.hall.floor.freed(self.hall.now_ns)

    def user(self):
        if self.speaking is not None:
            self.silence(0.3)
        self.hall.floor.taken(None)

    def llm(self):
        if self.speaking is None:
            self.hall.floor.taken("llm")

    def account(self):
        shown = [w for a in self.hall.actions if isinstance(a, ShowFloor) for w in a.text.split()]
        return sorted(self.heard + shown)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(FACTS)
def test_whatever_happens_one_sounds_and_each_word_is_heard_or_shown_once(facts):
    story = Story()
    for fact in facts:
        story.play(fact)
        for report in story.hall.floor._reports.values():
            kept = sum(map(len, report.waits + report.given))
            assert kept <= REPORT_CHARS_MOST
            assert not report.held or report is story.hall.floor.holder
    story.user()
    story.hall.do(story.hall.floor.stop())
    assert story.account() == sorted(story.written)
