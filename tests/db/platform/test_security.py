"""What the checklist of docs/operations/security.md asks of pages, sessions and passwords, and stands nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as real_settings
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.core import mail
from django.test import Client

from tests.api.conftest import new_key
from tests.staff import PASSWORD, make_member, make_user, sign_in
from trunkline.platform.accounts.passwords import Scrypt

CHANGE = "/accounts/password/change/"
NEW = "a horse of another colour"


def cookie(client: Client) -> str:
    return client.cookies[real_settings.SESSION_COOKIE_NAME].value


def change(client: Client, password: str, *, current: str = PASSWORD) -> Any:
    return client.post(CHANGE, {"oldpassword": current, "password1": password, "password2": password})


@pytest.fixture
def ada(tenant: Any) -> Client:
    """Ada, who has signed in with her password."""
    make_member(tenant)
    client = Client()
    assert client.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD}).status_code == 302
    return client


def test_nobody_keeps_a_page_or_an_answer(tenant: Any) -> None:
    client = sign_in(Client(), make_member(tenant).user)
    pages = ["/office/", "/accounts/email/", "/accounts/login/", "/no/such/page/", "/health"]
    kept = {page: client.get(page).headers["Cache-Control"] for page in pages}
    assert [page for page, said in kept.items() if "no-store" not in said] == []
    answer = Client().get("/api/v1/accounts", headers={"Authorization": f"Bearer {new_key(tenant)}"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_an_answer_of_the_api_is_a_file_and_no_page(tenant: Any) -> None:
    key = {"Authorization": f"Bearer {new_key(tenant)}"}
    for answer in (Client().get("/api/v1/accounts", headers=key), Client().get("/api/v1/accounts")):
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind in ("application/json", "application/problem+json")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="api.json"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "GET\nX: y"])
@pytest.mark.parametrize("page", ["/accounts/login/", "/office/", "/api/v1/accounts", "/health"])
def test_a_method_that_nothing_here_has_is_refused(
    db: None, capsys: pytest.CaptureFixture[str], page: str, method: str
) -> None:
    response = Client().generic(method, page)
    assert response.status_code == 405
    assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert method not in capsys.readouterr().err


def test_no_answer_names_a_version_of_ours(db: None) -> None:
    response = Client().get("/accounts/login/")
    assert {"Server", "X-Powered-By", "Via"} & set(response.headers) == set()


def test_no_other_site_reads_our_answers(tenant: Any) -> None:
    key = {"Authorization": f"Bearer {new_key(tenant)}", "Origin": "https://evil.example"}
    for address in ("/api/v1/accounts", "/accounts/login/"):
        for response in (Client().get(address, headers=key), Client().options(address, headers=key)):
            assert [name for name in response.headers if name.startswith("Access-Control-")] == []


def test_a_session_gets_another_name_when_somebody_signs_in(tenant: Any) -> None:
    make_member(tenant)
    client = Client()
    session = client.session
    session["seen"] = "before"
    session.save()
    client.cookies[real_settings.SESSION_COOKIE_NAME] = session.session_key
    given = cookie(client)
    client.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
    assert cookie(client) != given
    stranger = Client()
    stranger.cookies[real_settings.SESSION_COOKIE_NAME] = given
    assert stranger.get("/accounts/email/").status_code == 302


def test_who_signs_out_is_out_whoever_has_kept_the_cookie(ada: Client) -> None:
    kept = cookie(ada)
    assert ada.get("/accounts/email/").status_code == 200
    ada.post("/accounts/logout/")
    stranger = Client()
    stranger.cookies[real_settings.SESSION_COOKIE_NAME] = kept
    assert stranger.get("/accounts/email/").status_code == 302


def test_cookies_are_kept_from_scripts_and_from_other_sites(ada: Client) -> None:
    ada.get("/accounts/email/")
    found = {
        name: (bool(each["httponly"]), each["samesite"], each["path"], each["domain"])
        for name, each in ada.cookies.items()
        if each["max-age"] != 0  # one that is taken away
    }
    assert found == dict.fromkeys(
        (real_settings.SESSION_COOKIE_NAME, real_settings.CSRF_COOKIE_NAME), (True, "Lax", "/", "")
    )


@pytest.mark.parametrize(
    "password",
    ["short one", "passwordpassword", "ada@example.com", "x" * 129],
    ids=["eleven or less", "common", "one's own address", "longer than 128"],
)
def test_a_bad_password_is_refused(ada: Client, password: str) -> None:
    assert change(ada, password).status_code == 200
    assert Client().post("/accounts/login/", {"login": "ada@example.com", "password": password}).status_code == 200


@pytest.mark.parametrize(
    "password",
    [
        "correct  horse battery",
        "пароль длинный очень",
        "🐎🐎🐎🐎🐎🐎 galop 🐎🐎",
        "k" * 20 + "j" * 44,
        "0123 456 789 0 98",
    ],
    ids=["spaces", "another script", "pictures", "64 characters", "digits alone"],
)
def test_any_characters_make_a_password_and_all_of_them_count(ada: Client, password: str) -> None:
    assert change(ada, password).status_code == 302
    login = {"login": "ada@example.com", "password": password[:-1]}
    assert Client().post("/accounts/login/", login).status_code == 200
    assert Client().post("/accounts/login/", login | {"password": password}).status_code == 302


def test_a_new_password_needs_the_old_one_and_is_told_by_mail(ada: Client) -> None:
    assert change(ada, NEW, current="something else entirely").status_code == 200
    assert mail.outbox == []
    assert change(ada, NEW).status_code == 302
    (told,) = mail.outbox
    assert told.to == ["ada@example.com"]
    assert NEW not in f"{told.subject}{told.body}"


def test_passwords_cost_64_mebibytes_and_a_weaker_hash_is_made_anew() -> None:
    hashed = make_password(PASSWORD, hasher=Scrypt())
    algorithm, work, salt, block, lanes, _ = hashed.split("$")
    assert (algorithm, int(work), int(block), int(lanes)) == ("scrypt", 65_536, 8, 1)
    assert len(salt) >= 22
    assert Scrypt().verify(PASSWORD, hashed)
    assert not Scrypt().verify(f"{PASSWORD} ", hashed)
    assert not Scrypt().must_update(hashed)
    earlier = Scrypt().encode(PASSWORD, "s" * 22, n=2**14, p=5)
    assert Scrypt().verify(PASSWORD, earlier)
    assert Scrypt().must_update(earlier)


def test_what_hashes_passwords_is_the_slow_one() -> None:
    from trunkline.platform.settings import web

    assert web.PASSWORD_HASHERS[0] == f"{Scrypt.__module__}.{Scrypt.__qualname__}"
    assert identify_hasher(make_password(PASSWORD)).algorithm == "md5"  # here alone, where nobody can wait for it
    assert check_password(PASSWORD, make_password(PASSWORD))


def test_nobody_is_there_before_somebody_is_made(db: None) -> None:
    from trunkline.identity.models import User

    assert User.objects.count() == 0
    make_user()
    assert User.objects.count() == 1


def test_a_code_by_mail_is_good_for_ten_minutes() -> None:
    from allauth.account import app_settings

    assert app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT == 600
    assert app_settings.EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS <= 3
