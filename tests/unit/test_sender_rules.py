"""The sender that a French handset shows: AF2M's rules, enforced when the channel is built."""

import pytest

from receipt_service.delivery.channels.sender_rules import GENERIC_WORDS, check_sender
from receipt_service.errors import ConfigurationError


@pytest.mark.parametrize("sender", ["RECEPISSE", "Recepisse", "PoliceNat", "DGPN", "ABC", "REC2026", "12345678A"])
def test_name_of_somebody_is_taken(sender: str):
    assert check_sender(sender) == sender


@pytest.mark.parametrize(
    "sender",
    [
        "POLICE INFO",
        "36111",
        "ALERTE",
        "alerte",
        "RECEPISSE123",
        "Préf",
        "AB",
        "",
        "A-B-C",
        "A.BC",
        "A_BC",
        " ABC",
        "ABC\n",
        "+33639980001",
        "33639980001",
        "RDV",
        "Colis",
        "rdv24",
        "1alerte1",
        "\uff21\uff22\uff23\uff24",
    ],
)
def test_sender_that_operators_would_refuse_is_refused(sender: str):
    with pytest.raises(ConfigurationError):
        check_sender(sender)


@pytest.mark.parametrize("word", sorted(GENERIC_WORDS))
def test_generic_words_are_spelt_as_they_are_compared(word: str):
    assert word.isascii()
    assert word == word.lower().strip("0123456789")


def test_refusal_does_not_repeat_the_setting():
    with pytest.raises(ConfigurationError) as caught:
        check_sender("SECRET VALUE")

    assert "SECRET" not in str(caught.value)
