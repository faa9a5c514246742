import pytest

from pipeline.errors import ConfigError
from pipeline.secrets import hidden, with_password
from pipeline.settings import load_settings, origins

URL = "postgresql://me:geheim@db/x?sslpassword=geheim2"


def test_passwords_are_hidden_wherever_they_stand():
    shown = str(hidden({"a": URL, "b": [URL, "postgresql://h/x?password=geheim3"], "c": 5}))
    assert "geheim" not in shown
    assert "me:***@db" in shown


def test_a_password_takes_its_place_in_the_address():
    assert with_password("postgresql://me@db/x", "a@b/ü") == "postgresql://me:a%40b%2F%C3%BC@db/x"
    assert with_password("postgresql://me:old@db/x", "new") == "postgresql://me:new@db/x"
    assert with_password("sqlite:////x.db", "new") == "sqlite:////x.db"


def test_secrets_that_others_may_read_are_refused_with_all_other_mistakes(tmp_path):
    file = tmp_path / "zuofeng.toml"
    file.write_text(f'store = "{URL}"\nchunk = 0\n', encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(ConfigError) as e:
        load_settings(tmp_path)
    assert [d.split(" ")[0] for d in e.value.details] == ["store", "chunk"]
    assert "geheim" not in str(e.value)
    file.write_text(f'store = "{URL}"\n', encoding="utf-8")
    file.chmod(0o600)
    assert load_settings(tmp_path).store_url == URL


def test_the_password_comes_from_a_file_of_ones_own(tmp_path):
    (tmp_path / "zuofeng.toml").write_text(
        'store = "postgresql://me@db/x"\nstore_password_file = "key"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="没有文件"):
        load_settings(tmp_path)
    (tmp_path / "key").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_settings(tmp_path)
    (tmp_path / "key").chmod(0o400)
    assert load_settings(tmp_path).store_url == "postgresql://me:geheim@db/x"
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key").write_bytes("geheim\r\n".encode("utf-8-sig"))
    assert load_settings(tmp_path).store_url == "postgresql://me:geheim@db/x"


def test_every_setting_says_where_it_came_from(tmp_path, monkeypatch):
    (tmp_path / "zuofeng.toml").write_text('source = "in"\nchunk = 5\n', encoding="utf-8")
    monkeypatch.setenv("ZUOFENG_CHUNK", "7")
    monkeypatch.setenv("ZUOFENG_ALERT", "not json")
    with pytest.raises(ConfigError, match="JSON"):
        load_settings(tmp_path)
    monkeypatch.setenv("ZUOFENG_ALERT", '["a"]')
    found = origins(load_settings(tmp_path, store="sqlite:///x"), store="sqlite:///x")
    assert {n: found[n].split(" ")[0] for n in ("source", "chunk", "store", "alert", "state")} == {
        "source": "zuofeng.toml", "chunk": "环境变量", "store": "命令行", "alert": "环境变量", "state": "默认",
    }  # fmt: skip
