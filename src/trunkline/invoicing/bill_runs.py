"""Bill runs: asking for the documents of many accounts, and issuing them one by one, outside the page or request that asked.

Asking writes a row and defers a job, in one transaction. The job opens a scope for each step, and each document is a transaction of its own
in which the outcome of its account is written too. So a run may be cut off anywhere and done again: what has an outcome is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Final

from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError, Unavailable
from trunkline.core.period import DatePeriod, get_zone, local_date
from trunkline.invoicing import queries
from trunkline.invoicing.actions import Order, Outcome, issue_together
from trunkline.invoicing.choices import BILL, BillOutcome, BillRunState
from trunkline.invoicing.models import BillRun, BillRunAccount
from trunkline.invoicing.rules import check_issue_date, groups_to_read, is_of_surroundings
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows, work_lock
from trunkline.kit.db.scope import current_scope, current_tenant_id
from trunkline.kit.faults import reached
from trunkline.kit.logs import log
from trunkline.kit.outages import explain
from trunkline.parties.models import Account
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope

FINAL: Final = (BillRunState.DONE, BillRunState.FAILED)
ACTOR: Final = "system"
HELD_SECONDS: Final = 5  # until a run is tried again while another one of the tenant is at work
PAUSE: Final = timedelta(minutes=1)  # before a run that was cut off is taken up again
ATTEMPTS_MAX: Final = 20  # that were cut off; then it waits for a person
Clock = Callable[[], datetime]
Watcher = Callable[[Outcome, int, int], None]


def ask(
    *,
    period: DatePeriod,
    at: datetime,
    account_codes: Iterable[str] | None = None,
    is_early: bool = False,
    issued_on: date | None = None,
) -> BillRun:
    """Ask for the documents of some accounts, or of all that have something to bill (None), in the name of the scope's actor.

    Afterwards the run is queued, and its job with it. Raises Invalid `period_order`, `issue_date`, `no_accounts`; NotFound
    `account_not_found`, naming the first code that is none.
    """
    if not period:
        raise Invalid("period_order", "A period has at least one day.", field="period_to")
    if issued_on is not None:
        check_issue_date(issued_on, period, local_date(at, get_zone(current_tenant().timezone)))
    chosen = None if account_codes is None else _accounts(account_codes)
    asker = current_scope()
    run = BillRun.objects.create(
        period_from=period.start,
        period_to=period.end,
        issued_on=issued_on,
        is_early=is_early,
        is_all=chosen is None,
        asked_at=at,
        asked_by=asker.actor if asker else ACTOR,
    )
    if chosen is not None:
        _enter(run, chosen)
    _defer(run)
    return run


def _accounts(codes: Iterable[str]) -> list[int]:
    """The ids of accounts of those codes, by code."""
    wanted = sorted(set(codes))
    if not wanted:
        raise Invalid("no_accounts", "Name at least one account.", field="accounts")
    known = dict(Account.objects.filter(code__in=wanted).values_list("code", "pk"))
    missing = next((code for code in wanted if code not in known), None)
    if missing is not None:
        raise NotFound("account_not_found", f"There is no account {missing!r}.", field="accounts", account=missing)
    return [known[code] for code in wanted]


def _enter(run: BillRun, account_ids: Iterable[int]) -> None:
    BillRunAccount.objects.bulk_create(
        [BillRunAccount(bill_run=run, account_id=each) for each in account_ids], ignore_conflicts=True
    )


def _defer(run: BillRun) -> None:
    jobs.defer(BILL, key=str(run.pk), tenant_id=current_tenant_id(), bill_run_id=run.pk)


def defer_later(*, tenant_id: int, bill_run_id: int) -> None:
    """Put the job of a run back because another one of the tenant is at work; needs no scope."""
    jobs.defer(BILL, key=str(bill_run_id), in_seconds=HELD_SECONDS, tenant_id=tenant_id, bill_run_id=bill_run_id)


def try_again(*, bill_run_id: int) -> BillRun:
    """Have a run that has ended done again for the accounts that have no document: those that were refused and those not reached.

    Raises NotFound `not_found`, Conflict `bill_run_under_way`, `nothing_to_try_again`.
    """
    (run,) = lock_rows(BillRun.objects.all(), [bill_run_id])
    if run.state not in FINAL:
        raise Conflict("bill_run_under_way", "The bill run has not ended.", hint="Wait for its end, or stop it.")
    refused = run.outcomes.filter(outcome=BillOutcome.REFUSED)
    tried = refused.update(outcome=BillOutcome.WAITING, reason="", detail="")
    if run.state == BillRunState.DONE and not tried:
        raise Conflict("nothing_to_try_again", "Every account of this bill run has its document.")
    run.state, run.failure, run.failure_detail = BillRunState.QUEUED, "", ""
    run.attempt, run.finished_at = 0, None
    run.save(update_fields=["state", "failure", "failure_detail", "attempt", "finished_at"])
    _defer(run)
    return run


def stop(*, bill_run_id: int, at: datetime) -> BillRun:
    """End a run before its next account. What it has issued stays. Raises NotFound `not_found`, Conflict `bill_run_ended`."""
    (run,) = lock_rows(BillRun.objects.all(), [bill_run_id])
    if run.state in FINAL:
        raise Conflict("bill_run_ended", "The bill run has ended already.")
    _end(run, at, failure="stopped", detail="Somebody has stopped it.")
    return run


def _end(run: BillRun, at: datetime, *, failure: str = "", detail: str = "") -> None:
    run.state = BillRunState.FAILED if failure else BillRunState.DONE
    run.failure, run.failure_detail, run.finished_at = failure, detail, at
    run.save(update_fields=["state", "failure", "failure_detail", "finished_at"])


def process(
    *,
    tenant_id: int,
    bill_run_id: int,
    now: Clock,
    watcher: Watcher = lambda outcome, done, total: None,
    wait: bool = True,
    slice_s: float | None = None,
) -> bool:
    """Take a bill run to its end. Does nothing if it is there already; safe to call twice and from many processes.

    One run of a tenant is at work at a time. Where another is, this waits for it, or with `wait=False` comes back with False. With `slice_s`
    it is laid aside after so many seconds, and its job is at the end of the queue. `watcher` is told each outcome, how many there are by
    now, and of how many. Raises what stops the work and is no account's fault (the database is gone); `defer_unfinished` takes it up again.
    """
    with work_lock("bill_run", tenant_id, wait=wait) as is_ours:
        if not is_ours:
            return False
        run = _begin(tenant_id, bill_run_id, now())
        if run is not None:
            _work(tenant_id, run, now, watcher, slice_s)
    return True


def _begin(tenant_id: int, bill_run_id: int, at: datetime) -> BillRun | None:
    """The run, which is running from now on; None if it has ended."""
    with scope(tenant_id, ACTOR):
        (run,) = lock_rows(BillRun.objects.all(), [bill_run_id])
        if run.state in FINAL:
            return None
        if run.attempt >= ATTEMPTS_MAX:
            _end(run, at, failure="cut_off", detail="It was cut off again and again.")
            return None
        if run.is_all and run.started_at is None:
            _enter(run, [each.account.pk for each in queries.unbilled(until=run.period_to)])
        run.state, run.attempt = BillRunState.RUNNING, run.attempt + 1
        run.started_at = run.started_at or at
        run.save(update_fields=["state", "attempt", "started_at"])
    reached("bill_run_begun")
    return run


def _work(tenant_id: int, run: BillRun, now: Clock, watcher: Watcher, slice_s: float | None) -> None:
    order = Order(
        tenant_id=tenant_id,
        actor=run.asked_by,
        period=DatePeriod(run.period_from, run.period_to),
        at=now(),
        is_early=run.is_early,
        issued_on=run.issued_on,
        bill_run_id=run.pk,
    )
    with scope(tenant_id, ACTOR):
        waiting = queries.waiting_of(run)
    begun, failure = monotonic(), None
    for done, outcome in enumerate(_issue(order, waiting, now), 1):
        failure = _of_surroundings(outcome)
        if failure is not None:
            break
        if not _note(tenant_id, run, outcome):
            return
        reached("bill_run_outcome")
        watcher(outcome, done, len(waiting))
        if slice_s is not None and monotonic() - begun >= slice_s and done < len(waiting):
            _lay_aside(tenant_id, run.pk)
            return
    with scope(tenant_id, ACTOR):
        (run,) = lock_rows(BillRun.objects.all(), [run.pk])
        if run.state == BillRunState.RUNNING:
            said = {} if failure is None else {"failure": failure.code, "detail": failure.for_screens}
            _end(run, now(), **said)


def _lay_aside(tenant_id: int, bill_run_id: int) -> None:
    """Let other jobs have their turn before the accounts that are left."""
    with scope(tenant_id, ACTOR):
        (run,) = lock_rows(BillRun.objects.all(), [bill_run_id])
        if run.state == BillRunState.RUNNING:
            run.attempt = 0  # it was not cut off
            run.save(update_fields=["attempt"])
            _defer(run)


def _issue(order: Order, waiting: Sequence[queries.Waiting], now: Clock) -> Iterator[Outcome]:
    """The outcomes of accounts, one by one. What nobody has foreseen of one account is its outcome, and the others are issued all the same."""
    for codes in groups_to_read([(each.account_code, each.records) for each in waiting]):
        left = list(codes)
        try:
            for outcome in issue_together(replace(order, at=now()), codes):
                left.remove(outcome.account_code)
                yield outcome
        except Exception as error:
            _raise_outage(error)
            for code in left:
                yield _issue_apart(replace(order, at=now()), code)


def _issue_apart(order: Order, code: str) -> Outcome:
    """The outcome of an account that is not read together with others, so that what is wrong with it is its own."""
    try:
        (outcome,) = issue_together(order, [code])
    except TrunklineError as error:
        return Outcome(code, None, error)
    except Exception as error:
        _raise_outage(error)
        name = type(error).__name__
        log("bill_run_unforeseen", level="error", error=name, bill_run=order.bill_run_id)
        return Outcome(
            code, None, Unavailable("unforeseen", f"Trunkline has a fault: {name}.", hint="Try again later.")
        )
    return outcome


def _raise_outage(error: Exception) -> None:
    """Raise it again where the database or the machine is at fault and no account is."""
    if not isinstance(error, TrunklineError) and explain(error) is not None:
        raise error


def _of_surroundings(outcome: Outcome) -> TrunklineError | None:
    """The error of an outcome that every further account would have too: the disk is full, the folder is not there."""
    error = outcome.error
    return error if isinstance(error, Unavailable) and is_of_surroundings(error.code) else None


def _note(tenant_id: int, run: BillRun, outcome: Outcome) -> bool:
    """Write the outcome of an account, unless its document has; False where the run was stopped, and nothing is written any more."""
    with scope(tenant_id, ACTOR):
        if not BillRun.objects.filter(pk=run.pk, state=BillRunState.RUNNING).exists():
            return False
        if outcome.issued is None or not outcome.issued.is_new:
            row = BillRunAccount.objects.filter(
                bill_run=run, account__code=outcome.account_code, outcome=BillOutcome.WAITING
            )
            if outcome.issued is not None:
                row.update(outcome=BillOutcome.UNCHANGED, invoice=outcome.issued.invoice)
            elif outcome.error is None or outcome.error.code == "nothing_to_bill":
                row.update(outcome=BillOutcome.NOTHING)
            else:
                row.update(outcome=BillOutcome.REFUSED, reason=outcome.error.code, detail=outcome.error.for_screens)
    return True


def issue_now(
    *,
    tenant_id: int,
    actor: str,
    period: DatePeriod,
    now: Clock,
    is_early: bool = False,
    issued_on: date | None = None,
    watcher: Watcher = lambda outcome, done, total: None,
) -> BillRun:
    """Ask for the documents of all that have something to bill and issue them here, not by a worker: the run as it ended.

    Must not be called inside a scope. Raises what `ask` and `process` raise; where it is cut off, a worker goes on with it.
    """
    with scope(tenant_id, actor):
        run = ask(period=period, at=now(), is_early=is_early, issued_on=issued_on)
    process(tenant_id=tenant_id, bill_run_id=run.pk, now=now, watcher=watcher)
    with scope(tenant_id, actor):
        run.refresh_from_db()
    return run


def defer_unfinished(*, at: datetime) -> int:
    """Put the runs that have not ended in the queue again, in case whoever was at them is gone; number of jobs made. Needs an open scope."""
    unfinished = BillRun.objects.exclude(state__in=FINAL).filter(asked_at__lte=at - PAUSE).order_by("pk")
    return sum(
        jobs.defer(BILL, key=str(run.pk), tenant_id=current_tenant_id(), bill_run_id=run.pk) for run in unfinished
    )
