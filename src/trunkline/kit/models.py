"""What every tenant model is made of."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.ddl_references import Columns, Statement, Table
from django.db.models.sql import Query

from trunkline.core.errors import Invalid
from trunkline.core.ids import uuid7
from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS, Amount, Price
from trunkline.kit.db.scope import current_tenant_id, require_scope

M = TypeVar("M", bound=models.Model)


class TenantQuery(Query):
    """A query that raises `ScopeError` outside a scope, where PostgreSQL would silently say zero rows."""

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        require_scope(self.model)
        return super().get_compiler(*args, **kwargs)


class TenantQuerySet(models.QuerySet):
    """Rows of the tenant of the open scope. Outside one every use raises `ScopeError`."""

    query_class: ClassVar[type[Query]] = TenantQuery

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query if query is not None else self.query_class(model), using, hints)

    # Writes and raw SQL do not compile the query above: each asks for the scope by itself.

    def update(self, **kwargs: Any) -> int:
        require_scope(self.model)
        return super().update(**kwargs)

    def bulk_create(self, *args: Any, **kwargs: Any) -> Any:
        require_scope(self.model)
        return super().bulk_create(*args, **kwargs)

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        require_scope(self.model)
        return super().raw(*args, **kwargs)

    def delete(self) -> Any:
        require_scope(self.model)
        return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: no `objects.delete()`


TenantManager = models.Manager.from_queryset(TenantQuerySet)


class ScopedModel(models.Model):
    """A row that is written inside a scope only; outside one PostgreSQL would silently touch nothing."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        require_scope(type(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        require_scope(type(self))
        return super().delete(*args, **kwargs)


class TenantModel(ScopedModel):
    """A row that belongs to one tenant: its table has row-level security, its keys lead with the tenant."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(
        "tenancy.Tenant",
        on_delete=models.RESTRICT,
        default=current_tenant_id,
        editable=False,
        related_name="+",
        db_index=False,
    )

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"  # what follows a reference, refreshes and saves is confined like any query

    def validate_constraints(self, exclude: Any = None) -> None:
        # A tenant field that no form shows would switch off every unique check that includes it.
        super().validate_constraints(exclude=set(exclude or ()) - {"tenant"})


def unchecked_tenant() -> models.ForeignKey[Any, Any]:
    """The tenant of bulk rows: without a check of each row at the commit. The policy of the table lets only the scope's tenant in."""
    return models.ForeignKey(
        "tenancy.Tenant",
        on_delete=models.RESTRICT,
        default=current_tenant_id,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )


def tenant_key(name: str) -> models.UniqueConstraint:
    """The unique key (tenant, id) that foreign keys of other tenant models point to."""
    return models.UniqueConstraint(fields=["tenant", "id"], name=name)


class TenantForeignKey(models.BaseConstraint):
    """A foreign key between tenant tables that carries the tenant: `(tenant_id, x_id) REFERENCES other (tenant_id, id)`.

    PostgreSQL checks foreign keys past row-level security, so a plain one could point into another tenant. The model's own field keeps
    `db_constraint=False`. Always RESTRICT, checked at once, deferrable by `SET CONSTRAINTS`.
    """

    def __init__(self, *, field: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def constraint_sql(self, model: Any, schema_editor: Any) -> None:  # type: ignore[override]
        schema_editor.deferred_sql.append(self._statement(model, schema_editor))

    def create_sql(self, model: Any, schema_editor: Any) -> None:  # type: ignore[override]
        # Deferred to the end of the migration: the unique key it refers to may come later in it.
        self.constraint_sql(model, schema_editor)

    def _statement(self, model: Any, schema_editor: Any) -> Statement:
        field = model._meta.get_field(self.field)
        table, target = model._meta.db_table, field.related_model._meta.db_table
        quote = schema_editor.quote_name
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s) REFERENCES %(target)s (%(keys)s) "
            "ON DELETE RESTRICT DEFERRABLE INITIALLY IMMEDIATE",
            table=Table(table, quote),
            name=quote(self.name),
            columns=Columns(table, ["tenant_id", field.column], quote),
            target=Table(target, quote),
            keys=Columns(target, ["tenant_id", "id"], quote),
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> str | None:  # type: ignore[override]
        quote = schema_editor.quote_name
        waiting = [s for s in schema_editor.deferred_sql if isinstance(s, Statement)]
        for statement in waiting:
            if statement.parts.get("name") == quote(self.name):  # added by this same migration and not yet there
                schema_editor.deferred_sql.remove(statement)
                return None
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to check here: the database does, and forms list own rows only."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, (), {"field": self.field, "name": self.name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TenantForeignKey) and (self.field, self.name) == (other.field, other.name)

    def __hash__(self) -> int:
        return hash((self.field, self.name))


