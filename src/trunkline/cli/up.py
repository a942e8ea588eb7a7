"""`trunkline up`: the whole installation under one supervisor."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated, Final

import typer

from trunkline.cli.door import say
from trunkline.core.errors import Unavailable
from trunkline.kit.supervisor import Service, Supervisor

ABOUT = "Serve the web, run the jobs and keep the schedules, until Ctrl-C or SIGTERM."
HOST: Final = "127.0.0.1"
PORT: Final = 8000
WEB_PROCESSES: Final = 2
WEB_THREADS: Final = 8
# Where both want the same cores, people come before jobs (docs/adr/010).
WORKER_NICENESS: Final = 5
# A request may take a while to upload; whoever hangs altogether is replaced.
WEB_TIMEOUT_S: Final = 300
WEB_GRACE_S: Final = 30

app = typer.Typer(help=ABOUT)


@app.command(help=ABOUT)
def up(
    host: Annotated[str, typer.Option(help="Address to listen on; a proxy with TLS stands in front of others.")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = PORT,
    web_processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve the web.")] = WEB_PROCESSES,
    jobs: Annotated[int, typer.Option(min=0, max=16, help="Processes that run jobs; 0 where others do.")] = 1,
) -> None:
    """Serve until told to stop; what is in hand comes to its end."""
    say(f"Trunkline listens on http://{host}:{port}/ (Ctrl-C stops it)")
    raise typer.Exit(serve(host=host, port=port, web_processes=web_processes, jobs=jobs))


def serve(*, host: str = HOST, port: int = PORT, web_processes: int = WEB_PROCESSES, jobs: int = 1) -> int:
    """Run everything until told to stop: the exit status. Raises `Unavailable` (`static_files`)."""
    _collect_static_files()
    work = ["nice", "-n", str(WORKER_NICENESS), sys.executable, "-m", "trunkline", "worker"]
    workers = [Service(f"worker {number}", work) for number in range(1, jobs + 1)]
    web = Service(
        "web",
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--bind",
            f"{f'[{host}]' if ':' in host else host}:{port}",
            "--workers",
            str(web_processes),
            "--threads",
            str(WEB_THREADS),
            "--timeout",
            str(WEB_TIMEOUT_S),
            "--graceful-timeout",
            str(WEB_GRACE_S),
            "--max-requests",  # what leaks a little is renewed
            "100000",
            "--max-requests-jitter",
            "10000",
            "--config",
            "python:trunkline.platform.processes",
            "--no-control-socket",
            "--log-level",
            "warning",
            "trunkline.platform.wsgi:application",
        ],
        {"WEB_CONCURRENCY": str(web_processes), "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]},
    )
    return Supervisor([web, *workers], say=say).run()


def _collect_static_files() -> None:
    """Put what pages load beside the data, compressed and with hashes in the names; what is there already is left."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "collectstatic", "--no-input", "--verbosity", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(
            "static_files", f"The files of the pages could not be written:\n{done.stderr.strip()[-2000:]}"
        )
