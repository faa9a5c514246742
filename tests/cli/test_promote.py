from pipeline.cli.promote import whoami


def test_who_types_sudo_did_it_not_the_account_all_of_them_share(monkeypatch):
    monkeypatch.setenv("LOGNAME", "zuofeng")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert whoami() == "zuofeng"
    monkeypatch.setenv("SUDO_USER", "fenxi")
    assert whoami() == "fenxi"
