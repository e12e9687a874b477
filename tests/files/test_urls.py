import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.files.urls import own_file, stored_url

ID = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:8787/files/b/{ID}/x.png",
        f"https://v3b.fal.media/files/b/{ID}/x.png",
        f"https://example.com/cdn/files/b/{ID}/a%20b.png?download=1#t=3",
        f"http://localhost//files/b/{ID}//x.png",
        f"rushes-file:/{ID}/x.png",
    ],
)
def test_every_way_to_write_a_stored_file_gives_its_id(url: str) -> None:
    assert own_file(url) == ID


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.png",
        "data:image/png;base64,AAAA",
        f"/files/b/{ID}/x.png",
        f"ftp://host/files/b/{ID}/x.png",
        f"https://host/files/a/{ID}/x.png",
        f"https://host/files/b/{ID}",
        f"https://host/files/b/{ID}/x/y.png",
        f"https://host/files/b/{ID.upper()}/x.png",
        "https://host/files/b/..%2f..%2fetc/passwd",
        "https://host/files/b/123/x.png",
        "https://[half/files/b/1/2",
    ],
)
def test_anything_else_is_not_ours(url: str) -> None:
    assert own_file(url) is None


@given(st.text(min_size=1, max_size=50))
def test_the_stored_form_leads_back_whatever_the_name(name: str) -> None:
    assert own_file(stored_url(ID, name)) == ID


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    own_file(text)
    own_file(f"https://{text}")
