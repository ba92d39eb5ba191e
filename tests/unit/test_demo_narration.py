from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.narration import WIDTH, Narrator


def narrated(tell):
    lines = []
    tell(Narrator(lines.append))
    return lines


def test_parts_are_numbered():
    lines = narrated(lambda n: (n.title("Demo"), n.heading("One"), n.heading("Two")))
    assert lines == ["Demo", "====", "", "1. One", "", "2. Two"]


@given(text=st.lists(st.text("abcé-", min_size=1, max_size=20), max_size=60).map(" ".join))
def test_nothing_is_wider_than_the_screen(text):
    lines = narrated(
        lambda n: (n.say(text), n.field("name", text), n.result("ok", text, text), n.quote(text), n.quote("x" * 300))
    )
    assert max(map(len, lines)) <= WIDTH


def test_a_quotation_keeps_every_character():
    word = "https://recepisse.example/r#" + "A" * 200
    lines = narrated(lambda n: n.quote(f"Lien\n{word}"))
    assert "".join(line.removeprefix("   | ") for line in lines[1:]) == word


def test_a_long_quotation_says_what_it_leaves_out():
    assert narrated(lambda n: n.quote("a\nb\nc\nd", most=2)) == ["   | a", "   | b", "   | … 2 more lines"]
