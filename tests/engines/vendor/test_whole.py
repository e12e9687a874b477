"""Outputs that come whole: which addresses they hold, and that each is replaced by its own file."""

from __future__ import annotations

from rushes.engines.vendor.whole import addresses, with_files

OUTPUT = {
    "video": {"url": "https://a/1.mp4", "content_type": "video/mp4", "poster": {"url": "https://a/inner.png"}},
    "images": [{"url": "https://a/2.png", "width": 64}, {"url": None}, {"url": "https://a/3.png"}],
    "seed": 7,
    "notes": ["https://a/no-file.txt"],
}


def test_each_file_is_found_in_order_and_keeps_what_we_do_not_know_of_it() -> None:
    assert list(addresses(OUTPUT)) == ["https://a/1.mp4", "https://a/2.png", "https://a/3.png"]
    made = with_files(OUTPUT, [{"url": "ours/1", "file_size": 9}, {"url": "ours/2"}, {"url": "ours/3"}])
    assert made["video"]["url"] == "ours/1"
    assert (made["video"]["content_type"], made["video"]["file_size"]) == ("video/mp4", 9)
    assert made["images"] == [{"url": "ours/2", "width": 64}, {"url": None}, {"url": "ours/3"}]
    assert (made["seed"], made["notes"]) == (7, OUTPUT["notes"])
    assert list(addresses(made)) == ["ours/1", "ours/2", "ours/3"]


def test_what_holds_no_file_stays() -> None:
    assert list(addresses(["x", 1, None, {"url": 5}])) == []
    assert with_files({"url": 5}, []) == {"url": 5}
