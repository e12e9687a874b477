import httpx2

from rushes.conformance.receiver import receiving


def test_deliveries_are_kept_and_answered_as_told_then_with_200() -> None:
    with receiving("127.0.0.1") as receiver, httpx2.Client(trust_env=False) as client:
        receiver.answers["/a"] = [500, 302]
        answers = [client.post(f"{receiver.url}/a", content=b"x", headers={"X-Mark": "1"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [500, 302, 200]
        came = receiver.wait("/a", 3, 5.0)
        assert [(delivery.body, delivery.headers["x-mark"]) for delivery in came] == [(b"x", "1")] * 3
        assert receiver.at("/other") == []


def test_a_request_by_another_method_is_seen_too_as_a_followed_redirect_makes_one() -> None:
    with receiving("127.0.0.1") as receiver, httpx2.Client(trust_env=False, follow_redirects=True) as client:
        receiver.answers["/a"] = [302]
        client.post(f"{receiver.url}/a", content=b"x")
        assert [delivery.body for delivery in receiver.at("/followed")] == [b""]


def test_a_file_is_served_and_nothing_else() -> None:
    with receiving("127.0.0.1") as receiver, httpx2.Client(trust_env=False) as client:
        receiver.files["/x.png"] = b"bytes"
        assert client.get(f"{receiver.url}/x.png").content == b"bytes"
        assert client.get(f"{receiver.url}/y.png").status_code == 404
