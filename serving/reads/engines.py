"""The pages of the engines beside the service, where they run: Prefect's and MLflow's."""

import socket
from urllib.parse import urlsplit

from settings import Settings

WAIT_SECONDS = 0.2


def engines(settings: Settings) -> list[tuple[str, str, bool]]:
    """(name, address of its page, whether something listens there)."""
    prefect = urlsplit(settings.prefect_api_url)
    pages = (
        ("Prefect", f"{prefect.scheme}://{prefect.netloc}/", prefect.hostname or "", prefect.port or 80),
        ("MLflow", f"http://127.0.0.1:{settings.mlflow_port}/", "127.0.0.1", settings.mlflow_port),
    )
    return [(name, address, _listens(host, port)) for name, address, host, port in pages]


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=WAIT_SECONDS):
            return True
    except OSError:
        return False
