"""Whatever a leaf and its disclosures look like: cut from their frame and joined again they are the same."""

from hypothesis import given
from hypothesis import strategies as st

from receipt_service.storage.frames import cut, join

PIECES = st.sampled_from(
    ['"_sd":["', '"]', "\n", '["', "s" * 22, '"', ',"legal_basis",{"catalogue":{', "}", "é€", '"x":1', "."]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)
BEGUN = TEXTS.map(lambda rest: '["' + "s" * 22 + '","legal_basis",{"catalogue":{' + rest)


@given(TEXTS, TEXTS | BEGUN)
def test_what_is_cut_comes_back_to_the_character(leaf, disclosures):
    assert join(cut(leaf, disclosures)) == (leaf, disclosures)


@given(TEXTS, TEXTS | BEGUN, TEXTS, TEXTS | BEGUN)
def test_frames_of_one_name_are_one_frame(leaf, disclosures, other_leaf, other_disclosures):
    one, other = cut(leaf, disclosures).frame, cut(other_leaf, other_disclosures).frame
    assert (one.id == other.id) == (one == other)


def test_of_a_receipt_only_what_differs_is_left():
    leaf = '{"alg":"ES256"}\n{"iss":"x","iat":1,"_sd":["a","b"],"_sd_alg":"sha-256"}\nsignature'
    first = '["' + "s" * 22 + '","legal_basis",{"catalogue":{"version":"1"},"bases":[]}]'
    part = cut(leaf, f"{first}\nsecond")
    assert part[1:] == ('a","b', "signature", '["' + "s" * 22 + '","bases":[]}]\nsecond')
    assert part.frame[1:] == (
        '{"alg":"ES256"}\n{"iss":"x","iat":1,"_sd":["',
        '"],"_sd_alg":"sha-256"}\n',
        ',"legal_basis",{"catalogue":{"version":"1"}',
    )
