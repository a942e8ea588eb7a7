"""People, where they work and in which role; keys of programs; visits of the platform's staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Lower

from trunkline.core.ids import uuid7
from trunkline.identity.choices import RoleChoice
from trunkline.identity.permissions import ROLE_NAMES, ROLES, BuiltInRole, Permission, known_permissions
from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference

NAME_LENGTH = 200
NETWORK_LENGTH = 49  # the longest IPv6 address with its prefix
PERMISSION_LENGTH = 60


def normal_email(text: str) -> str:
    """An e-mail address as it is kept and compared: without blanks around it, in small letters."""
    return text.strip().lower()


class UserManager(BaseUserManager["User"]):
    """People by e-mail."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=normal_email(username or ""))


class User(AbstractBaseUser):
    """A person who signs in, by e-mail. Belongs to no tenant: memberships say where the person works, and as what.

    Never list users for a tenant: list its memberships.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(default=uuid7, editable=False, unique=True)
    email = models.EmailField(unique=True, help_text="Signs in with it; kept in small letters.")
    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="", help_text="Of screens; empty: the browser's.")
    is_active = models.BooleanField(default=True, help_text="Whether the person may sign in at all.")
    is_platform_staff = models.BooleanField(
        default=False, help_text="Runs the installation: may enter tenants by a staff session."
    )
    created_at = models.DateTimeField(editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (CheckConstraint(condition=Q(email=Lower("email")), name="identity_user_email_small"),)

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """For templates of Django and Unfold."""
        return str(self)

    def get_short_name(self) -> str:
        """For templates of Django and Unfold."""
        return str(self)

    # Django's own permissions are not ours: what somebody may do depends on the tenant (`Principal`). These say no, so that a screen
    # that forgets to ask the principal shows nothing.

    @property
    def is_staff(self) -> bool:
        """Whether the person may look for staff screens; which tenant and what is shown there the principal says."""
        return self.is_active

    @property
    def is_superuser(self) -> bool:
        """Nobody is."""
        return False

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """No: ask the principal."""
        return False

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        """No: ask the principal."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """No: ask the principal."""
        return False


class Signup(models.Model):
    """An operator that somebody has asked for and that is made when the e-mail address has proved to be theirs."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH)
    currency = models.CharField(max_length=3)
    timezone = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


