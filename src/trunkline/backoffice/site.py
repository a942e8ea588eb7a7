"""The site of the back office: who gets in, what becomes of errors, and the pages that are no list or form of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper, wraps
from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.i18n import set_language
from unfold.sites import UnfoldAdminSite

from trunkline.backoffice.hints import hint_text
from trunkline.backoffice.nav import first_of_task, operator_name, own_account, sidebar
from trunkline.backoffice.rooms import in_words
from trunkline.core.errors import Conflict, Denied, Invalid, NotFound, TrunklineError, Unavailable
from trunkline.identity.outside import Outside
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of

View = Callable[..., HttpResponseBase]
AdminClass = TypeVar("AdminClass", bound=type)

NOT_WORKING = frozenset({"trial_ended", "tenant_suspended"})
SCRIPT_WORDS_S = 3600
# What Unfold's settings (`backoffice.looks`) say of every page, whoever asks in whatever language.
SAME_FOR_ALL = (
    "available_apps", "border_radius", "colors", "command_show_history", "environment", "environment_title_prefix", "form_classes",
    "is_nav_sidebar_enabled", "is_popup", "language_flags", "languages_action", "languages_list", "login_image", "scripts",
    "show_back_button", "show_history", "show_languages", "show_view_on_site", "sidebar_command_search", "sidebar_show_all_applications",
    "sidebar_show_search", "site_dropdown", "site_favicons", "site_icon", "site_logo", "site_subheader", "site_symbol", "site_title",
    "site_url", "styles", "tab_list", "theme",
)  # fmt: skip
STATUS_OF = ((NotFound, 404), (Denied, 403), (Conflict, 409), (Invalid, 400), (Unavailable, 503))


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is no list or form of a model. `permission` is asked before its view is called."""

    route: str
    name: str
    view: View
    permission: Permission


