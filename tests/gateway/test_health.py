import httpx2

from tests.gateway.live import Gateway


def test_health_is_ok_without_a_key(gateway: Gateway) -> None:
    response = httpx2.get(f"{gateway.url}/health", trust_env=False)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_health_is_503_when_nothing_can_be_kept(gateway: Gateway) -> None:
    gateway.services.keys._database._writer.close()
    response = gateway.get("/health")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert "can't be written" in response.json()["detail"]


def test_only_reading_is_allowed(gateway: Gateway) -> None:
    assert gateway.client.post("/health").status_code == 405
    assert gateway.get("/health/x").status_code == 404
