"""Every write of the tariffs. All run inside an open scope."""

from trunkline.tariffs.actions.assignments import assign_tariff, end_assignment
from trunkline.tariffs.actions.changes import RateChange, change_rates, standing_rates, undo_change
from trunkline.tariffs.actions.decks import (
    CODE_CHANGES,
    change_codes,
    change_deck,
    change_group,
    create_deck,
    create_group,
    load_code_deck,
)
from trunkline.tariffs.actions.exchange_rates import ExchangeLoad, load_exchange_rates, set_exchange_rate
from trunkline.tariffs.actions.origins import set_origins, undo_origins
from trunkline.tariffs.actions.rates import RateLoad, load_rate_table, load_rates, void_rates
from trunkline.tariffs.actions.revisions import require_revision
from trunkline.tariffs.actions.special_rates import SpecialChange, create_special_rate, end_special_rate, follow_parents
from trunkline.tariffs.actions.tariffs import (
    UNCHANGED,
    Unchanged,
    change_tariff,
    change_time_profile,
    create_tariff,
    create_time_profile,
)

__all__ = [
    "CODE_CHANGES",
    "UNCHANGED",
    "ExchangeLoad",
    "RateChange",
    "RateLoad",
    "SpecialChange",
    "Unchanged",
    "assign_tariff",
    "change_codes",
    "change_deck",
    "change_group",
    "change_rates",
    "change_tariff",
    "change_time_profile",
    "create_deck",
    "create_group",
    "create_special_rate",
    "create_tariff",
    "create_time_profile",
    "end_assignment",
    "end_special_rate",
    "follow_parents",
    "load_code_deck",
    "load_exchange_rates",
    "load_rate_table",
    "load_rates",
    "require_revision",
    "set_exchange_rate",
    "set_origins",
    "standing_rates",
    "undo_change",
    "undo_origins",
    "void_rates",
]