class BackOffice(UnfoldAdminSite):
    """The one site of the staff. Its name is `admin`, because Unfold's templates ask for that."""

    index_title = gettext_lazy("Dashboard")
    enable_nav_sidebar = True
    empty_value_display = "–"

    def __init__(self) -> None:
        super().__init__(name="admin")
        self.pages: list[Page] = []
        self._same_for_all: dict[str, Any] | None = None

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody works for an operator here: what he may do there each screen asks."""
        return getattr(request, "principal", None) is not None

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Let staff in, send others to sign in, and say what went wrong in the page's own looks.

        A TrunklineError that a screen has not made a message of a form is shown with the status of its family; what was written before it is
        taken back.
        """

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                return self._send_to_sign_in(request)
            return self._finished(request, lambda: view(request, *args, **kwargs))

        guarded: View = inner if cacheable else never_cache(inner)
        return update_wrapper(csrf_protect(guarded), view)

    def _finished(self, request: HttpRequest, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        """The answer with its page made, or what is in the way; of one that is computed outside the scope the same is done when it is there."""
        try:
            with (
                transaction.atomic()
            ):  # what a screen wrote before it failed is taken back; the page that says so still asks
                response = answer()
                if isinstance(response, TemplateResponse):
                    response.render()
        except Http404:
            return self.problem(request, 404)
        except PermissionDenied:
            return self.problem(request, 403, Denied("permission_missing", gettext("You may not do that")))
        except TrunklineError as error:
            return self.problem(request, status_of(error), error)
        if isinstance(response, Outside):
            response.then = self._later(request, response.then)
        return response

    def _later(
        self, request: HttpRequest, then: Callable[[Any], HttpResponseBase]
    ) -> Callable[[Any], HttpResponseBase]:
        def finished(result: Any) -> HttpResponseBase:
            response = self._finished(request, lambda: then(result))
            add_never_cache_headers(response)
            return response

        return finished

    def problem(self, request: HttpRequest, status: int, error: TrunklineError | None = None) -> HttpResponse:
        """The page that says what is in the way. Absent and foreign objects get the same one, word for word."""
        titles = {
            400: gettext("That cannot be done"),
            403: gettext("You may not do that"),
            404: gettext("There is nothing here"),
            409: gettext("That contradicts what is there"),
            503: gettext("Not now"),
        }
        texts = {
            403: gettext("Your role here does not permit it. Whoever manages staff can give you another one."),
            404: gettext("The address is wrong, or what it named is not there any more."),
        }
        if isinstance(error, Denied):
            request.denied = error  # type: ignore[attr-defined]  # kept by the middleware, when this page is over
        shown = error is not None and status not in texts
        if (
            error is not None and error.code in NOT_WORKING
        ):  # it is not the person who may not; what stands above the page says why
            titles[403] = gettext("Nothing new is taken")
            texts[403] = gettext(
                "Nothing was changed. Whoever runs this installation can extend the trial, or let the operator go on."
            )
        is_full = error is not None and error.code == "quota_reached"
        if is_full:
            titles[403] = gettext("Nothing new is taken")
            texts[403] = gettext(
                "What this operator may store is used up. Whoever runs this installation can give more."
            )
        context = {
            **self.each_context(request),
            "title": titles.get(status, ""),
            "message": in_words(error.message) if shown and error else texts.get(status, ""),
            "hint": hint_text(error) if shown and error else "",
            "code": error.code if error is not None and (shown or is_full or error.code in NOT_WORKING) else "",
        }
        response = TemplateResponse(request, "backoffice/problem.html", context, status=status)
        return response.render()

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way to sign in, and it is not the admin's."""
        return self._send_to_sign_in(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign out, as on the pages of signing in."""
        if request.method == "POST":
            get_adapter(request).logout(request)
        return HttpResponseRedirect(resolve_url("account_login"))

    def _send_to_sign_in(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:  # but for no operator yet
            return HttpResponseRedirect(resolve_url("home"))
        return redirect_to_login(request.get_full_path(), resolve_url("account_login"))

    def page(self, route: str, *, name: str, permission: Permission) -> Callable[[View], View]:
        """Enter a page of its own: `view(request, **of the route)`. Its address is `admin:<name>`."""

        def enter(view: View) -> View:
            @wraps(view)
            def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                principal_of(request).require(permission)
                request.current_app = self.name
                return view(request, *args, **kwargs)

            self.pages.append(Page(route, name, asked, permission))
            return asked

        return enter

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page shows; besides Unfold's, what one must know wherever one is.

        What is the same for everybody is asked of Unfold once a process: it puts its settings together anew for each of some thirty questions.
        """
        from trunkline.backoffice.notices import notices

        if self._same_for_all is None:
            context = super().each_context(request)
            self._same_for_all = {name: context[name] for name in SAME_FOR_ALL}
        is_in = self.has_permission(request)
        return {
            **self._same_for_all,
            "has_permission": is_in,
            "site_header": operator_name(request),
            "account_links": own_account(request),
            "sidebar_navigation": sidebar(request) if is_in else [],
            "notices": notices(request),
        }

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """None: the sidebar goes by task, and looking for it all is done by `search`."""
        return []

    def extra_urls(self) -> list[URLPattern]:
        """The pages of their own (Unfold asks for them)."""
        pages = [path(each.route, self.admin_view(each.view), name=each.name) for each in self.pages]
        return [path("language/", self.admin_view(set_language), name="set_language"), *pages]

    def screen(self, *models_shown: type[models.Model]) -> Callable[[AdminClass], AdminClass]:
        """Enter a `TenantAdmin` as the screen of models."""

        def enter(admin_class: AdminClass) -> AdminClass:
            self.register(models_shown, admin_class)
            return admin_class

        return enter

    def render(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """A page of its own in the frame: `title` in the context, the rest as the template wants it."""
        return TemplateResponse(request, template, {**self.each_context(request), **context}, status=status)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard."""
        from trunkline.backoffice.dashboard import dashboard
        from trunkline.backoffice.first_steps import first_steps

        context = {**self.each_context(request), "title": self.index_title, **dashboard(request)}
        context["first_steps"] = first_steps(request)
        return TemplateResponse(request, "backoffice/dashboard.html", context)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What somebody looks for, anywhere. Unfold's own keeps answers under the person alone, who may work for several operators."""
        from trunkline.backoffice.search import found_for

        results = found_for(request, request.GET.get("s", ""))
        template = "backoffice/search_command.html" if "extended" in request.GET else "backoffice/search.html"
        return TemplateResponse(request, template, {"results": results}, headers={"HX-Trigger": "search"})

    def i18n_javascript(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The words of the admin's scripts: asked for by every list and form, so browsers keep them, each language's own."""
        response: HttpResponse = super().i18n_javascript(request, extra_context)
        patch_cache_control(response, private=True, max_age=SCRIPT_WORDS_S)
        patch_vary_headers(response, ("Cookie", "Accept-Language"))
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Passwords are changed where one signs in."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def app_index(self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None) -> Any:
        """There are no pages of apps, the sidebar goes by task: the name in the path above a page leads to the first page of its task."""
        first = first_of_task(request, app_label)
        if first is None:
            raise Http404
        return HttpResponseRedirect(first)


def status_of(error: TrunklineError) -> int:
    """The HTTP status of an error's family."""
    return next((status for family, status in STATUS_OF if isinstance(error, family)), 500)


site = BackOffice()
