"""Every address of the web."""

from __future__ import annotations

from django.urls import include, path

from trunkline.api.app import api
from trunkline.platform import pages
from trunkline.platform.accounts import views

urlpatterns = [
    path("", views.home, name="home"),
    path("health", pages.health, name="health"),
    path("ready", pages.ready, name="ready"),
    path("metrics", pages.metrics, name="metrics"),
    path("accounts/operator/", views.choose, name="choose_tenant"),
    path("accounts/operator/enter/", views.enter, name="enter_tenant"),
    path("accounts/operator/leave/", views.leave, name="leave_tenant"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", api.urls),
]

handler400 = pages.bad_request
handler403 = pages.denied
handler404 = pages.not_found
handler500 = pages.server_error
