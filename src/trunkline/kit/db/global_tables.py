"""Every table that has no tenant, with the reason. A system check compares this list with the database."""

from __future__ import annotations

GLOBAL_TABLES: dict[str, str] = {
    "django_migrations": "which migrations ran; no tenant data",
    "django_content_type": "names of models",
    "django_session": "who is signed in, before it is known to which tenant; holds ids only",
    "django_admin_log": "the admin's own log: nothing is written there, the history of a row is under its policy",
    "auth_permission": "Django's permissions, which decide nothing here",
    "auth_group": "Django's groups, of which there are none",
    "auth_group_permissions": "Django's groups, of which there are none",
    "identity_user": "people sign in before a tenant is known, and may work for several; memberships say where",
    "identity_signup": "operators that are asked for and not there yet",
    "account_emailaddress": "whether a person's address is proved",
    "account_emailconfirmation": "proofs of addresses that are under way",
    "mfa_authenticator": "second factors and passkeys of a person, sealed",
    "usersessions_usersession": "where a person is signed in",
    "axes_accessattempt": "failed sign-ins, of whatever name was typed",
    "axes_accessattemptexpiration": "when failed sign-ins are forgotten",
    "axes_accessfailurelog": "failed sign-ins, for who looks for an attack",
    "axes_accesslog": "sign-ins, which are not kept there",
    "procrastinate_jobs": "the queue; arguments are ids, tenant_id always among them",
    "procrastinate_events": "times of the queue's jobs",
    "procrastinate_periodic_defers": "when schedules last ran",
    "procrastinate_workers": "which workers are alive",
}
