"""Every address of the web."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path
from django.views.generic import RedirectView

from trunkline.api.app import api
from trunkline.api.pages import docs
from trunkline.backoffice.site import site
from trunkline.platform import pages, tenant_pages
from trunkline.platform.accounts import views

urlpatterns = [
    path("", RedirectView.as_view(url=settings.BACKOFFICE_PREFIX)),
    path("operator/", views.home, name="home"),
    path("office/", site.urls),
    path("health", pages.health, name="health"),
    path("ready", pages.ready, name="ready"),
    path("metrics", pages.metrics, name="metrics"),
    path("accounts/operator/", views.choose, name="choose_tenant"),
    path("accounts/operator/enter/", views.enter, name="enter_tenant"),
    path("accounts/operator/leave/", views.leave, name="leave_tenant"),
    path("accounts/profile/", views.profile, name="profile"),
    path("platform/", tenant_pages.tenants, name="platform"),
    path("platform/<slug:slug>/", tenant_pages.tenant, name="platform_tenant"),
    path("platform/<slug:slug>/enter/", tenant_pages.enter, name="platform_enter"),
    path("platform/<slug:slug>/standing/", tenant_pages.standing, name="platform_standing"),
    path("platform/<slug:slug>/quota/", tenant_pages.quota, name="platform_quota"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/docs", docs, name="api_docs"),
    path("api/v1/", api.urls),
]

handler400 = pages.bad_request
handler403 = pages.denied
handler404 = pages.not_found
handler500 = pages.server_error
