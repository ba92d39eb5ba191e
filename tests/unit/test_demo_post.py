from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.post import VERIFIED, Arrival, Post


def sms(number="A", address="+33639980001", fault=None):
    return Arrival(number, "sms", address, fault)


def test_a_promised_receipt_arrives():
    post = Post()
    assert post.promise("A", "sms", "+33639980001") is None
    assert post.awaited == 1
    assert post.arrive(sms()) == VERIFIED
    assert (post.awaited, list(post.lost()), list(post.too_many())) == (0, [], [])


def test_a_receipt_may_arrive_before_it_is_promised():
    post = Post()
    assert post.arrive(sms()) is None
    assert post.promise("A", "sms", "+33639980001") == VERIFIED
    assert (post.awaited, list(post.too_many())) == (0, [])


def test_each_channel_has_its_own_promise():
    post = Post()
    post.promise("A", "email", "a@example.org")
    assert post.arrive(sms()) is None
    assert list(post.lost()) == [("A", "email")]
    assert list(post.too_many()) == [("A", "sms")]


def test_a_second_copy_is_one_too_many():
    post = Post()
    post.promise("A", "sms", "+33639980001")
    assert [post.arrive(sms()) for _ in range(3)] == [VERIFIED, None, None]
    assert list(post.too_many()) == [("A", "sms"), ("A", "sms")]


def test_another_address_and_a_bad_verdict_are_told():
    post = Post()
    post.promise("A", "sms", "+33639980002")
    assert post.arrive(sms()) == "at another address"
    post.promise("B", "sms", "+33639980001")
    assert post.arrive(sms("B", fault="signature_invalid")) == "signature_invalid"


@given(order=st.permutations([("promise", n) for n in "ABC"] + [("arrive", n) for n in "ABC"]))
def test_in_any_order_everything_meets_once(order):
    post = Post()
    findings = [
        post.promise(number, "sms", "+33639980001") if event == "promise" else post.arrive(sms(number))
        for event, number in order
    ]
    assert findings.count(VERIFIED) == 3
    assert (post.awaited, list(post.too_many())) == (0, [])