@track()
class Role(TenantModel):
    """A role of the tenant's own: a name and what it permits. The built-in ones are in the program."""

    public_id = PublicIdField()
    name = models.CharField(max_length=60)
    permissions = ArrayField(models.CharField(max_length=PERMISSION_LENGTH), default=list)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = (
            tenant_key("identity_role_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="identity_role_public_id"),
            UniqueConstraint("tenant", Lower("name"), name="identity_role_name"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def permission_set(self) -> frozenset[Permission]:
        """What it permits, as far as this version knows it."""
        return known_permissions(self.permissions)


@track()
class Membership(TenantModel):
    """A person works for this operator: in which role, from where, and from when to when.

    There is one row a person; who has left has `valid_to` in the past.
    """

    public_id = PublicIdField()
    user = models.ForeignKey(User, on_delete=models.RESTRICT, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="", help_text="As colleagues here know them.")
    role = models.CharField(
        max_length=12, choices=RoleChoice.choices, blank=True, default="", help_text="Built-in role."
    )
    own_role = tenant_reference("identity.Role", null=True, help_text="Or a role of the operator's own.")
    allowed_networks = ArrayField(
        models.CharField(max_length=NETWORK_LENGTH),
        default=list,
        blank=True,
        help_text="Networks they may work from, such as 203.0.113.0/24; none: from everywhere.",
    )
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True, help_text="Until when they work here; empty: no end.")

    class Meta:
        verbose_name = "colleague"
        verbose_name_plural = "staff"
        constraints = (
            tenant_key("identity_membership_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="identity_membership_public_id"),
            UniqueConstraint(fields=["tenant", "user"], name="identity_membership_user"),
            TenantForeignKey(field="own_role", name="identity_membership_own_role_fk"),
            CheckConstraint(
                condition=(Q(role="") & Q(own_role__isnull=False)) | (~Q(role="") & Q(own_role__isnull=True)),
                name="identity_membership_one_role",
            ),
            CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="identity_membership_validity",
            ),
        )
        indexes = (models.Index(fields=["tenant", "own_role"], name="identity_membership_own_role"),)

    def __str__(self) -> str:
        return self.name or str(self.user)

    @property
    def permission_set(self) -> frozenset[Permission]:
        """What its role permits."""
        return ROLES[BuiltInRole(self.role)] if self.own_role is None else self.own_role.permission_set

    @property
    def role_name(self) -> str:
        """The role in words."""
        return ROLE_NAMES[BuiltInRole(self.role)] if self.own_role is None else self.own_role.name


@track(exclude=["hash", "last_used_at", "last_used_from"])
class ApiKey(TenantModel):
    """A program's way in. The key itself was shown once, when it was made; a hash and its last four characters are kept."""

    public_id = PublicIdField()
    name = models.CharField(max_length=NAME_LENGTH, help_text="What it is for.")
    hash = models.CharField(max_length=64, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=PERMISSION_LENGTH), default=list, help_text="What it may do.")
    allowed_networks = ArrayField(
        models.CharField(max_length=NETWORK_LENGTH),
        default=list,
        blank=True,
        help_text="Networks it may be used from, such as 203.0.113.0/24; none: from everywhere.",
    )
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=100, editable=False, help_text="Actor who made it.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="From when on it opens nothing; empty: never.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")
    last_used_from = models.GenericIPAddressField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        constraints = (
            tenant_key("identity_apikey_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="identity_apikey_public_id"),
            UniqueConstraint(fields=["tenant", "hash"], name="identity_apikey_hash"),
        )
        indexes = (
            models.Index(fields=["hash"], name="identity_apikey_by_hash"),
        )  # asked for before the tenant is known

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"

    @property
    def permission_set(self) -> frozenset[Permission]:
        """What it may do, as far as this version knows it."""
        return known_permissions(self.scopes)


@track()
class StaffSession(TenantModel):
    """Somebody of the platform's staff works in this operator's data: who, why, and until when. Only its end may be written later."""

    public_id = PublicIdField()
    user = models.ForeignKey(User, on_delete=models.RESTRICT, related_name="+")
    reason = models.CharField(max_length=500)
    opened_at = models.DateTimeField(editable=False)
    until = models.DateTimeField(help_text="When it ends by itself.")
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "visit of the platform"
        verbose_name_plural = "visits of the platform"
        constraints = (
            tenant_key("identity_staffsession_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="identity_staffsession_public_id"),
            CheckConstraint(condition=~Q(reason=""), name="identity_staffsession_reason"),
            CheckConstraint(condition=Q(until__gt=F("opened_at")), name="identity_staffsession_until"),
        )
        indexes = (models.Index(fields=["tenant", "opened_at"], name="identity_staffsession_opened"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.reason}"


class Denial(TenantModel):
    """What somebody was denied: who, where and what they lacked. Denials of an hour that are alike are one row with their number."""

    actor = models.CharField(max_length=100)
    code = models.CharField(max_length=60, help_text="Of the error that they were shown.")
    permission = models.CharField(max_length=PERMISSION_LENGTH, blank=True, default="", help_text="What was missing.")
    method = models.CharField(max_length=8)
    route = models.CharField(max_length=200, help_text="The page or operation, without the ids in its address.")
    hour = models.DateTimeField(help_text="The hour, in UTC, that its number is of.")
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    last_from = models.GenericIPAddressField(null=True, help_text="Address of the last one.")

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["tenant", "hour", "actor", "code", "permission", "method", "route"],
                name="identity_denial_alike",
            ),
        )
        indexes = (models.Index(fields=["tenant", "-last_at"], name="identity_denial_last"),)

    def __str__(self) -> str:
        return f"{self.code}: {self.method} {self.route}"