def tenant_reference(to: str, *, null: bool = False, related_name: str = "+", **kwargs: Any) -> Any:
    """The field half of a reference to another tenant model; `Meta.constraints` holds the `TenantForeignKey` half."""
    return models.ForeignKey(
        to,
        on_delete=models.RESTRICT,
        db_constraint=False,
        db_index=False,
        null=null,
        blank=null,
        related_name=related_name,
        **kwargs,
    )


class PublicIdField(models.UUIDField):
    """The id that leaves the house: UUID version 7, unique per tenant."""

    def __init__(self, **kwargs: Any) -> None:
        given: dict[str, Any] = {"default": uuid7, "editable": False} | kwargs
        super().__init__(**given)


def find_public(rows: models.QuerySet[M], public_id: str) -> M | None:
    """The row of that public id among these; None also for a text that is no UUID."""
    try:
        wanted = UUID(public_id)
    except ValueError:
        return None
    return rows.filter(public_id=wanted).first()


class _ScaledField(models.DecimalField):
    """A numeric column that is an exact money type in Python."""

    money: type[Amount] | type[Price]
    shape: ClassVar[dict[str, int]]
    validators: Any = ()  # precision and range are the money type's own

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | self.shape)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {k: v for k, v in kwargs.items() if k not in self.shape}

    def from_db_value(self, value: Decimal | None, expression: Any, connection: Any) -> Any:
        return None if value is None else self.money.from_decimal(value)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, self.money):
            return value
        if isinstance(value, float):
            raise TypeError(f"{self.name}: no float ever touches money; give text, Decimal or {self.money.__name__}")
        if isinstance(value, str):
            return self.money.from_text(value)
        return self.money.from_decimal(Decimal(value))

    def clean(self, value: Any, model_instance: Any) -> Any:
        """What a form takes: the money type's refusals as messages beside the field."""
        try:
            return super().clean(value, model_instance)
        except Invalid as error:
            raise ValidationError(error.message, code=error.code) from error

    def get_prep_value(self, value: Any) -> Any:
        value = self.to_python(value)
        return None if value is None else value.to_decimal()

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_prep_value(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if prepared else self.get_prep_value(value)

    def value_to_string(self, obj: Any) -> str:
        return str(self.value_from_object(obj))


class AmountField(_ScaledField):
    """An `Amount`: numeric(28, 8)."""

    money = Amount
    shape: ClassVar = {"max_digits": 28, "decimal_places": AMOUNT_DECIMALS}

    if TYPE_CHECKING:
        _pyi_private_set_type: Amount  # type: ignore[assignment]
        _pyi_private_get_type: Amount  # type: ignore[assignment]


class PriceField(_ScaledField):
    """A `Price`: numeric(20, 10)."""

    money = Price
    shape: ClassVar = {"max_digits": 20, "decimal_places": PRICE_DECIMALS}

    if TYPE_CHECKING:
        _pyi_private_set_type: Price  # type: ignore[assignment]
        _pyi_private_get_type: Price  # type: ignore[assignment]


__all__ = [
    "AmountField",
    "PriceField",
    "PublicIdField",
    "ScopedModel",
    "TenantForeignKey",
    "TenantManager",
    "TenantModel",
    "TenantQuerySet",
    "find_public",
    "tenant_key",
    "tenant_reference",
]
