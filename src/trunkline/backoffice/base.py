"""`TenantAdmin`: the screen of a model in front of a room's queries and actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import flatten_fieldsets, quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from trunkline.backoffice.cells import tick_box
from trunkline.backoffice.fields import DayField, InstantField, dress, translated_choices
from trunkline.backoffice.forms import REASON, ActionForm, ask_for_files_again, reason_field, refuse
from trunkline.backoffice.history import find_changes, is_tracked
from trunkline.backoffice.paging import UncountedPaginator
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.verbs import Verb, verbs_of
from trunkline.core.errors import TrunklineError
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.db.scope import give_reason

SHOWN_PROBLEMS = 200  # lines of a file; who corrects these loads it again


class UncountedChangeList(ChangeList):
    """A list that reads its page and never counts."""

    is_dataset = False  # asked by Unfold's templates: where they find no answer, Django lists all that the object has

    def get_results(self, request: HttpRequest) -> None:
        paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            rows = paginator.page(self.page_num).object_list
        except InvalidPage:
            raise IncorrectLookupParameters from None
        self.model_admin.load_rows(request, rows)
        self.result_list, self.paginator = rows, paginator
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = self.can_show_all = False
        self.show_admin_actions, self.multi_page = True, True


class TenantAdmin(ModelAdmin):
    """A screen: a list, a form for a row, its history, its verbs. Rows are written by the room's actions alone.

    What a screen says:
    - `permission_to_view`; `permission_to_add`, `permission_to_change` where there is an action for it. Nothing is ever deleted.
    - `create(request, data)`, `change(request, obj, data)`: call the action, give the row. A TrunklineError becomes an error of the form.
    - verbs (`trunkline.backoffice.verbs`), and `panels(request, obj)`: what belongs to the row, below its form.
    - `empty_text`, `empty_link`: what to do where the list is empty.
    """

    permission_to_view: ClassVar[Permission]
    permission_to_add: ClassVar[Permission | None] = None
    permission_to_change: ClassVar[Permission | None] = None
    empty_text: Any = ""

    form: type[forms.ModelForm] = ActionForm
    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    actions: Any = ()
    show_facets = None  # counts of every filter's rows
    change_list_template = "backoffice/change_list.html"
    change_form_after_template = "backoffice/reason.html"
    change_form_outer_after_template = "backoffice/panels.html"
    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_fullwidth = True
    list_sections = ()  # asked twice a row, see `UncountedChangeList.is_dataset`
    save_as = False

    # What a screen overrides

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Any:
        """Have the room's action make a row of what the form says, and give it."""
        raise NotImplementedError(f"{type(self).__name__} permits to add and does not say how")

    def change(self, request: HttpRequest, obj: Any, data: dict[str, Any]) -> Any:
        """Have the room's action change a row; `data` holds only what was changed."""
        raise NotImplementedError(f"{type(self).__name__} permits to change and does not say how")

    def load_rows(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Read at once what the rows of a list's page need besides themselves, and put it on them."""

    def panels(self, request: HttpRequest, obj: Any) -> Sequence[Panel]:
        """What belongs to a row, shown below its form."""
        return ()

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        """Further buttons above the form of a row, or above the list (`obj` is None): to where its verbs do not lead."""
        return ()

    def empty_link(self, request: HttpRequest) -> Link | None:
        """Where to go from an empty list."""
        if self.has_add_permission(request):
            return Link(_("Add %(name)s") % {"name": self.opts.verbose_name}, self.url("add"), "add")
        return None

    # Permissions: asked before anything is looked up

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return principal_of(request).may(self.permission_to_view)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.permission_to_add is not None and principal_of(request).may(
            self.permission_to_view, self.permission_to_add
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.permission_to_change is not None and principal_of(request).may(
            self.permission_to_view, self.permission_to_change
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted: rows have states and validity."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_or_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row of that id as the policy lets it be seen. Raises Http404: absent and foreign alike."""
        found = super().get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Rows are referred to by their key alone; a field that finds its rows while one types asks that."""
        return to_field == self.opts.pk.attname

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the list's filters ask: whoever could ask more could guess at fields that no screen shows."""
        names = {each[0] if isinstance(each, (tuple, list)) else each for each in self.list_filter}
        own = {getattr(each, "parameter_name", None) for each in names}
        fields = {name.split("__")[0] for name in names if isinstance(name, str)}
        return lookup in own or lookup.split("__", maxsplit=1)[0] in fields

    # Lists

    @display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: models.Model) -> str:
        return tick_box(obj.pk)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UncountedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        principal_of(request).require(self.permission_to_view)
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context is not None and "cl" in context:
            context["title"] = capfirst(str(self.opts.verbose_name_plural))
            context["actions_list"] = self._buttons(request, None)
            context["empty_text"], context["empty_link"] = self.empty_text, self.empty_link(request)
        return response

    # Forms

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)

        def perform(bound: ActionForm) -> Any:
            if not change:
                return self.create(request, bound.given(changed_only=False))
            data = bound.given(changed_only=True)
            return self.change(request, obj, data) if data else obj

        if issubclass(form, ActionForm):
            form.perform, form.request, form.asks_why = staticmethod(perform), request, is_tracked(self.model)
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A field in Unfold's looks, with its words in the reader's language."""
        if isinstance(db_field, models.DateTimeField):
            field = db_field.formfield(**kwargs | {"form_class": InstantField, "widget": InstantField.widget})
        elif isinstance(db_field, models.DateField):
            field = db_field.formfield(**kwargs | {"form_class": DayField, "widget": DayField.widget})
        else:
            field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is None:
            return None
        if isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # rows are added on their own screens
        if db_field.choices:
            chosen: Any = field
            field.widget.choices = translated_choices(chosen.choices)
        field.help_text = gettext(str(field.help_text)) if field.help_text else ""
        return field

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        is_writing = request.method not in ("GET", "HEAD", "OPTIONS")
        principal = principal_of(request)
        principal.require(self.permission_to_view)
        if object_id is None or is_writing:
            wanted = self.permission_to_add if object_id is None else self.permission_to_change
            if wanted is None:
                raise PermissionDenied
            principal.require(wanted)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        context |= {
            "show_save_and_continue": False,  # one stays on the page of the row in any case
            "show_history": change and self._may_see_history(request),
            "actions_detail": self._buttons(request, obj) if obj is not None else [],
            "panels": self.panels(request, obj) if obj is not None else (),
        }
        if obj is not None:
            context |= {"title": str(obj), "subtitle": None}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_form(self, request: HttpRequest, form: Any, change: Any) -> Any:
        return form.done or form.instance

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """The action has done it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """The action has done it."""

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(self.url("change", obj))

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(self.url("change", obj))

    # The admin's own log knows no tenants; kit.history keeps what happened.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Kept by the row's own history."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Kept by the row's own history."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Nothing is deleted."""

    # History

    def _may_see_history(self, request: HttpRequest) -> bool:
        return is_tracked(self.model) and principal_of(request).may(Permission.HISTORY_READ)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who changed what, when, why and from where; the latest first."""
        principal_of(request).require(self.permission_to_view, Permission.HISTORY_READ)
        obj = self.get_object(request, unquote(object_id))
        if not is_tracked(self.model):
            raise Http404
        context = {
            "title": _("History: %(name)s") % {"name": obj},
            "changes": find_changes(obj),
            "opts": self.opts,
            "back": self.url("change", obj),
        }
        return self.admin_site.render(request, "backoffice/history.html", context)

    # Verbs

    def get_urls(self) -> list[URLPattern]:
        def at(each: Verb) -> URLPattern:
            route = f"{each.name}/" if each.on_list else f"<path:object_id>/{each.name}/"

            def view(request: HttpRequest, object_id: str | None = None) -> HttpResponse:
                return self.verb_view(request, each, object_id)

            return path(route, self.admin_site.admin_view(view), name=self._url_name(each.name))

        return [*(at(each) for each in verbs_of(type(self))), *super().get_urls()]

    def verb_view(self, request: HttpRequest, each: Verb, object_id: str | None) -> HttpResponse:
        """The page of a verb: what it means, its form, and its doing."""
        principal_of(request).require(self.permission_to_view, each.permission)
        obj = self.get_object(request, unquote(object_id)) if object_id is not None else None
        if not each.applies(obj) and request.method != "POST":
            raise Http404
        given = (request.POST, request.FILES) if request.method == "POST" else ()
        form, problems = each.form(*given, request=request, obj=obj), None
        if each.asks_why and is_tracked(self.model):
            form.fields[REASON] = reason_field()
            dress(form.fields)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    data = dict(form.cleaned_data)
                    if reason := data.pop(REASON, ""):
                        give_reason(reason)
                    done = each.run(self, request, obj, data)
            except TrunklineError as error:
                problems = error.context.get("problems")
                if isinstance(problems, list):
                    wrong = gettext("Nothing was done: %(count)s lines are wrong.") % {"count": len(problems)}
                    form.add_error(None, wrong)
                else:
                    refuse(form, error)
            else:
                if isinstance(done, HttpResponse):
                    return done
                messages.success(request, str(done))
                return HttpResponseRedirect(self.url("change", obj) if obj is not None else self.url("changelist"))
        ask_for_files_again(form)
        context = {
            "title": each.title if obj is None else f"{each.title}: {obj}",
            "verb": each,
            "form": form,
            "problems": problems[:SHOWN_PROBLEMS] if isinstance(problems, list) else (),
            "obj": obj,
            "opts": self.opts,
            "back": self.url("change", obj) if obj is not None else self.url("changelist"),
            "status": 422 if form.errors else 200,
        }
        return self.admin_site.render(request, each.template, context, context["status"])

    def _buttons(self, request: HttpRequest, obj: Any | None) -> list[dict[str, Any]]:
        """The verbs that make sense now and are permitted, and further links, as Unfold's templates want them."""
        principal = principal_of(request)
        found = [
            {
                "title": each.title,
                "icon": each.icon,
                "variant": ActionVariant.DEFAULT,  # the button that does it is red, not the one that leads there
                "attrs": {"data-danger": "yes"} if each.is_danger else {},
                "path": self.url(each.name, obj),
            }
            for each in verbs_of(type(self))
            if each.is_button and each.on_list == (obj is None) and principal.may(each.permission) and each.applies(obj)
        ]
        found += [
            {
                "title": each.text,
                "icon": each.icon,
                "variant": ActionVariant.DEFAULT,
                "attrs": {},
                "path": each.url,
            }
            for each in self.links(request, obj)
        ]
        return found

    # Addresses

    def _url_name(self, what: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{what}"

    def url(self, what: str, obj: Any = None) -> str:
        """The address of `changelist`, `add`, `change`, `history` or a verb of this screen; `obj` is a row or its key."""
        return reverse(f"admin:{self._url_name(what)}", args=() if obj is None else (quote(getattr(obj, "pk", obj)),))


class ReadOnlyAdmin(TenantAdmin):
    """A screen of rows that nobody changes here: each field is shown."""

    form = forms.ModelForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return flatten_fieldsets(self.get_fieldsets(request, obj))
